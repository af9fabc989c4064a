// The page works without this script; with it, the conversation goes on without reloading.
// Everything is drawn with textContent, in the same parts and order as templates/reponse.html.

const LIMIT_MS = 40000;
const OFFLINE = "Le réseau ne répond pas. Votre texte est gardé dans le champ\u00a0: essayez à nouveau.";
const OFFLINE_CHOICE = "Le réseau ne répond pas. Appuyez à nouveau sur le bouton.";
const AWAY = "Vous n'êtes plus connecté à internet. Vous pouvez continuer à écrire\u00a0: votre texte est gardé.";
const BACK = "La connexion est revenue.";
const WRITING = "L'assistant écrit…";
const EMPTY = "Votre message est vide. Écrivez votre demande avec vos mots.";
const MASKED = "J'ai caché ce qui ressemble à une donnée personnelle.";

const $ = (id) => document.getElementById(id);
const form = $("formulaire");
const field = $("message");
const log = $("journal");
const status = $("statut");
const alertBox = $("erreur");
const welcome = $("bienvenue");
const send = form.querySelector(".bouton-envoi");
const easyButton = $("lecture");

let busy = false;
let failedSend = null; // {key, id}: sending the same thing again is answered once

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

const text = (tag, className, content) => el(tag, className ? { class: className } : {}, content);
const link = (run, className) => el("a", className ? { class: className, href: run.href } : { href: run.href }, run.texte);
const list = (className, items) => el("ul", className ? { class: className } : {}, ...items.map((item) => el("li", {}, item)));

function phrases(sentences, className) {
  const node = el("p", { class: `phrases ${className}` });
  sentences.forEach((runs, index) => {
    if (index) node.append(" ");
    node.append(el("span", { class: "phrase" }, ...runs.map((run) => (run.href ? link(run) : run.texte))));
  });
  return node;
}

function desk(guichet) {
  const node = el("div", { class: "guichet" }, text("p", "guichet-nom", guichet.nom));
  for (const t of guichet.telephones) {
    node.append(el("p", {}, link({ href: t.href, texte: `Appeler le ${t.texte}` }, "bouton-appel")));
  }
  if (guichet.adresse.length) {
    const address = el("p", { class: "guichet-adresse" });
    guichet.adresse.forEach((line, index) => address.append(index ? " " : "", text("span", "", line)));
    node.append(address);
  }
  for (const line of guichet.horaires) node.append(text("p", "", line));
  for (const l of [...guichet.courriels, ...guichet.sites]) node.append(el("p", {}, link(l)));
  return node;
}

function card(c) {
  const door = el("h3", { class: "carte-porte" }, text("span", "etiquette", "Votre porte"), ` ${c.porte}`);
  const head = el(
    "header",
    { class: "carte-tete" },
    c.sujet ? text("p", "carte-sujet", c.sujet) : null,
    door,
    c.service ? text("p", "carte-service", c.service) : null,
  );
  const body = el("div", { class: "carte-corps" }, text("h4", "etiquette", "Première étape"), text("p", "carte-etape", c.etape));
  if (c.precisions.length) body.append(phrases(c.precisions, "carte-precisions"));
  if (c.apporter.length) body.append(text("h4", "etiquette", "À apporter"), list("carte-apporter", c.apporter));
  if (c.lien) {
    const official = link(c.lien, "lien-officiel");
    official.rel = "external";
    body.append(el("p", { class: "carte-lien" }, official));
  }
  body.append(text("h4", "etiquette", "Où s'adresser"), desk(c.guichet));
  if (c.a_confirmer.length) {
    body.append(el("div", { class: "a-confirmer" }, text("h4", "", "À confirmer"), ...c.a_confirmer.map((a) => text("p", "", a))));
  }
  const details = [["Pourquoi cette porte", c.pourquoi], ["Nom actuel du service", c.aujourdhui]].filter(([, value]) => value);
  if (details.length) {
    const rows = details.map(([name, value]) => el("div", {}, text("dt", "", name), text("dd", "", value)));
    body.append(el("dl", { class: "carte-details" }, ...rows));
  }
  return el("article", { class: "carte" }, head, body);
}

function hidden(name) {
  return el("input", { type: "hidden", name, value: form.elements[name].value });
}

