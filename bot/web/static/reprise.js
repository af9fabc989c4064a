// Reads what a scanned drawing holds after the #: no browser sends that part, so the words of the person reach no server.
import { el } from "./dessin.js";

const place = document.getElementById("paroles");
const BROKEN = "Le dessin a été mal lu : les mots de la personne manquent. Scannez-le à nouveau, ou demandez-lui sa demande.";

function sum(bytes) { // Adler-32, as the server writes it
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b * 65536) + a).toString(16).padStart(8, "0");
}

function read(held) {
  const parts = /^(\d{4})(\d{2})(\d{2})\.([\w-]+)\.([0-9a-f]{8})$/.exec(held);
  if (!parts) throw new Error("shape");
  const bytes = Uint8Array.from(atob(parts[4].replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  if (sum(bytes) !== parts[5]) throw new Error("sum");
  const lines = new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("\n");
  const day = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]));
  return { day: day.toLocaleDateString("fr-FR", { dateStyle: "long" }), turns: lines.map((line) => line.split("\t")) };
}

function show() {
  const held = location.hash.slice(1);
  if (!place || !held || held === "contenu") return;
  try {
    const { day, turns } = read(held);
    const list = el("ol", { class: "reprise-paroles" });
    for (const [asked, said] of turns) {
      list.append(el("li", {}, asked ? el("span", { class: "reprise-question" }, `L'assistant : ${asked}`) : null, el("q", {}, said || "")));
    }
    place.replaceChildren(el("p", {}, `Ses mots, le ${day}. Ce qui ressemblait à une donnée personnelle y est caché.`), list);
  } catch {
    place.replaceChildren(el("p", { class: "reprise-faute" }, BROKEN));
  }
  place.hidden = false;
  history.replaceState(null, "", location.pathname + location.search); // the words stay out of this browser's history
}

show();
window.addEventListener("hashchange", show);
