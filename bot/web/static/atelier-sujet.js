// The linter speaks while one types. Without this script, the button « Vérifier et voir la carte » does the same.

const PAUSE_MS = 500;
const form = document.querySelector("[data-verifier]");
const place = document.getElementById("verification");
const announce = document.getElementById("annonce");
let timer = 0;
let running = null;

async function check() {
  running?.abort();
  running = new AbortController();
  try {
    const answer = await fetch(form.dataset.verifier, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      signal: running.signal,
    });
    if (!answer.ok) return;
    const piece = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".at-verification");
    if (!piece) return;
    place.replaceChildren(document.adoptNode(piece));
    const count = place.querySelectorAll(".at-remarques > li").length;
    announce.textContent = count ? `${count} remarque${count > 1 ? "s" : ""}` : "Rien à redire";
  } catch (error) {
    if (error.name !== "AbortError") announce.textContent = "La vérification ne répond pas. Vous pouvez enregistrer.";
  }
}

form?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE_MS);
});
form?.addEventListener("submit", () => {
  clearTimeout(timer);
  running?.abort();
});
