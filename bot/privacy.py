"""Mask personal data before anything is understood, stored or logged."""

from __future__ import annotations

import re

import phonenumbers
from stdnum import iban
from stdnum.fr import nir

EMAIL = "<courriel>"
PHONE = "<telephone>"
ACCOUNT = "<compte>"
SOCIAL = "<securite_sociale>"
PLATE = "<plaque>"
BIRTH = "<naissance>"
ADDRESS = "<adresse>"
NUMBER = "<numero>"
NAME = "<nom>"

_EMAIL = re.compile(r"[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]{2,4}){3,8}\b", re.IGNORECASE)
_NIR = re.compile(r"\b[12][ .-]?\d{2}[ .-]?\d{2}[ .-]?\d[\dAB][ .-]?\d{3}[ .-]?\d{3}(?:[ .-]?\d{2})?\b", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w/])(?:\+33|0033|0)\s?[1-9](?:[ .-]?\d{2}){4}(?!\d)")
_PLATE = re.compile(
    r"\b(?!(?:AB|LA|LE|DE|DU|EN|AU|ET|OU|UN)[- ]\d{3}[- ](?:LA|LE|DE))[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}\b", re.IGNORECASE
)
_OLD_PLATE = re.compile(r"\b\d{2,4}\s[A-Z]{2,3}\s(?:0[1-9]|[1-8]\d|9[0-5]|2[AB])\b")
_BIRTH = re.compile(
    r"\b(n[ée]e?(?:\(e\))?\s+le\s+|date\s+de\s+naissance\s*:?\s*(?:le\s+)?)"
    r"(?:\d{1,2}[ /.-]\d{1,2}[ /.-]\d{2,4}|\d{1,2}(?:er)?\s+[a-zéû]{3,9}\s+\d{4})",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b\d{1,4}\s?(?:bis|ter|quater)?,?\s+(?:rue|avenue|av\.?|boulevard|bd|bld|place|chemin|impasse|all[ée]e|route|quai|cours|"
    r"lotissement|r[ée]sidence|square|faubourg|mont[ée]e)\s+(?!de\s+(?:parking|danse|sport|cr[èe]che|soutien|fran[çc]ais)|en\b|pour\b|dispo)(?:d[eu]s?\s+|de\s+la\s+|de\s+l'|d'|du\s+)?[\wÀ-ÿ'-]+(?:[ -][A-ZÀ-Ý][\wÀ-ÿ'-]+){0,3}",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"\b((?:num[ée]ro|n°|no|ref|réf|r[ée]f[ée]rence|dossier|allocataire|fiscal|siret|siren|[ée]tranger|agdref|neph)[^\w<]{1,4}(?:(?:de\s+)?dossier\s*:?\s*)?)"
    r"(?=[A-Z0-9-]*\d)[A-Z0-9-]{6,24}\b",
    re.IGNORECASE,
)
_ACT_NUMBER = re.compile(r"(?:\d{2}-)?(?:19|20)\d{2}-\d{1,5}")  # an arrêté, not a person's file
_YEARS = re.compile(r"(?:19|20)\d{2}(?: (?:19|20)\d{2})+")
_LONG_DIGITS = re.compile(r"(?<![\d-])\d(?:[ .]?\d){8,}(?![\d-])")
_NAME = re.compile(
    r"\b((?i:je\s+m'appelle|je\s+me\s+nomme|mon\s+nom\s+est|mon\s+nom\s+c'est|nom\s*:|prénom\s*:|madame|monsieur|mme|mlle|m\.|mr|ma[iî]tre|docteur|dr)\s+)"
    r"((?:[A-ZÀ-Ý][\wÀ-ÿ'-]+|[A-ZÀ-Ý]{2,})(?:\s+(?:[A-ZÀ-Ý][\wÀ-ÿ'-]+|[A-ZÀ-Ý]{2,})){0,2})"
)
_NOT_NAMES = frozenset(
    [
        "Bonjour",
        "Bonsoir",
        "Merci",
        "Le",
        "La",
        "Les",
        "Je",
        "Nous",
        "Vous",
        "Monsieur",
        "Madame",
        "Maire",
        "Préfet",
        "Préfète",
        "Président",
        "Présidente",
        "Sous",
        "Directeur",
        "Directrice",
        "Juge",
        "Notaire",
        "Procureur",
        "Député",
        "Sénateur",
        "Ministre",
        "Messieurs",
        "Mesdames",
        "Proviseur",
        "Inspecteur",
    ]
)


def mask(text: str) -> str:
    """Replace personal data by tokens such as ``<telephone>``; leave the rest untouched.

    "arrêté 2023-1234", "2024-2025", "46100 Figeac" and "loi 1901" stay as they are.

    Args:
        text: any string.
    """
    text = _EMAIL.sub(EMAIL, text)
    text = _IBAN.sub(lambda m: ACCOUNT if iban.is_valid(m.group()) or m.group()[:2].upper() == "FR" else m.group(), text)
    text = _NIR.sub(lambda m: SOCIAL if _looks_like_nir(m.group()) else m.group(), text)
    text = _PHONE.sub(lambda m: PHONE if _is_phone(m.group()) else m.group(), text)
    text = _PLATE.sub(PLATE, text)
    text = _OLD_PLATE.sub(PLATE, text)
    text = _BIRTH.sub(lambda m: m.group(1) + BIRTH, text)
    text = _ADDRESS.sub(ADDRESS, text)
    text = _FILE.sub(lambda m: m.group() if _ACT_NUMBER.fullmatch(m.group()[len(m.group(1)) :]) else m.group(1) + NUMBER, text)
    text = _LONG_DIGITS.sub(lambda m: m.group() if _YEARS.fullmatch(m.group()) else NUMBER, text)
    return _NAME.sub(_mask_name, text)


def holds_personal_data(text: str) -> bool:
    """Whether :func:`mask` would change ``text``."""
    return mask(text) != text


def _mask_name(match: re.Match[str]) -> str:
    first = match.group(2).split()[0]
    return match.group() if first in _NOT_NAMES else match.group(1) + NAME


def _is_phone(value: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(value, "FR"))
    except phonenumbers.NumberParseException:
        return False


def _looks_like_nir(value: str) -> bool:
    digits = re.sub(r"[ .-]", "", value)
    return nir.is_valid(digits) or len(digits) in {13, 15}
