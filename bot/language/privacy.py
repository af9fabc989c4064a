"""Mask personal data before anything is understood, stored or logged."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from stdnum import iban
from stdnum.fr import nir

from bot.base.paths import project_paths
from bot.base.stopwatch import stage
from bot.language.tagger import OUTSIDE, is_of, load_tagger, tokens_of
from bot.language.words import read_words

EMAIL = "<courriel>"
PHONE = "<telephone>"
ACCOUNT = "<compte>"
SOCIAL = "<securite_sociale>"
PLATE = "<plaque>"
BIRTH = "<naissance>"
ADDRESS = "<adresse>"
NUMBER = "<numero>"
NAME = "<nom>"
SECRET = "<secret>"

_AT = r"[(\[{]\s?(?:@|arobase|at|a)\s?[)\]}]|@|\barobase\b|\bchez\b(?=\s(?:gmail|orange|wanadoo|hotmail|free|yahoo|laposte))|\bat\b(?=\s?[\w-]{1,30}\s?(?:\.|point|dot)\s?\w)"
_EMAIL_AT = re.compile(rf"\s?(?:{_AT})\s?", re.IGNORECASE)
_DOT = r"(?:\.|[(\[{]\s?(?:\.|point|dot)\s?[)\]}]|\s?\.\s?(?=(?-i:[a-z]))|\s(?:point|dot|tiret(?:\sdu\s(?:bas|6|8))?|underscore|plus)\s)"
_EMAIL_LEFT = re.compile(rf"(?<![\w.+-])[\w+-]{{1,40}}(?:(?:\.|{_DOT})[\w+-]{{1,40}}){{0,24}}\.?$", re.IGNORECASE)
_EMAIL_RIGHT = re.compile(rf"[\w-]{{1,63}}(?:{_DOT}[\w-]{{2,63}}){{1,3}}", re.IGNORECASE)
_SPELLED_EMAIL = re.compile(
    r"(?<!\S)(?:[a-z0-9._-] ){2,40}(?:@|arobase) ?(?:[a-z0-9] ){1,30}\. ?(?:[a-z] ?){2,5}(?!\S)|(?<!\S)(?:[a-z0-9._-] ){2,40}@ ?[a-z-]{2,30} ?\. ?[a-z]{2,5}\b",
    re.IGNORECASE,
)
"""An address of which the letters are parted by spaces."""
_PROFILE = re.compile(
    r"\b(?:facebook|instagram|twitter|tiktok|linkedin|snapchat)\.com/[\w.@/-]{2,60}|\blive:[\w.-]{2,60}|(?<![\w.@])@(?!ctes\b)[a-z0-9_][\w.]{2,30}",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ .-]?(?=[A-Z]{0,3}\d)[A-Z0-9]{2,4}){3,8}\b", re.IGNORECASE)
_NIR = re.compile(r"\b[12][\s.-]?\d{2}[\s.-]?\d{2}[\s.-]?\d[\dAB][\s.-]?\d{3}[\s.-]?\d{3}(?:[\s.-]{0,3}\d{2})?\b", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w/])(?!\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d{2})(?:\+33|0033|0)[\s.]?(?:\(0\)\s?)?[1-9](?:[\s._/*–-]{0,3}\d{2}){4}(?!\d)|(?<!\w)O[1-9](?:[\s.-]{1,2}\d{2}){4}(?!\d)"
)
_SPACED_PHONE = re.compile(r"(?<![\w/])0(?:[\s._-]?\d){9}(?!\s?\d)")
_FOREIGN_PHONE = re.compile(r"(?<!\w)(?:\+|00)[1-9]\d{0,2}(?:[\s.()/-]{0,2}\d){7,12}(?!\d)")
_SPOKEN = r"(?:z[ée]ro|une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente|quarante|cinquante|soixante|et)"
_SPOKEN_PHONE = re.compile(rf"\b(?:z[ée]ro|0)[\s-]+(?:{_SPOKEN}[\s,-]+){{4,16}}{_SPOKEN}\b", re.IGNORECASE)
_KINDS = phonenumbers.PhoneNumberType
_OF_SERVICES = frozenset({_KINDS.TOLL_FREE, _KINDS.PREMIUM_RATE, _KINDS.SHARED_COST, _KINDS.UAN})
_PAIR = r"[A-HJ-NP-TV-Z]{2}"
_PLATE = re.compile(rf"\b({_PAIR})([ .·-]?)\d{{3}}[ .·-]?({_PAIR})\b", re.IGNORECASE)
_OLD_PLATE = re.compile(r"\b\d{2,4}([ -]?)([A-Z]{2,3})[ -]?(?:0[1-9]|[1-8]\d|9[0-5]|2[AB])\b", re.IGNORECASE)
_VEHICLE = re.compile(
    r"\b(?:immat\w*|plaques?|remorque|v[ée]hicule|voiture|auto|moto|scooter|clio|twingo|sc[ée]nic|camion\w*|quad|caravane|tracteur)\b[^.;!?<]{0,40}$",
    re.IGNORECASE,
)
_NOT_IN_PLATES = frozenset(read_words("pas_une_plaque"))
_VIN = re.compile(r"\b(?=[A-HJ-NPR-Z]*\d)(?=\d*[A-HJ-NPR-Z])[A-HJ-NPR-Z0-9]{17}\b")
_POSITION = re.compile(
    r"(?<![\d.,])-?\d{1,2}[.,]\d{3,8}\s?[,; ]\s?-?\d{1,3}[.,]\d{3,8}(?![\d.])|\d{1,3}°\s?\d{1,2}['’′]\s?\d{1,2}(?:[.,]\d{1,5})?[\"”″]?\s?[NSEOW]\b"
)
_IP = re.compile(r"(?<![\d.])(?=(?:\d\.?){7})(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_FOREIGN_PLATE = re.compile(r"\b(?:[A-Z]{2}\d{2} [A-Z]{3}|[A-Z]{1,3}-[A-Z]{1,2} \d{1,4}|\d{4} [A-Z]{3})\b")
_MONTH = r"(?:janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre)"
_DATE = rf"(?:\d{{1,2}}\s?[ /.-]\s?\d{{1,2}}\s?[ /.-]\s?\d{{2,4}}|\d{{1,2}}/\d{{4}}|(?:19|20)\d{{2}}-\d{{2}}-\d{{2}}|(?:\d{{1,2}}(?:er)?|premier)\s+{_MONTH}\s+\d{{2,4}}|{_MONTH}\s+\d{{4}})"
_BIRTH = re.compile(
    rf"\b(n[ée]e?s?(?:\s?\(e\))?\s*(?:(?:à|au|en)\s[\wÀ-ÿ'-]{{2,30}}(?:\s[\wÀ-ÿ'-]{{2,30}})?,?\s*)?(?:le\s|en\s|du\s)?[\s:]*|"
    rf"(?:(?:date\s(?:de\s)?)?naissance|ddn|anniversaire)\s*(?:(?:c['’ ]?)?est)?[\s:]*(?:le\s+)?[\s:]*|je\ssuis\sdu\s){_DATE}(?:(\s+et\s+[\w' ]{{1,20}}\ble\s+){_DATE})?",
    re.IGNORECASE,
)
_WAYS = r"rue|avenue|av\.?|boulevard|bd|bld|place|pl\.|chemin|chem\.?|impasse|imp\.?|all[ée]es?|route|rte|quai|cours|lotissement|r[ée]sidence|square|faubourg|fg|mont[ée]e|cit[ée]"
_DWELLING = r"b[âa]t(?:iment)?|appartement|app?t|logement|escalier|[ée]tage|porte|entr[ée]e|n°|num[ée]ro"
_REST = rf"(?:,?\s(?i:{_DWELLING})\.?\s?(?:[A-Za-z]|\d{{1,4}})(?!\w)){{0,4}}"
_FIRST_PART = (
    r"croix|grande?s?|saints?|saintes?|ste?|g[ée]n[ée]ral|mar[ée]chal|docteur|dr|pr[ée]sident|jean|victor|jules|mas|champs?|clos|puits|combe|pech|vieux|"
    r"vieille|petite?s?|quatre|trois|deux|fon|font|pont|bois|moulin|haute?|basse?"
)
_WORD = r"[\wÀ-ÿ'’-]{2,40}"
_ARTICLE = r"(?:de\s+la\s+|de\s+l['’]|d[eu]s?\s+|d['’]|les?\s+|la\s+|l['’])"
_ADDRESS = re.compile(
    rf"\b\d{{1,4}}\s?(?i:bis|ter|quater)?,?\s+(?i:{_WAYS})\s+"
    r"(?!(?i:de\s+(?:parking|danse|sport|cr[èe]che|soutien|fran[çc]ais)|en\b|pour\b|dispo|c'est\b|ferm[ée]|dans\b|plus\b|handicap|assise))"
    rf"(?i:{_ARTICLE}?(?:(?:{_FIRST_PART})\s+(?:{_ARTICLE})?)?){_WORD}(?:\s(?:du|de\sla|des|de\sl['’])\s?{_WORD})?(?:[ -](?:de\s)?[A-ZÀ-Ý][\wÀ-ÿ'-]{{1,40}}){{0,3}}{_REST}"
    rf"|\b(?i:{_WAYS})\s+(?i:{_ARTICLE})?{_WORD}(?:\s{_WORD}){{0,2}},?\s(?i:n°|num[ée]ro)\s?\d{{1,4}}\b"
    r"|\b(?:BP|CS)\s?\d{2,5}\b"
)
_NUMBER = re.compile(
    r"(?<![\w/.-])(?:(?-i:[A-Z]{1,4}) |[A-Z]{1,8}[/-]?)?\d[A-Z0-9]{0,24}(?:[ /.-](?:[A-Z]{1,3}[/-]?)?\d[A-Z0-9]{0,14}){0,6}(?: (?-i:[A-Z])(?!\w))?(?![\w/])",
    re.IGNORECASE,
)
_FILE_CUE = re.compile(
    r"\b(?:num[ée]ro|num|n°|no|ref|réf|r[ée]f[ée]rences?|dossier|allocataire|fiscal|siret|siren|[ée]tranger|agdref|neph|passeport|pacage|cheptel|contrat|"
    r"matricule|r[ée]c[ée]piss[ée]|permis|cni|carte\s(?:d['’])?identit[ée]|carte\sde\ss[ée]jour|titre|convocation|client|identifiants?|adh[ée]rent|"
    r"b[ée]n[ée]ficiaire|[ée]levage|badge|visa)(?![\wÀ-ÿ])(?P<between>[^<.;!?\n\d]{0,40})$|n°\s?(?P<near>)$",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s?(?:€|euros?|eur\b|m2|m²|km|kg|ha\b|ans\b|h\d|heures?|jours?|mois|personnes|habitants|m[èe]tres|%)", re.IGNORECASE)
_PLAIN_DATE = re.compile(r"\d{1,2}[ /.-]\d{1,2}[ /.-](?:\d{2}|\d{4})|\d{1,2}[/.-]\d{4}|(?:19|20)\d{2}(?:[ /-](?:19|20)?\d{2})*")
_ACT_NUMBER = re.compile(r"(?:\d{2}-)?(?:19|20)\d{2}-\d{1,5}")
"""An arrêté or its collection: what stands after « n° » and is no person's file."""
_OFFICIAL = re.compile(
    r"\b(?:arr[êe]t[ée]|d[ée]cret|loi|article|cerfa|formulaire|march[ée]|avis|circulaire|rubrique|parcelle|section|code)\b[^.;]{0,20}$",
    re.IGNORECASE,
)
_PERSONAL_FILE = re.compile(r"dossier|demande|r[ée]c[ée]piss[ée]|convocation", re.IGNORECASE)
"""Named before a number that has the shape of an act: it is a person's file all the same."""
TOKENS = {"nom": NAME, "adresse": ADDRESS, "naissance": BIRTH, "numero": NUMBER, "compte": SECRET}
"""What replaces the words of each tag."""
_UNSURE, _SURE = 0.7, 0.95
"""Probability from which a word leads to someone, and from which a message of the corpus is refused for it."""
_JOINTS = " -'’./,\"«»"
"""Signs that do not end a piece of personal data."""
_CUES = re.compile(
    r"(?:\b(?:m|mr|mme|mmes|mlle|monsieur|madame|mademoiselle|ma[iî]tre|me|docteur|dr|nom)\b|soussign\w+|:)\W*$",
    re.IGNORECASE,
)


