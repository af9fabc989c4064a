// Follows a training without reloading. Without this script, the link « Actualiser » does the same.

const PAUSE_MS = 1000;
const place = document.getElementById("suivi");

async function look() {
  const shown = document.getElementById("suivi-contenu");
  if (!shown || shown.dataset.ouvert !== "oui") return;
  try {
    const answer = await fetch(place.dataset.suivi);
    const piece = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("suivi-contenu");
    if (piece && !shown.contains(document.activeElement)) place.replaceChildren(document.adoptNode(piece));
    else if (piece) update(shown, piece);
  } catch {
    // the next look will tell
  }
  setTimeout(look, PAUSE_MS);
}

// Someone stands on a button: only the figures move, the focus stays.
function update(shown, piece) {
  const olds = shown.querySelectorAll("article");
  piece.querySelectorAll("article").forEach((article, index) => {
    const old = olds[index];
    if (!old) return;
    if (old.contains(document.activeElement) && article.querySelector("progress")) {
      old.querySelector("progress").value = article.querySelector("progress").value;
      old.querySelector("[role=status]").textContent = article.querySelector("[role=status]").textContent;
    } else old.replaceWith(document.adoptNode(article));
  });
  shown.dataset.ouvert = piece.dataset.ouvert;
}

setTimeout(look, PAUSE_MS);
