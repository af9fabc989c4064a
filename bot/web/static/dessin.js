// Elements made by the script itself, with textContent only; an answer is drawn by the server (templates/reponse.html).

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const text = (tag, className, content) => el(tag, className ? { class: className } : {}, content);

export function person(said) {
  return el("div", { class: "al-message al-message-personne" }, text("p", "al-auteur", "Vous"), text("p", "al-paroles", said));
}

// What our own server drew, where every word is escaped; nothing in it runs. Its links lead back to base.
export function drawn(html, base) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const link of body.querySelectorAll("a[href^='/']")) link.setAttribute("href", base + link.getAttribute("href"));
  if (base) for (const image of body.querySelectorAll(".al-dessin")) image.remove(); // a host may refuse our images; the code is written beside
  return [...body.children];
}