class _Found(NamedTuple):
    tag: str
    start: int
    end: int


@stage("masquage")
def mask(text: str) -> str:
    """Replace personal data by tokens such as ``<telephone>``; leave the rest untouched.

    "arrêté 2023-1234", "2024-2025", "46100 Figeac" and "loi 1901" stay as they are.

    Args:
        text: any string; the time taken grows with its length, whatever it holds.
    """
    text, kept, last = _mask_told(mask_shapes(text)), [], 0
    for found in _find(text, _UNSURE):
        kept += [text[last : found.start], TOKENS[found.tag]]
        last = found.end
    return "".join([*kept, text[last:]])


def holds_personal_data(text: str) -> bool:
    """Whether ``text`` leads to someone, for sure; first names alone ("ma fille Léa") do not."""
    if _mask_told(mask_shapes(text)) != text:
        return True
    for tag, start, end in _find(text, _SURE):
        if tag != "nom" or _CUES.search(text[max(0, start - 30) : start]):
            return True
        if any(" " in part.strip() and not all(map(_is_given, part.split())) for part in re.split(r"[^\w' -]", text[start:end])):
            return True
    return False


def _is_given(word: str) -> bool:
    return is_of(word, "GIVEN", "Given")


def _find(text: str, level: float) -> list[_Found]:
    """Return the pieces that the tagger finds, in order; a name found once is one wherever the text repeats it.

    Args:
        text: shapes are already masked.
        level: probability asked of each word.
    """
    tokens = tokens_of(text)
    tags = load_tagger().tag(tokens, level)
    names = {
        t.text
        for t, tag in zip(tokens, tags, strict=True)
        if tag == "nom" and len(t.text) > 3 and is_of(t.text, "GIVEN", "FAMILY", "UNKNOWN")
    }
    found: list[_Found] = []
    for before, token, tag in zip(["", *(token.text for token in tokens)], tokens, tags, strict=False):
        if tag == OUTSIDE and token.text in names and not (before and is_of(before, "voie", "institution")):
            tag = "nom"
        if tag == OUTSIDE:
            continue
        if found and found[-1].tag == tag and not text[found[-1].end : token.start].strip(_JOINTS):
            found[-1] = _Found(tag, found[-1].start, token.end)
        else:
            found.append(_Found(tag, token.start, token.end))
    return found


