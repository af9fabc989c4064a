// Adds copy, print and share to a referral page.
import { el } from "./dessin.js";
import { addTools } from "./outils.js";

const page = document.querySelector(".fiche");
const status = el("p", { class: "al-statut", role: "status" });
page.append(status);
addTools(page, { say: (words) => { status.textContent = words; }, canPrint: true });
