"""Change contacts and opening hours of the desks, with the date they were checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.referential.facts import is_email, is_phone
from bot.staff.editing.record_editor import NEW_ID, RecordEditor
from bot.staff.editing.workspace import Change, check_version
from bot.staff.editing.yaml_records import record_text

DESKS = "guichets"
DAYS = ("Lundi", "Mardi", "Mercredi", "Jeudi", "Vendredi", "Samedi", "Dimanche")
FIELDS = (
    "nom", "telephone", "adresse_courriel", "formulaire_contact", "site_internet", "adresse", "plage_ouverture",
    "commentaire_plage_ouverture", "information_complementaire",
)  # fmt: skip
"""What a person may set."""
_HOUR = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")


class DeskEditor(RecordEditor):
    """The desks of a tree.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        super().__init__(paths, "guichets.yml", DESKS)

    def edit(self, desk: str, values: Mapping[str, Any], checked: date, checked_by: str, version: str, author: str) -> Change | None:
        """Change contacts and hours; returns ``None`` when nothing differs.

        Args:
            desk: its id.
            values: fields of :data:`FIELDS`; those left out stay.
            checked: day the facts were checked with the desk.
            checked_by: who checked them, or with what.
            version: of the sheet the person read.
            author: name of the person.

        Raises:
            EditConflict: someone else changed this desk meanwhile.
            EditError: a value is wrong; says which.
        """
        fields = {name: values[name] for name in FIELDS if name in values}
        mistakes = [*contact_mistakes(fields), *_date_mistakes(checked, checked_by)]
        if mistakes:
            raise EditError("\n".join(mistakes))
        done: list[Change] = []
        summary = f"Guichet « {desk} » vérifié le {checked:%d/%m/%Y}"
        with self._workspace.editing(author, summary, done, "guichet_modifie", desk) as draft:
            sheet = self._sheet(draft, desk)
            change = {
                **{name: value for name, value in fields.items() if value or name in sheet.values},
                "x_ose": {**sheet.values["x_ose"], "verifie_le": checked, "verifie_par": " ".join(checked_by.split()), "a_verifier": False},
            }
            check_version(version, sheet.text, record_text({**sheet.values, **change}))
            earlier = sheet.values["x_ose"].get("verifie_le")
            if isinstance(earlier, date) and checked < earlier:
                raise EditError(f"Ce guichet a déjà été vérifié plus tard, le {earlier:%d/%m/%Y}.")
            records = self._records(draft)
            records.set(desk, change)
            draft.write(self._file, records.text())
        return done[0] if done else None

    def create(self, desk: str, dis: str, values: Mapping[str, Any], source: str, checked: date, checked_by: str, author: str) -> Change:
        """Open a desk.

        Args:
            desk: new id.
            dis: id of the delegation it belongs to.
            values: fields of :data:`FIELDS`.
            source: where its facts come from.
            checked, checked_by: as for :meth:`edit`.
            author: name of the person.

        Raises:
            EditError: a value is missing or wrong, or the desk exists.
        """
        fields = {name: values[name] for name in FIELDS if values.get(name)}
        mistakes = [*contact_mistakes({"nom": "", **fields}), *_date_mistakes(checked, checked_by)]
        if len(source.strip()) < 3:
            mistakes.append("Dites d'où viennent ces coordonnées.")
        if mistakes:
            raise EditError("\n".join(mistakes))
        done: list[Change] = []
        with self._workspace.editing(author, f"Nouveau guichet « {fields['nom']} »", done, "guichet_cree", desk) as draft:
            records = self._records(draft)
            if not NEW_ID.fullmatch(desk) or desk in records.ids():
                raise EditError("Un guichet porte déjà ce nom, ou presque. Choisissez-en un autre.")
            ours = {"dis": dis, "zone": ["46"], "source": source, "verifie_le": checked, "verifie_par": checked_by, "confiance": "moyenne"}
            records.add({"id": desk, **fields, "x_ose": ours})
            draft.write(self._file, records.text())
        return done[0]


def contact_mistakes(fields: Mapping[str, Any]) -> list[str]:
    """Return what is wrong in contacts and hours, one French sentence each."""
    found = [] if fields.get("nom", "-").strip() else ["Le nom du guichet manque."]
    for address in fields.get("adresse", ()):
        code = str(address.get("code_postal", ""))
        if code and not re.fullmatch(r"\d{5}", code):
            found.append(f"« {code} » n'est pas un code postal.")
    for phone in fields.get("telephone", ()):
        number = str(phone.get("valeur", ""))
        if not is_phone(number):
            found.append(f"« {number} » n'est pas un numéro de téléphone français.")
    found.extend(f"« {mail} » n'est pas une adresse de courriel." for mail in fields.get("adresse_courriel", ()) if not is_email(mail))
    links = [*(s.get("valeur", "") for s in fields.get("site_internet", ())), *fields.get("formulaire_contact", ())]
    found.extend(f"L'adresse « {link} » doit commencer par https://." for link in links if not str(link).startswith("https://"))
    found.extend(m for slot in fields.get("plage_ouverture", ()) for m in _slot_mistakes(slot))
    return found


def _slot_mistakes(slot: Mapping[str, str]) -> Sequence[str]:
    found = []
    first, last = slot.get("nom_jour_debut", ""), slot.get("nom_jour_fin", "")
    if first not in DAYS or last not in DAYS:
        return [f"« {first} » ou « {last} » n'est pas un jour de la semaine."]
    name = first if first == last else f"{first} à {last}"
    if DAYS.index(last) < DAYS.index(first):
        found.append(f"{name} : le dernier jour vient avant le premier.")
    hours = [slot.get(f"valeur_heure_{end}_{part}", "") for part in (1, 2) for end in ("debut", "fin")]
    given = [h for h in hours if h]
    if not hours[0] or not hours[1] or bool(hours[2]) != bool(hours[3]):
        found.append(f"{name} : une heure d'ouverture ou de fermeture manque.")
    elif any(not _HOUR.fullmatch(h) for h in given):
        found.append(f"{name} : écrivez les heures comme 09:00.")
    elif sorted(given) != given or len(set(given)) != len(given):
        found.append(f"{name} : les heures ne se suivent pas.")
    return found


def _date_mistakes(checked: date, checked_by: str) -> list[str]:
    found = []
    if checked > date.today():
        found.append("La date de vérification est dans le futur.")
    if len(checked_by.strip()) < 3:
        found.append("Dites qui a vérifié, ou d'après quoi.")
    return found