def mask_shapes(text: str) -> str:
    """Replace what has a shape of its own: addresses of the net, telephones, accounts, plates."""
    text = _SPELLED_EMAIL.sub(EMAIL, _PROFILE.sub(EMAIL, _mask_emails(text)))
    return _SPOKEN_PHONE.sub(PHONE, _mask_digits(text) if any(map(str.isdigit, text)) else text)


def _mask_told(text: str) -> str:
    """Replace figures that the words before them make personal: a plate, a birth, an address, a file."""
    if not any(map(str.isdigit, text)):
        return text
    text = _FOREIGN_PLATE.sub(lambda m: PLATE if _before(_VEHICLE, m, 60) else m.group(), text)
    text = _BIRTH.sub(lambda m: m.group(1) + BIRTH + (m.group(2) + BIRTH if m.group(2) else ""), text)
    return _NUMBER.sub(_mask_number, _ADDRESS.sub(ADDRESS, text))


def _mask_digits(text: str) -> str:
    text = _IBAN.sub(
        lambda m: ACCOUNT if iban.is_valid(m.group()) or (m.group()[:2].upper() == "FR" and _digits(m.group()) > 12) else m.group(), text
    )
    text = _IP.sub(NUMBER, _POSITION.sub(ADDRESS, _VIN.sub(NUMBER, text)))
    text = _NIR.sub(lambda m: SOCIAL if _looks_like_nir(m.group()) else m.group(), text)
    for pattern in (_PHONE, _SPACED_PHONE, _FOREIGN_PHONE):
        text = pattern.sub(lambda m: PHONE if _is_phone(m.group()) else m.group(), text)
    return _OLD_PLATE.sub(_mask_old_plate, _PLATE.sub(_mask_plate, text))


