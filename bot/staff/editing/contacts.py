"""What is wrong in the contacts and the opening hours that a person typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.referential.facts import is_email, is_phone

DAYS = ("Lundi", "Mardi", "Mercredi", "Jeudi", "Vendredi", "Samedi", "Dimanche")
_HOUR = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?")


def contact_mistakes(fields: Mapping[str, Any]) -> list[str]:
    """Return what is wrong in contacts and hours, one French sentence each."""
    found = []
    for address in fields.get("adresse") or ():
        code = str(address.get("code_postal", ""))
        if code and not re.fullmatch(r"\d{5}", code):
            found.append(f"« {code} » n'est pas un code postal.")
    for phone in fields.get("telephone") or ():
        number = str(phone.get("valeur", ""))
        if not is_phone(number):
            found.append(f"« {number} » n'est pas un numéro de téléphone français.")
    found.extend(f"« {mail} » n'est pas une adresse de courriel." for mail in (fields.get("adresse_courriel") or ()) if not is_email(mail))
    links = [*(s.get("valeur", "") for s in (fields.get("site_internet") or ())), *(fields.get("formulaire_contact") or ())]
    found.extend(f"L'adresse « {link} » doit commencer par https://." for link in links if not str(link).startswith("https://"))
    found.extend(m for slot in (fields.get("plage_ouverture") or ()) for m in _slot_mistakes(slot))
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