function reponse(r) {
  const node = el("div", { class: "message message-assistant" }, text("p", "auteur", "L'assistant"));
  if (r.appels.length) {
    const calls = r.appels.map((a) => el("a", { class: "appel", href: a.href }, text("strong", "", a.numero), " ", text("span", "", a.nom)));
    node.append(el("div", { class: "urgence" }, list("appels", calls), r.consigne ? text("p", "consigne", r.consigne) : null));
  }
  if (r.phrases.length) node.append(phrases(r.phrases, "paroles"));
  if (r.cartes.length) node.append(el("div", { class: "cartes" }, ...r.cartes.map(card)));
  if (r.choix.length) {
    const buttons = r.choix.map((c) => el("button", { class: "bouton-choix", type: "submit", name: "choix", value: c.id }, c.libelle));
    const fields = ["conversation", "envoi", "lecture"].map(hidden);
    node.append(el("form", { class: "choix", method: "post", action: "/#reponse" }, ...fields, list("", buttons)));
  }
  return node;
}

function personne(words) {
  return el("div", { class: "message message-personne" }, text("p", "auteur", "Vous"), text("p", "paroles", words));
}

function complain(message) {
  alertBox.replaceChildren(...(message ? [text("p", "", message)] : []));
  if (message) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  field.setAttribute("aria-describedby", message ? "aide erreur" : "aide");
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function setEverywhere(name, value) {
  for (const input of document.querySelectorAll(`input[name="${name}"]`)) input.value = value;
}

async function call(method, body) {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), LIMIT_MS);
  try {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const answer = await fetch("/api/chat", { method, headers, body: JSON.stringify(body), signal: limit.signal });
    const value = answer.status === 204 ? {} : await answer.json();
    return answer.ok ? { value } : { refused: value.detail || OFFLINE };
  } catch {
    return { lost: true };
  } finally {
    clearTimeout(timer);
  }
}

async function exchange(words, body, lostMessage) {
  if (busy) return false;
  busy = true;
  send.setAttribute("aria-disabled", "true");
  complain("");
  const key = JSON.stringify(body);
  const id = failedSend && failedSend.key === key ? failedSend.id : newId();
  const mine = personne(words);
  mine.classList.add("en-cours", "nouveau");
  log.append(mine);
  welcome.hidden = true;
  status.textContent = WRITING;
  mine.scrollIntoView({ block: "start" });
  const { value, refused, lost } = await call("POST", { ...body, conversation: form.elements.conversation.value, envoi: id });
  status.textContent = "";
  busy = false;
  send.removeAttribute("aria-disabled");
  if (!value) {
    failedSend = { key, id };
    mine.remove();
    welcome.hidden = log.childElementCount > 0;
    complain(lost ? lostMessage : refused);
    return false;
  }
  failedSend = null;
  setEverywhere("conversation", value.conversation);
  mine.classList.remove("en-cours");
  mine.querySelector(".paroles").textContent = value.message;
  if (value.masque) mine.append(text("p", "masque", MASKED));
  const answer = reponse(value.reponse);
  answer.classList.add("nouveau");
  log.append(answer);
  mine.scrollIntoView({ block: "start" });
  return true;
}

async function say(words, typed) {
  if (!words.trim()) {
    complain(EMPTY);
    field.focus();
    return;
  }
  if (busy) return;
  if (typed) field.value = "";
  field.focus({ preventScroll: true });
  const done = await exchange(words.trim(), { texte: words }, typed ? OFFLINE : OFFLINE_CHOICE);
  if (!done && typed) {
    field.value = field.value ? `${words}\n${field.value}` : words;
    field.focus();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const action = event.submitter && event.submitter.name === "action" ? event.submitter.value : "";
  if (action === "lecture") toggleEasy();
  else if (action === "nouvelle") restart();
  else say(field.value, true);
});

field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit(send);
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!event.target.matches(".choix") || !button) return;
  event.preventDefault();
  if (button.name === "suggestion") {
    say(button.value, false);
  } else if (!busy) {
    field.focus({ preventScroll: true });
    exchange(button.textContent, { choix: button.value }, OFFLINE_CHOICE);
  }
});

function toggleEasy() {
  const easy = document.documentElement.dataset.lecture !== "facile";
  if (easy) document.documentElement.dataset.lecture = "facile";
  else delete document.documentElement.dataset.lecture;
  easyButton.textContent = easy ? "Lecture normale" : "Lecture facile";
  setEverywhere("lecture", easy ? "facile" : "");
  history.replaceState(null, "", easy ? "/?lecture=facile" : "/");
}

async function restart() {
  if (busy) return;
  const { value, refused } = await call("DELETE", { conversation: form.elements.conversation.value });
  if (!value) {
    complain(refused || OFFLINE);
    field.focus();
    return;
  }
  log.replaceChildren();
  complain("");
  setEverywhere("conversation", "");
  welcome.hidden = false;
  status.textContent = "";
  field.focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

window.addEventListener("offline", () => complain(AWAY));
window.addEventListener("online", () => {
  complain("");
  status.textContent = BACK;
  setTimeout(() => { if (status.textContent === BACK) status.textContent = ""; }, 5000);
});
document.documentElement.classList.add("avec-script");