def _mask_emails(text: str) -> str:
    """Mask around each « @ », « arobase », « (at) »: what stands before, and what after has the shape of a domain."""
    kept: list[str] = []
    last = 0
    for at in _EMAIL_AT.finditer(text):
        right = _EMAIL_RIGHT.match(text, at.end())
        left = _EMAIL_LEFT.search(text, max(last, at.start() - 100), at.start()) if right is not None else None
        if left is not None and right is not None:
            kept += [text[last : left.start()], EMAIL]
            last = right.end()
    return "".join([*kept, text[last:]])


def _mask_plate(match: re.Match[str]) -> str:
    first, separator, second = (part.lower() for part in match.groups())
    words = {first, second} <= _NOT_IN_PLATES if separator == "-" else {first, second} & _NOT_IN_PLATES
    return match.group() if words or (separator == " " and first == second) else PLATE


def _mask_old_plate(match: re.Match[str]) -> str:
    if match.group(2).lower() in _NOT_IN_PLATES:
        return match.group()
    return PLATE if match.group(2).isupper() or _before(_VEHICLE, match, 60) else match.group()


def _mask_number(match: re.Match[str]) -> str:
    number, cue = match.group(), _before(_FILE_CUE, match, 60)
    if cue is None or not _long_enough(number, cue["between"] or "") or _PLAIN_DATE.fullmatch(number):
        return number
    if _UNIT.match(match.string, match.end()) or _before(_OFFICIAL, match, 60):
        return number
    if re.fullmatch(r"\d{5}", number) and match.string[match.end() + 1 : match.end() + 2].isalpha():
        return number  # a postal code and its town
    return number if _ACT_NUMBER.fullmatch(number) and not _PERSONAL_FILE.search(cue.group()) else NUMBER


