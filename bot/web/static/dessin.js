// Draws an answer with textContent only, in the same parts and order as templates/reponse.html.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const text = (tag, className, content) => el(tag, className ? { class: className } : {}, content);
const link = (run, className, more = {}) => el("a", { ...(className ? { class: className } : {}), href: run.href, ...more }, run.texte);
const list = (className, items) => el("ul", className ? { class: className } : {}, ...items.map((item) => el("li", {}, item)));
const words = (runs) => runs.map((run) => (run.href ? link(run) : run.texte));

function phrases(sentences, className) {
  const node = el("p", { class: `al-phrases ${className}` });
  sentences.forEach((runs, index) => {
    if (index) node.append(" ");
    node.append(el("span", { class: "al-phrase" }, ...words(runs)));
  });
  return node;
}

function desk(guichet) {
  const node = el("div", { class: "al-guichet" }, text("p", "al-guichet-nom", guichet.nom));
  if (guichet.ouverture) {
    node.append(text("p", `al-ouverture ${guichet.ouverture.ouvert ? "al-ouvert" : "al-ferme"}`, guichet.ouverture.texte));
  }
  for (const t of guichet.telephones) {
    node.append(el("p", {}, link({ href: t.href, texte: `Appeler le ${t.texte}` }, "al-bouton-appel")));
  }
  if (guichet.adresse.length) {
    const address = el("p", { class: "al-guichet-adresse" });
    guichet.adresse.forEach((line, index) => address.append(index ? " " : "", text("span", "", line)));
    node.append(address);
  }
  if (guichet.horaires.length) node.append(list("al-horaires", guichet.horaires));
  for (const l of [...guichet.courriels, ...guichet.sites]) node.append(el("p", {}, link(l)));
  return node;
}

function card(c, { base = "", target = null }) {
  const door = el("h3", { class: "al-carte-porte" }, text("span", "al-surtitre", "Votre porte"), ` ${c.porte}`);
  const head = el(
    "header",
    { class: "al-carte-tete" },
    c.sujet ? text("p", "al-carte-sujet", c.sujet) : null,
    door,
    c.service ? text("p", "al-carte-service", c.service) : null,
  );
  const todo = el("div", { class: "al-carte-faire" }, text("h4", "al-etiquette", "Première étape"), text("p", "al-carte-etape", c.etape));
  if (c.precisions.length) todo.append(phrases(c.precisions, "al-carte-precisions"));
  if (c.apporter.length) todo.append(text("h4", "al-etiquette", "À apporter"), list("al-carte-apporter", c.apporter));
  if (c.lien) todo.append(el("p", { class: "al-carte-lien" }, link(c.lien, "al-lien-officiel", { rel: "external", target })));
  const where = el("div", { class: "al-carte-ou" }, text("h4", "al-etiquette", "Où s'adresser"), desk(c.guichet));
  const body = el("div", { class: "al-carte-corps" }, todo, where);
  if (c.a_confirmer.length) {
    const notes = c.a_confirmer.flatMap((a) => [" ", text("p", "", a)]);
    body.append(el("div", { class: "al-a-confirmer" }, text("h4", "", "À confirmer"), ...notes));
  }
  const details = [["Pourquoi cette porte", c.pourquoi], ["Nom actuel du service", c.aujourdhui]].filter(([, value]) => value);
  if (details.length) {
    const rows = details.map(([name, value]) => el("div", {}, text("dt", "", name), " ", text("dd", "", value)));
    body.append(el("dl", { class: "al-carte-details" }, ...rows));
  }
  const tools = c.fiche
    ? el("p", { class: "al-carte-outils" }, link({ href: base + c.fiche, texte: "Ouvrir la fiche" }, "al-lien-fiche", { target }))
    : null;
  return el("article", { class: "al-carte" }, head, body, tools);
}

export function choices(items, name, className) {
  const buttons = items.map(([value, label]) => el("button", { class: "al-bouton-choix", type: "submit", name, value }, label));
  return el("form", { class: `al-choix ${className}`.trim(), method: "post" }, list("", buttons));
}

function opinion(id, reasons) {
  const question = `avis-${id}`;
  const options = reasons.map(([value, label]) =>
    el("label", {}, el("input", { type: "radio", name: "raison", value }), " ", text("span", "", label)));
  return el(
    "form",
    { class: "al-avis", method: "post" },
    el("input", { type: "hidden", name: "reponse", value: id }),
    el("p", { class: "al-avis-question", id: question }, "Cette réponse vous a-t-elle aidé\u00a0?"),
    el("button", { class: "al-bouton-avis", type: "submit", name: "avis", value: "oui", "aria-describedby": question }, "Oui"),
    el(
      "details",
      { class: "al-avis-non" },
      el("summary", { class: "al-bouton-avis", "aria-describedby": question }, "Non"),
      el("fieldset", {}, text("legend", "", "Que s'est-il passé\u00a0?"), ...options),
      el("label", { for: `phrase-${id}` }, "Une phrase, si vous voulez (sans nom ni numéro)"),
      el("input", { class: "al-avis-phrase", id: `phrase-${id}`, name: "commentaire", maxlength: "300", autocomplete: "off" }),
      el("button", { class: "al-bouton-avis", type: "submit", name: "avis", value: "non" }, "Envoyer mon avis"),
    ),
  );
}

export function answer(r, id, options) {
  const node = el("div", { class: "al-message al-message-assistant" }, text("p", "al-auteur", "L'assistant"));
  if (r.appels.length) {
    const calls = r.appels.map((a) => el("a", { class: "al-appel", href: a.href }, text("strong", "", a.numero), " ", text("span", "", a.nom)));
    node.append(el("div", { class: "al-urgence" }, list("al-appels", calls), r.consigne ? text("p", "al-consigne", r.consigne) : null));
  }
  if (r.courtoisie) {
    const said = r.courtoisie.phrases.map((runs) => el("p", {}, ...words(runs)));
    node.append(el("div", { class: "al-courtoisie", lang: r.courtoisie.langue, dir: r.courtoisie.sens }, ...said));
  }
  if (r.phrases.length) node.append(phrases(r.phrases, "al-paroles"));
  if (r.cartes.length) node.append(el("div", { class: "al-cartes" }, ...r.cartes.map((c) => card(c, options))));
  if (r.choix.length) node.append(choices(r.choix.map((c) => [c.id, c.libelle]), "choix", ""));
  if (r.avis && id) node.append(opinion(id, options.raisons));
  return node;
}

export function person(said) {
  return el("div", { class: "al-message al-message-personne" }, text("p", "al-auteur", "Vous"), text("p", "al-paroles", said));
}
