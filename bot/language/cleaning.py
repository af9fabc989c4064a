"""Make what people type comparable: accents, capitals, SMS spelling, markup, stray characters."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

MAX_CHARACTERS = 4000
"""Longer messages are read up to here: what a person needs is said well before."""

_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,200}>")
_SPACES = re.compile(r"\s+")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_TOKEN = re.compile(r"[a-z0-9]+")

# Spelling of SMS and chat, one token each, after accents are gone. Only spellings with one reading.
SMS_WORDS = {
    "bjr": "bonjour", "bsr": "bonsoir", "slt": "salut", "cc": "coucou", "svp": "s il vous plait", "stp": "s il te plait",
    "koi": "quoi", "kwa": "quoi", "ke": "que", "ki": "qui", "kel": "quel", "kelle": "quelle", "kan": "quand", "qd": "quand",
    "kand": "quand", "pk": "pourquoi", "pkoi": "pourquoi", "pq": "pourquoi", "pcq": "parce que", "pck": "parce que",
    "psk": "parce que", "pr": "pour", "ds": "dans", "ac": "avec", "jsp": "je ne sais pas",
    "jsais": "je sais", "jveux": "je veux", "jve": "je veux", "jvoudrais": "je voudrais", "jai": "j ai", "jfais": "je fais",
    "jfait": "je fais", "jdois": "je dois", "jsuis": "je suis", "chui": "je suis", "chuis": "je suis", "jpeux": "je peux",
    "jpe": "je peux", "jcherche": "je cherche", "jcomprends": "je comprends", "jcomprend": "je comprends", "g": "j ai",
    "c": "c est", "ct": "c etait", "cest": "c est", "cke": "ce que", "ya": "il y a", "yapa": "il n y a pas", "jms": "jamais",
    "tjs": "toujours", "tjr": "toujours", "tjrs": "toujours", "bcp": "beaucoup", "tt": "tout", "tte": "toute", "ts": "tous",
    "mtn": "maintenant", "mnt": "maintenant", "ojd": "aujourd hui", "auj": "aujourd hui", "ajd": "aujourd hui", "dc": "donc",
    "dsl": "desole", "pb": "probleme", "pbs": "problemes", "pblm": "probleme", "rdv": "rendez vous", "qqn": "quelqu un",
    "qqun": "quelqu un", "qqch": "quelque chose", "qq": "quelque", "nn": "non", "vs": "vous", "ns": "nous", "vrmt": "vraiment",
    "cb": "combien", "cmb": "combien", "cbien": "combien", "tps": "temps", "lgtps": "longtemps", "lgtmps": "longtemps",
    "msg": "message", "mess": "message", "tel": "telephone", "num": "numero", "doss": "dossier", "ordi": "ordinateur",
    "appart": "appartement", "propio": "proprietaire", "proprio": "proprietaire", "asso": "association", "assos": "associations",
    "st": "saint", "ste": "sainte", "boulot": "travail", "taf": "travail", "tafer": "travailler", "pref": "prefecture",
    "prefec": "prefecture", "gendarm": "gendarme", "keuf": "police", "keufs": "police", "flics": "police", "mr": "monsieur",
    "mme": "madame", "bcoup": "beaucoup", "ptit": "petit", "ptite": "petite", "aprem": "apres midi",
    "esk": "est ce que", "esque": "est ce que", "comen": "comment", "koman": "comment",
    "cmt": "comment", "cmnt": "comment", "ossi": "aussi", "osi": "aussi", "biento": "bientot",
    "quil": "qu il", "quils": "qu ils", "quon": "qu on", "kil": "qu il", "kils": "qu ils", "kon": "qu on", "quelquun": "quelqu un",
    "kelkun": "quelqu un", "kelke": "quelque", "kelkepar": "quelque part", "kelk": "quelque", "dpui": "depuis", "dpuis": "depuis",
    "depui": "depuis", "coman": "comment", "pask": "parce que", "paske": "parce que", "pasque": "parce que", "parske": "parce que",
    "jvoudre": "je voudrais", "jdoi": "je dois", "jsui": "je suis", "jss": "je suis", "jpeu": "je peux", "jaimerai": "j aimerais",
    "jaimerais": "j aimerais", "jhabite": "j habite", "jabite": "j habite", "javais": "j avais", "jen": "j en", "jse": "je sais",
    "jsai": "je sais", "jfe": "je fais", "jdor": "je dors", "jdors": "je dors", "jattend": "j attends", "jatend": "j attends",
    "jattends": "j attends", "jpaye": "je paye", "jtravaille": "je travaille", "jtravail": "je travaille", "jarrive": "j arrive",
    "jachete": "j achete", "droi": "droit", "tou": "tout", "nou": "nous", "vou": "vous", "toujour": "toujours", "pourkoi": "pourquoi",
    "jusko": "jusqu au", "lopital": "l hopital", "lhopital": "l hopital", "cetait": "c etait", "letat": "l etat", "lecole": "l ecole",
    "leau": "l eau", "maider": "m aider", "manke": "manque", "bloke": "bloque", "devan": "devant", "dessu": "dessus", "partou": "partout",
    "loye": "loyer", "plinte": "plainte", "boku": "beaucoup", "bocou": "beaucoup", "jame": "jamais", "tro": "trop", "fo": "faut",
    "pa": "pas", "avan": "avant", "ojourdui": "aujourd hui", "aujourdhui": "aujourd hui", "aujourdui": "aujourd hui",
    "daccord": "d accord", "dabord": "d abord", "repon": "repond", "papie": "papier",
}  # fmt: skip

# Politeness around a request says nothing of its subject: it is left out of what the model reads (accents are gone here).
_OPENINGS = (
    "bonjour", "bonsoir", "salut", "coucou", "bjr", "bsr", "slt", "hello", "madame", "monsieur", "mesdames", "messieurs", "mme",
    "a tous", "excusez-moi", "excusez moi", "pardonnez-moi", "je m'excuse", "pardon", "desole", "desolee", "de vous deranger",
    "du derangement", "je vous derange", "j'espere que vous allez bien", "je me permets de vous ecrire",
    "je me permets de vous contacter", "je me permets de vous solliciter",
)  # fmt: skip
_CLOSINGS = (
    "merci", "un grand merci", "beaucoup", "infiniment", "bien", "d'avance", "par avance", "pour votre aide", "pour votre reponse",
    "pour votre retour", "de votre aide", "de votre reponse", "de votre retour", "cordialement", "cdlt", "bien a vous",
    "je vous remercie", "en vous remerciant", "bonne journee", "bonne soiree", "bonne reception", "salutations",
    "salutations distinguees", "mes salutations", "respectueusement", "dans l'attente de votre reponse",
    "dans l'attente d'une reponse", "svp", "s'il vous plait", "s'il te plait", "stp",
)  # fmt: skip
_EDGE = " \t,.!;:-"
_MIN_KEPT_WORDS = 2


class Script(StrEnum):
    """What a message is made of, before trying to understand it."""

    LATIN = "latin"
    EMPTY = "vide"
    SYMBOLS = "symboles"
    OTHER_ALPHABET = "autre_alphabet"


@dataclass(frozen=True)
class CleanText:
    """A message in the forms the next steps need.

    Args:
        original: what was typed, untouched.
        display: the same, safe to show: no control character, no markup, spaces collapsed.
        unaccented: ``display`` in lower case without accents: what sentence encoders read, so that capitals
            and missing accents change nothing. Greetings and closing formulas are left out.
        plain: lower case, no accents, words separated by one space, SMS spellings spelt out.
        script: what the message is made of.
        truncated: whether the end was left out (more than :data:`MAX_CHARACTERS`).
    """

    original: str
    display: str
    unaccented: str
    plain: str
    script: Script
    truncated: bool = False


def strip_accents(text: str) -> str:
    """Return ``text`` without diacritics; œ and æ become two letters."""
    if text.isascii():
        return text
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def clean(text: str) -> CleanText:
    """Clean one message.

    Args:
        text: what a person typed; any string, of any length.

    Returns:
        Its :class:`CleanText`. Never raises on a string.
    """
    truncated = len(text) > MAX_CHARACTERS
    display = _printable(text[:MAX_CHARACTERS])
    unaccented = without_politeness(strip_accents(display.lower()))
    return CleanText(text, display, unaccented, plain_words(unaccented), _script_of(display), truncated)


def without_politeness(text: str) -> str:
    """Return ``text`` (lower case, no accents) without its greeting and closing formulas.

    A message made of nothing else, or of one more word, is returned whole.
    """
    core = text.strip(_EDGE)
    while (formula := _leading(core)) is not None:
        core = core[len(formula) :].lstrip(_EDGE)
    while (formula := _trailing(core)) is not None:
        core = core[: -len(formula)].rstrip(_EDGE)
    return core if len(core.split()) >= _MIN_KEPT_WORDS else text


def _leading(text: str) -> str | None:
    return next((f for f in _OPENINGS if text.startswith(f) and not text[len(f) : len(f) + 1].isalnum()), None)


def _trailing(text: str) -> str | None:
    return next((f for f in _CLOSINGS if text.endswith(f) and not text[-len(f) - 1 : -len(f)].isalnum()), None)


def plain_words(text: str) -> str:
    """Return ``text`` lower-cased, without accents or punctuation, SMS words spelt out."""
    bare = strip_accents(text.lower())
    bare = _STRETCHED.sub(r"\1\1", bare)
    return " ".join(SMS_WORDS.get(token, token) for token in _TOKEN.findall(bare))


def _printable(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    text = _TAG.sub(" ", html.unescape(text))
    kept = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Zs"} else c for c in text)
    kept = "".join(c for c in kept if unicodedata.category(c) not in {"Cf", "Cs", "Co", "Cn"})
    kept = kept.replace("’", "'").replace("‘", "'")
    return _SPACES.sub(" ", kept).strip().lstrip("/").strip()


def _script_of(display: str) -> Script:
    if not display:
        return Script.EMPTY
    letters = [c for c in display if c.isalpha()]
    if not letters:
        return Script.SYMBOLS
    latin = sum("LATIN" in unicodedata.name(c, "") for c in letters)
    return Script.LATIN if latin * 2 >= len(letters) else Script.OTHER_ALPHABET