def _long_enough(number: str, between: str) -> bool:
    """Whether a number is long enough for a file: less is asked right after the word that names it."""
    close = len(between) < 4
    return _digits(number) >= (5 if close else 6) or (_digits(number) > 1 and len(number) > 6 and number.isalnum() and number.isupper())


def _before(pattern: re.Pattern[str], match: re.Match[str], length: int) -> re.Match[str] | None:
    """Search the end of what stands before a match, and no further than some characters: the time stays linear."""
    return pattern.search(match.string[max(0, match.start() - length) : match.start()])


def _digits(value: str) -> int:
    return sum(c.isdigit() for c in value)


def _is_phone(value: str) -> bool:
    """Whether figures are somebody's telephone: a number free to call, or dear, or of a desk we send people to, is a service's."""
    try:
        number = phonenumbers.parse(re.sub(r"[\s._/*–()-]", "", value.replace("O", "0")), "FR")
    except phonenumbers.NumberParseException:
        return False
    service = phonenumbers.number_type(number) in _OF_SERVICES or number.national_number in _of_desks()
    return phonenumbers.is_possible_number(number) and not service


@lru_cache(maxsize=1)
def _of_desks() -> frozenset[int]:
    """Telephones of the desks that the answers give."""
    try:
        text = (project_paths().referential / "guichets.yml").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    return frozenset(int(re.sub(r"\D", "", m.group())) for m in re.finditer(r"\b0[1-9](?:[ .]\d{2}){4}\b", text))


def _looks_like_nir(value: str) -> bool:
    digits = re.sub(r"[\s.-]", "", value)
    return nir.is_valid(digits) or len(digits) in {13, 15}
