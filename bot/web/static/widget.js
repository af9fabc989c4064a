// <script type="module" src="https://…/widget.js"></script> and <assistant-lot></assistant-lot>: a button, and a panel beside
// the page. Light DOM, no cookie, nothing stored; the conversation lives in this page's memory. See docs/guide-integration.md.
import { drawn, el } from "./dessin.js";
import { Fil } from "./fil.js";

const BASE = new URL(import.meta.url).origin;
const REFUSED = "Ce site n'est pas autorisé à afficher l'assistant. Ouvrez la page de l'assistant\u00a0: il répond aux mêmes questions.";
const LOST = "L'assistant ne répond pas. Vérifiez votre connexion, puis ouvrez-le à nouveau.";

function styles() {
  const href = new URL("widget.css", import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href) || document.querySelector(`link[href="${href}"]`)) return null;
  const link = el("link", { rel: "stylesheet", href });
  const ready = new Promise((resolve) => { link.onload = link.onerror = resolve; });
  document.head.append(link);
  return ready;
}

class AssistantLot extends HTMLElement {
  async connectedCallback() {
    if (this.launcher) return;
    this.classList.add("al", "al-hote");
    const label = this.getAttribute("libelle") || "Trouver le bon service";
    this.launcher = el("button", { class: "al-lanceur", type: "button", "aria-expanded": "false", "aria-controls": "al-panneau" }, label);
    this.panel = this.drawPanel();
    this.launcher.addEventListener("click", () => (this.panel.hidden ? this.open() : this.close()));
    this.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.panel.hidden) {
        event.stopPropagation();
        this.close();
      }
    });
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (size < 16) this.style.setProperty("--al-rem", "16px"); // hosts that shrink the rem
    await styles(); // never shown without its styles
    if (!this.hasAttribute("lang")) this.lang = "fr";
    this.replaceChildren(this.launcher, this.panel);
  }

  drawPanel() {
    const title = el("h2", { class: "al-panneau-titre", id: "al-panneau-titre" }, "Assistant de la préfecture du Lot");
    const shut = el("button", { class: "al-panneau-bouton", type: "button" }, "Fermer");
    shut.addEventListener("click", () => this.close());
    this.renew = el("button", { class: "al-panneau-bouton", type: "button", hidden: "" }, "Nouvelle conversation");
    this.renew.addEventListener("click", () => this.fil.restart());
    this.content = el("div", { class: "al-panneau-corps" });
    return el(
      "section",
      { class: "al-panneau", id: "al-panneau", role: "dialog", "aria-labelledby": "al-panneau-titre", hidden: "" },
      el("header", { class: "al-panneau-tete" }, title, el("p", { class: "al-panneau-boutons" }, this.renew, shut)),
      this.content,
    );
  }

  async open() {
    this.panel.hidden = false;
    this.launcher.setAttribute("aria-expanded", "true");
    if (!this.fil) await this.fill();
    if (!this.panel.hidden) (this.fil ? this.fil.field : this.panel.querySelector("a, button")).focus();
  }

  close() {
    this.panel.hidden = true;
    this.launcher.setAttribute("aria-expanded", "false");
    this.launcher.focus();
  }

  // The fixed words come from the server at the first opening: nothing is asked of it before the person acts.
  async fill() {
    this.content.replaceChildren(el("p", { class: "al-panneau-avis", role: "status" }, "L'assistant arrive…"));
    let facts = null;
    try {
      facts = await (await fetch(`${BASE}/api/widget`, { credentials: "omit" })).json();
    } catch {
      this.content.replaceChildren(el("p", { class: "al-panneau-avis", role: "alert" }, LOST), this.wayOut());
      return;
    }
    if (!facts.autorise) {
      console.warn(`assistant-lot : ${location.origin} n'est pas dans BOT_HOTES, le réglage de ${BASE}.`);
      this.content.replaceChildren(el("p", { class: "al-panneau-avis", role: "alert" }, REFUSED), this.wayOut());
      return;
    }
    this.classList.add("al-vide");
    this.content.replaceChildren(...drawn(facts.html, BASE));
    this.fil = new Fil(this, { base: BASE === location.origin ? "" : BASE, canal: "widget" });
    this.renew.hidden = false;
  }

  wayOut() {
    return el("p", { class: "al-panneau-avis" }, el("a", { href: `${BASE}/`, target: "_blank" }, "Ouvrir la page de l'assistant"));
  }
}

customElements.define("assistant-lot", AssistantLot);
