// What a browser adds to an answer: copy, print, share, read aloud. Nothing is shown that the browser cannot do.
import { el } from "./dessin.js";

const tool = (label, action) => {
  const button = el("button", { type: "button" }, label);
  button.addEventListener("click", () => action(button));
  return button;
};
const wordsOf = (node) => node.textContent.replace(/\s+/g, " ").trim();

// A referral as plain text, one idea a line.
export function referralText(card) {
  const lines = [];
  for (const part of card.querySelectorAll(".al-carte-sujet, .al-carte-porte, .al-carte-service, .al-etiquette, .al-carte-etape, .al-etape-geste, .al-etape-ou, .al-phrase, .al-carte-apporter li, .al-carte-faits > div, .al-carte-origine, .al-lien-officiel, .al-guichet > p, .al-horaires li, .al-carte-secours, .al-a-confirmer, .al-code")) {
    if (part.matches(".al-ouverture")) continue;
    if (part.matches(".al-etiquette")) lines.push("", `${wordsOf(part)} :`);
    else if (part.matches(".al-etape-geste")) lines.push("", `[ ] ${wordsOf(part)}`);
    else if (part.matches(".al-carte-apporter li")) lines.push(`- ${wordsOf(part)}`);
    else if (part.matches(".al-lien-officiel")) lines.push(`${wordsOf(part)} : ${part.href}`);
    else if (part.matches(".al-carte-porte")) lines.push(wordsOf(part).replace(/^(Votre porte|Où aller d'abord)\s*/, "$1 : "));
    else lines.push(wordsOf(part));
  }
  return lines.join("\n");
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const area = el("textarea", { class: "al-invisible", readonly: "" });
    area.value = words;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function addCardTools(card, { say, canPrint }) {
  let place = card.querySelector(":scope > .al-carte-outils");
  if (!place) card.append((place = el("p", { class: "al-carte-outils" })));
  const link = place.querySelector("a");
  const address = link ? link.href : location.href.split("#")[0];
  place.prepend(tool("Copier", async (button) => {
    const done = await copy(`${referralText(card)}${link ? `\n\n${address}` : ""}`);
    button.focus();
    say(done ? "La fiche est copiée." : "La copie n'a pas marché. Sélectionnez le texte à la main.");
  }));
  if (navigator.share) {
    place.prepend(tool("Partager", async () => {
      try {
        await navigator.share({ title: wordsOf(card.querySelector(".al-carte-sujet, .al-carte-porte")), text: referralText(card), ...(link ? { url: address } : {}) });
      } catch (error) {
        if (error.name !== "AbortError") say("Le partage n'a pas marché. Vous pouvez copier la fiche.");
      }
    }));
  }
  if (canPrint) {
    place.prepend(tool("Imprimer", () => {
      card.classList.add("al-a-imprimer");
      window.print();
      card.classList.remove("al-a-imprimer");
    }));
  }
}

let reading = null; // the button of what is being read

function stopReading() {
  if (!reading) return;
  speechSynthesis.cancel();
  reading.textContent = "Écouter";
  reading = null;
}

function addReader(message) {
  const author = message.querySelector(":scope > .al-auteur");
  const button = tool("Écouter", () => {
    const again = reading === button;
    stopReading();
    if (again) return;
    const parts = [...message.querySelectorAll(".al-appel, .al-consigne, .al-courtoisie p, .al-phrase, .al-choix-question, .al-carte-sujet, .al-carte-porte, .al-carte-service, .al-etiquette, .al-carte-etape, .al-etape-geste, .al-etape-ou, .al-carte-apporter li, .al-carte-faits > div, .al-carte-origine, .al-guichet > p, .al-horaires li, .al-carte-secours, .al-a-confirmer, .al-bouton-choix")];
    const voices = speechSynthesis.getVoices();
    reading = button;
    button.textContent = "Arrêter la lecture";
    parts.forEach((part, index) => {
      const said = new SpeechSynthesisUtterance(wordsOf(part));
      said.lang = part.closest("[lang]").lang || "fr";
      if (said.lang === "fr") said.lang = "fr-FR";
      said.voice = voices.find((voice) => voice.lang.startsWith(said.lang.slice(0, 2))) || null;
      if (index === parts.length - 1) said.onend = () => { if (reading === button) stopReading(); };
      speechSynthesis.speak(said);
    });
  });
  button.classList.add("al-ecouter");
  author.append(" ", button);
}

export function addTools(node, options) {
  for (const card of node.querySelectorAll(".al-carte")) addCardTools(card, options);
  if (window.speechSynthesis && node.matches(".al-message-assistant")) addReader(node);
}

if (window.speechSynthesis) window.addEventListener("pagehide", stopReading);
