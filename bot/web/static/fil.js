// One conversation: sends, waits, draws, and never loses what was typed. The page and the widget share it.
import { drawn, el, person, text } from "./dessin.js";
import { addTools } from "./outils.js";

const LIMIT_MS = 40000;
const OFFLINE = "Le réseau ne répond pas. Votre texte est gardé dans le champ\u00a0: essayez à nouveau.";
const OFFLINE_CHOICE = "Le réseau ne répond pas. Appuyez à nouveau sur le bouton.";
const AWAY = "Vous n'êtes plus connecté à internet. Vous pouvez continuer à écrire\u00a0: votre texte est gardé.";
const BACK = "La connexion est revenue.";
const WRITING = "L'assistant écrit…";
const SLOW = "L'assistant écrit… C'est plus long que d'habitude.";
const SLOW_MS = 8000;
const EMPTY = "Votre message est vide. Écrivez votre demande avec vos mots.";
const MASKED = "J'ai caché ce qui ressemble à une donnée personnelle.";
const THANKS = "Merci pour votre avis.";
const FORGOTTEN = 410;

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Fil {
  // root: holds the log, the status, the field and the error box. base: origin of the assistant, "" on its own page.
  constructor(root, { base = "", canal = "page", conversation = "" } = {}) {
    this.root = root;
    this.base = base;
    this.canal = canal;
    this.conversation = conversation;
    this.form = root.querySelector(".al-saisie");
    this.field = this.form.querySelector("textarea");
    this.send = this.form.querySelector(".al-bouton-envoi");
    this.log = root.querySelector(".al-journal");
    this.status = root.querySelector(".al-statut");
    this.alert = root.querySelector(".al-erreur");
    this.help = this.field.getAttribute("aria-describedby").split(" ")[0];
    this.tools = { say: (words) => this.tell(words), canPrint: canal === "page" };
    this.busy = false;
    this.failedSend = null; // {key, id}: sending the same thing again is answered once
    for (const message of this.log.querySelectorAll(".al-message-assistant")) addTools(message, this.tools);
    this.listen();
  }

  listen() {
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit(this.send);
    });
    this.root.addEventListener("submit", (event) => {
      const button = event.submitter;
      if (event.target === this.form) {
        if (button && button.name === "action") return;
        event.preventDefault();
        this.say(this.field.value, true);
      } else if (event.target.matches(".al-avis")) {
        event.preventDefault();
        this.vote(event.target, button);
      } else if (event.target.matches(".al-choix") && button) {
        event.preventDefault();
        if (button.name === "suggestion") this.say(button.value, false);
        else this.press(button.value, button.textContent);
      }
    });
    window.addEventListener("offline", () => this.complain(AWAY));
    window.addEventListener("online", () => {
      this.complain("");
      this.tell(BACK);
    });
  }

  tell(words) {
    this.status.textContent = words;
    setTimeout(() => { if (this.status.textContent === words) this.status.textContent = ""; }, 5000);
  }

  complain(message, remedy = null) {
    this.alert.replaceChildren(...(message ? [text("p", "", message)] : []), ...(remedy ? [remedy] : []));
    if (message) this.field.setAttribute("aria-invalid", "true");
    else this.field.removeAttribute("aria-invalid");
    this.field.setAttribute("aria-describedby", message ? `${this.help} ${this.alert.id}` : this.help);
  }

  // The page keeps the id in its form too, for the day its script does not run.
  remember(conversation) {
    this.conversation = conversation;
    for (const input of this.root.querySelectorAll("input[name=conversation]")) input.value = conversation;
  }

  reveal(node) {
    const box = node.closest(".al-panneau-fil"); // in the widget, the host page must not move
    if (box) box.scrollTop += node.getBoundingClientRect().top - box.getBoundingClientRect().top - 12;
    else node.scrollIntoView({ block: "start" });
  }

  isEmpty(empty) {
    this.root.classList.toggle("al-vide", empty);
  }

  async call(method, path, body) {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), LIMIT_MS);
    try {
      const reached = await fetch(`${this.base}${path}`, {
        method,
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        credentials: this.base ? "omit" : "same-origin",
        body: JSON.stringify({ ...body, conversation: this.conversation, canal: this.canal, rendu: "html" }),
        signal: limit.signal,
      });
      const value = reached.status === 204 ? {} : await reached.json();
      return reached.ok ? { value } : { refused: value.detail || OFFLINE, code: reached.status };
    } catch {
      return { lost: true };
    } finally {
      clearTimeout(timer);
    }
  }

  async exchange(words, body, typed) {
    if (this.busy) return false;
    this.busy = true;
    this.send.setAttribute("aria-disabled", "true");
    this.complain("");
    const key = JSON.stringify(body);
    const id = this.failedSend && this.failedSend.key === key ? this.failedSend.id : newId();
    const mine = person(words);
    mine.classList.add("al-en-cours", "al-nouveau");
    this.log.append(mine);
    this.isEmpty(false);
    this.status.textContent = WRITING;
    const slow = setTimeout(() => { this.status.textContent = SLOW; }, SLOW_MS);
    this.reveal(mine);
    const { value, refused, lost, code } = await this.call("POST", "/api/chat", { ...body, envoi: id });
    clearTimeout(slow);
    this.status.textContent = "";
    this.busy = false;
    this.send.removeAttribute("aria-disabled");
    if (!value) {
      this.failedSend = { key, id };
      mine.remove();
      this.isEmpty(!this.log.childElementCount);
      this.complain(lost ? (typed ? OFFLINE : OFFLINE_CHOICE) : refused, code === FORGOTTEN ? this.again(words, typed) : null);
      return false;
    }
    this.failedSend = null;
    this.remember(value.conversation);
    mine.classList.remove("al-en-cours");
    mine.querySelector(".al-paroles").textContent = value.message;
    if (value.masque) mine.append(text("p", "al-masque", MASKED));
    const [answer] = drawn(value.html, this.base);
    answer.classList.add("al-nouveau");
    addTools(answer, this.tools);
    this.log.append(answer);
    this.reveal(mine);
    return true;
  }

  // The server forgot the conversation: one button sends the same words to a new one.
  again(words, typed) {
    const button = el("button", { type: "button" }, "Envoyer à nouveau");
    button.addEventListener("click", () => {
      this.remember("");
      for (const form of this.log.querySelectorAll(".al-choix, .al-avis")) form.remove();
      this.say(typed && this.field.value.trim() ? this.field.value : words, typed);
    });
    return button;
  }

  async say(words, typed) {
    if (!words.trim()) {
      this.complain(EMPTY);
      this.field.focus();
      return;
    }
    if (this.busy) return;
    if (typed) this.field.value = "";
    this.field.focus({ preventScroll: true });
    const done = await this.exchange(words.trim(), { texte: words }, typed);
    if (!done && typed) {
      this.field.value = this.field.value ? `${words}\n${this.field.value}` : words;
      this.field.focus();
    }
  }

  press(choice, label) {
    if (this.busy) return;
    this.field.focus({ preventScroll: true });
    this.exchange(label, { choix: choice }, false);
  }

  async vote(form, button) {
    this.status.textContent = "";
    const chosen = form.querySelector("input[name=raison]:checked");
    const helpful = Boolean(button) && button.value === "oui";
    const { value, refused, lost } = await this.call("POST", "/api/avis", {
      reponse: form.elements.reponse.value,
      utile: helpful,
      raison: chosen && !helpful ? chosen.value : "",
      commentaire: helpful ? "" : form.elements.commentaire.value,
    });
    if (!value) {
      this.complain(lost ? OFFLINE_CHOICE : refused);
      return;
    }
    const thanks = el("p", { class: "al-avis-merci", tabindex: "-1" }, THANKS);
    form.replaceWith(thanks);
    thanks.focus({ preventScroll: true });
    if (!value.html) return;
    const mine = person(value.message); // a danger was told in the comment, or the next doors are offered
    const [answer] = drawn(value.html, this.base);
    addTools(answer, this.tools);
    this.log.append(mine, answer);
    this.reveal(mine);
  }

  async restart() {
    if (this.busy) return false;
    const { value, refused } = await this.call("DELETE", "/api/chat", {});
    if (!value) {
      this.complain(refused || OFFLINE);
      this.field.focus();
      return false;
    }
    this.log.replaceChildren();
    this.complain("");
    this.remember("");
    this.isEmpty(true);
    this.status.textContent = "";
    this.field.focus({ preventScroll: true });
    return true;
  }
}
