// The page works without this script; with it, the conversation goes on without reloading.
import { Fil } from "./fil.js";

const root = document.getElementById("fil");
const form = document.getElementById("formulaire");
const easyButton = document.getElementById("lecture");
const fil = new Fil(root, {
  canal: root.dataset.canal,
  conversation: form.elements.conversation.value,
});

form.addEventListener("submit", async (event) => {
  const action = event.submitter && event.submitter.name === "action" ? event.submitter.value : "";
  if (!action) return;
  event.preventDefault();
  if (action === "lecture") toggleEasy();
  else if (await fil.restart()) window.scrollTo({ top: 0 });
});

function toggleEasy() {
  const easy = document.documentElement.dataset.lecture !== "facile";
  if (easy) document.documentElement.dataset.lecture = "facile";
  else delete document.documentElement.dataset.lecture;
  easyButton.textContent = easy ? "Lecture normale" : "Lecture facile";
  for (const input of document.querySelectorAll("input[name=lecture]")) input.value = easy ? "facile" : "";
  history.replaceState(null, "", `${location.pathname}${easy ? "?lecture=facile" : ""}`);
}
