"""Mask personal data before anything is understood, stored or logged."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import phonenumbers
from stdnum import iban
from stdnum.fr import nir

from bot.base.paths import project_paths
from bot.base.stopwatch import stage
from bot.language.cleaning import strip_accents
from bot.language.words import read_words

Span = tuple[int, int]
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
_DOT = r"(?:\.|[(\[{]\s?(?:\.|point|dot)\s?[)\]}]|\s?\.\s?(?=(?-i:[a-z]))|\s(?:point|dot|tiret|underscore|plus)\s)"
_EMAIL_LEFT = re.compile(rf"(?<![\w.+-])[\w+-]{{1,40}}(?:(?:\.|{_DOT})[\w+-]{{1,40}}){{0,3}}\.?$", re.IGNORECASE)
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
_HANDLE = re.compile(
    r"\b((?:insta(?:gram)?|snap(?:chat)?|telegram|tiktok|facebook|fb|messenger|skype|discord|twitter|pseudo)(?:\s(?:insta|facebook|snap|telegram))?"
    r"\s*(?::|c['’ ]?est|est)\s*)@?([\w.-]{3,30}(?:\s(?-i:[A-ZÀ-Ý][\wÀ-ÿ-]+)){0,3})",
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
_PAIR = r"[A-HJ-NP-TV-Z]{2}"
_PLATE = re.compile(rf"\b({_PAIR})([ .-]?)\d{{3}}[ .-]?({_PAIR})\b", re.IGNORECASE)
_OLD_PLATE = re.compile(r"\b\d{2,4}([ -]?)([A-Z]{2,3})[ -]?(?:0[1-9]|[1-8]\d|9[0-5]|2[AB])\b", re.IGNORECASE)
_VEHICLE = re.compile(
    r"\b(?:immat\w*|plaques?|remorque|v[ée]hicule|voiture|auto|moto|scooter|clio|twingo|sc[ée]nic|camion\w*|quad|caravane|tracteur)\b[^.;!?<]{0,40}$",
    re.IGNORECASE,
)
_FOREIGN_PLATE = re.compile(r"\b(?:[A-Z]{2}\d{2} [A-Z]{3}|[A-Z]{1,3}-[A-Z]{1,2} \d{1,4}|\d{4} [A-Z]{3})\b")
_NOT_IN_PLATES = frozenset(read_words("pas_une_plaque"))
_VIN = re.compile(r"\b(?=[A-HJ-NPR-Z]*\d)(?=\d*[A-HJ-NPR-Z])[A-HJ-NPR-Z0-9]{17}\b")
_MONTH = r"(?:janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre)"
_DATE = rf"(?:\d{{1,2}}\s?[ /.-]\s?\d{{1,2}}\s?[ /.-]\s?\d{{2,4}}|\d{{1,2}}/\d{{4}}|(?:19|20)\d{{2}}-\d{{2}}-\d{{2}}|(?:\d{{1,2}}(?:er)?|premier)\s+{_MONTH}\s+\d{{2,4}}|{_MONTH}\s+\d{{4}})"
_BIRTH = re.compile(
    rf"\b(n[ée]e?s?(?:\s?\(e\))?\s*(?:(?:à|au|en)\s[\wÀ-ÿ'-]{{2,30}}(?:\s[\wÀ-ÿ'-]{{2,30}})?,?\s*)?(?:le\s|en\s|du\s)?[\s:]*|"
    rf"(?:(?:date\s(?:de\s)?)?naissance|ddn|anniversaire)\s*(?:(?:c['’ ]?)?est)?[\s:]*(?:le\s+)?[\s:]*|je\ssuis\sdu\s){_DATE}(?:(\s+et\s+[\w' ]{{1,20}}\ble\s+){_DATE})?",
    re.IGNORECASE,
)
_POSITION = re.compile(
    r"(?<![\d.,])-?\d{1,2}[.,]\d{3,8}\s?[,; ]\s?-?\d{1,3}[.,]\d{3,8}(?![\d.])|\d{1,3}°\s?\d{1,2}['’′]\s?\d{1,2}(?:[.,]\d{1,5})?[\"”″]?\s?[NSEOW]\b"
)
_IP = re.compile(r"(?<![\d.])(?=(?:\d\.?){7})(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
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
_PLACE_NAME = re.compile(
    r"\b((?i:r[ée]sidence|adresse\s*(?:est|:)\s*(?:r[ée]sidence\s*)?)\s*:?\s+)"
    r"(?!(?i:autonomie|principale|secondaire|de\b|de la|du\b|services?))"
    r"((?:(?i:les?|la)\s(?!m[êe]me|bonne|mauvaise)[\wÀ-ÿ'-]{3,40}|(?:(?i:l['’]))?[A-ZÀ-Ý][\wÀ-ÿ'-]{1,40})(?:\s(?:de|du|des|d'|la|les|bât(?!iment)|[A-ZÀ-Ý][\wÀ-ÿ'-]{0,40}|\d{1,3}(?!\d))){0,4}"
    rf"{_REST})"
)
_HAMLET = re.compile(
    r"\b((?i:lieu[ -]dit)\s*:?\s*)((?:(?i:les?|la|du|des)\s|(?i:l['’]))?(?!(?:Il|Elle|On|Je)\b)[A-ZÀ-Ý][\wÀ-ÿ'’-]{1,40}(?:\s(?:(?i:de la|de l['’]|du|des|d['’]|de)\s?)?[A-ZÀ-Ý][\wÀ-ÿ'’-]{1,40}){0,3})"
)
_HAMLET_LOWER = re.compile(
    r"\b(lieu[ -]dit\s*:?\s*)((?:(?:les?|la|du|des)\s|l['’](?!on\b)|(?:mas|pech|puech|combe|font|bois|clos|cap)\s(?:d[eu]\s|de\sla\s|des\s|d['’])?)[\wÀ-ÿ'’-]{3,40}"
    r"(?:\s(?:de\sla|de\sl['’]|de|du|des|d['’])\s?[\wÀ-ÿ'’-]{3,40})?)",
    re.IGNORECASE,
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
_YEARS = re.compile(r"(?:19|20)\d{2}(?: (?:19|20)\d{2})+")
_LONG_DIGITS = re.compile(r"(?<![\d-])\d(?:[ .]?\d){8,}[A-Z]{0,5}(?![\d-])")
_SECRET = re.compile(
    r"\b((?:mot\s+de\s+passe|mdp|login|identifiants?(?:\s+ants)?|code(?:\s+(?:confidentiel|secret|personnel|pin|sms|d['’]acc[èe]s|de\s+connexion|de\s+validation))?)\s*(?::|=|est|c'est)?\s+)(?=\S*[\d!@#$%&*+])(?!\d{1,3}\b)[^\s<,;]{5,40}",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"\b(login\s*:?\s+)(?!est\b|ne\b|bloqu|oubli)[^\s<,;]{4,40}", re.IGNORECASE)
_LETTER = r"[^\W\d_]"
_TOKEN = re.compile(rf"{_LETTER}{{1,40}}(?:[-'’]{_LETTER}{{1,40}}){{0,4}}")
_KIN = (
    r"fils|filles?|mari|[ée]poux|[ée]pouse|femme|compagne|compagnon|conjointe?|concubine?|p[èe]re|m[èe]re|fr[èe]re|s(?:œ|oe)ur|oncle|tante|neveu|ni[èe]ce|"
    r"cousine?|ex|parrain|marraine|tutrice|tuteur|curatrice|curateur|patronne?|voisine?|propri[ée]taire|proprio|locataire|enfants?|"
    r"g[ée]rante?|coll[èe]gue|ami|amie|copain|copine|b[ée]b[ée]|avocate?|assistante\s+sociale"
)
_SURE_CUE = re.compile(
    r"(?<![\w'’])(?:(?:je|on)\s?m\s?['’ ]?\s?app?el+e|(?:se|me)\s+(?:nomme|pr[ée]nomme)|"
    r"(?:mon|ma|son|le)\s(?:petit\s)?nom(?:\sde\s(?:famille|jeune\sfille))?\s*(?:est|c(?:\s?['’ ]?\s?est)?|:)|(?:pr[ée])?noms?(?:\s(?:de\s(?:famille|naissance)|d['’]usage|d['’][ée]pouse|du\sd[ée]funt))?\s*:|(?:demandeur|demanderesse|titulaire|concerne|nom[ée]e?)\s*:|"
    r"soussign[ée]e?(?:\(e\))?|au\s+nom\s+de(?:\s+m(?:on|a)\s+(?:p|m)[èe]re)?|au\s+nom\s+d['’]|de\s+la\s+part\s+de|"
    r"repr[ée]sent[ée]e?\s+par)[\s,:]{1,3}|(?<![\w'’])attestation\s+au\s+nom\s+d['’]",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"(?<![\w'’])(?:(un|ce|le|la|les|au|du|une|cette|cet|de)\s+)?(?:(?-i:Me)\s|madame\b|monsieur\b|mmes?\b\.?|mlle\.?|mademoiselle\b|mrs?\b\.?|(?<!\d\s)m\.|(?-i:M)\s(?=[A-ZÀ-Ý])|ma[iî]tre\b|docteur\b|dr\b\.?)\s*",
    re.IGNORECASE,
)
_KIN_CUE = re.compile(
    rf"(?<![\w'’])(?:(?:mon|ma|son|sa|notre|votre|leur|mes|ses|nos)\s(?:petite?[s]?[\s-]|ex[\s-]|beau[\s-]|belle[\s-]|futur[e]?\s|jeune\s|grande?[\s-])?|l['’]|le\s|la\s)(?:{_KIN}),?\s+"
    rf"|(?<![\w'’])(?:fils|fille)\s+de\s|(?<![\w'’])mes\senfants\s",
    re.IGNORECASE,
)
_SAID_CUE = re.compile(
    r"(?<![\w'’])(?:je\s+suis|moi(?:\s+je\s+suis|\s+c\s?['’ ]?est)?|c\s?['’ ]?\s?est|moi|ici|bonjour,?|bjr|bonsoir,?|contact|signé)\s+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:cordialement|bien\s+[àa]\s+vous|merci(?:\s+d['’ ]?avance)?|salutations|respectueusement)[\s,.!:]{1,6}", re.IGNORECASE
)
_LAST_LINE = re.compile(r"(?:[.,!]\n|\bsign[ée],) ?(?:[A-Z]\. ?){0,2}(?=[A-ZÀ-Ý])")
"""What comes before a signature: the end of a sentence and a new line, initials included."""
_FULL_NAME = re.compile(r"(?<![\w'’-])([A-ZÀ-Ý][a-zà-ÿ]{2,30}) ([A-ZÀ-Ý][a-zà-ÿ]{2,30}|[A-ZÀ-Ý]{3,30})(?![\w'’-])")
_CALLED_CUE = re.compile(
    r"(?<![\w'’])(?:s\s?['’ ]?app?el+(?:e|ait)|app?elée?s?|(?:mon|son|le)\spr[ée]nom\s(?:est|c\s?['’ ]?\s?est))\s+", re.IGNORECASE
)
_LABEL_CUE = re.compile(r"(?<![\w'’])(?:(?:pr[ée])?nom|famille|veuve|sign[ée])\s+", re.IGNORECASE)
_GAP = re.compile(r" {1,2}|-|['’]")
_LONG_WORD = re.compile(rf"{_LETTER}{{2}}")
_INITIAL_GAP = re.compile(r"\.? {1,2}|-|['’]")
_PARTICLES = frozenset(read_words("particules"))
_REIGN = re.compile(r"[IVX]{1,5}")
_REIGN_AFTER = re.compile(r" [IVX]{1,5}\b")
_FROM = re.compile(r" (?:de |d['’])")
_NAMED_PLACE = re.compile(
    r"(?<![\wÀ-ÿ])(?:rue|avenue|av\.?|boulevard|bd|place|chemin|impasse|all[ée]es?|route|quai|cours|square|pont|rond-point|parking|lyc[ée]e|coll[èe]ge|[ée]cole|"
    r"maternelle|[ée]l[ée]mentaire|universit[ée]|h[ôo]pital|clinique|centre|hospitalier|ehpad|foyer|r[ée]sidence|maison|salle|espace|stade|gymnase|piscine|"
    r"m[ée]diath[èe]que|biblioth[èe]que|mus[ée]e|th[ée][âa]tre|chapelle|[ée]glise|fondation|association|prix|loi|plan|mission|caserne|institut|cit[ée]|"
    r"barrage|tour|zone|parc|jardin|librairie|cabinet|groupe|scolaire|priv[ée]e?|public|saint|sainte|st|ste|f[êe]te|mar[ée]chal|g[ée]n[ée]ral|pr[ée]sident|"
    r"ch[âa]teau|grotte|gouffre|lac|mont|cap|[îi]le|hameau|village|commune|ville|mairie|canton|gare|mas|pech|march[ée]|foire|festival)[\s-]+(?:de\s+|du\s+|d['’]|[àa]\s+)?$",
    re.IGNORECASE,
)
"""What bears someone's name and is a place, an institution or a law."""
_NOT_NAMES = frozenset(map(strip_accents, read_words("pas_des_noms")))
_PASSES = 3
"""What is masked may uncover something beside it: a message with nothing personal is read once, the others twice at least."""
_LONGEST_NAME = 4
"""Words in a name, particles aside."""


@stage("masquage")
def mask(text: str) -> str:
    """Replace personal data by tokens such as ``<telephone>``; leave the rest untouched.

    "arrêté 2023-1234", "2024-2025", "46100 Figeac" and "loi 1901" stay as they are.

    Args:
        text: any string; the time taken grows with its length, whatever it holds.
    """
    for _ in range(_PASSES):
        masked = _mask_names(_HAMLET_LOWER.sub(lambda m: m.group(1) + ADDRESS, _mask_sure(text)), likely=True)
        if masked == text:
            break
        text = masked
    return text


def holds_personal_data(text: str) -> bool:
    """Whether ``text`` leads to someone; a first name alone ("ma fille Léa") or a famous one does not."""
    masked = _mask_sure(text)
    return masked != text or _mask_names(masked, likely=False) != text


def _mask_sure(text: str) -> str:
    text = _mask_emails(text)
    text = _PROFILE.sub(EMAIL, text)
    text = _HANDLE.sub(lambda m: m.group() if _usual(m.group(2).split()[0]) else m.group(1) + EMAIL, text)
    text = _SPELLED_EMAIL.sub(EMAIL, text)
    if any(map(str.isdigit, text)):
        text = _mask_digits(text)
    text = _SPOKEN_PHONE.sub(PHONE, text)
    text = _HAMLET.sub(lambda m: m.group(1) + ADDRESS, _PLACE_NAME.sub(lambda m: m.group(1) + ADDRESS, text))
    return _LOGIN.sub(lambda m: m.group(1) + SECRET, _SECRET.sub(lambda m: m.group(1) + SECRET, text))


def _mask_digits(text: str) -> str:
    text = _IBAN.sub(
        lambda m: ACCOUNT if iban.is_valid(m.group()) or (m.group()[:2].upper() == "FR" and _digits(m.group()) > 12) else m.group(), text
    )
    text = _VIN.sub(NUMBER, text)
    text = _NIR.sub(lambda m: SOCIAL if _looks_like_nir(m.group()) else m.group(), text)
    for pattern in (_PHONE, _SPACED_PHONE, _FOREIGN_PHONE):
        text = pattern.sub(lambda m: PHONE if _is_phone(m.group()) else m.group(), text)
    text = _OLD_PLATE.sub(_mask_old_plate, _PLATE.sub(_mask_plate, text))
    text = _FOREIGN_PLATE.sub(lambda m: PLATE if _before(_VEHICLE, m, 60) else m.group(), text)
    text = _BIRTH.sub(lambda m: m.group(1) + BIRTH + (m.group(2) + BIRTH if m.group(2) else ""), text)
    text = _IP.sub(NUMBER, _POSITION.sub(ADDRESS, text))
    text = _ADDRESS.sub(ADDRESS, text)
    text = _NUMBER.sub(_mask_number, text)
    return _LONG_DIGITS.sub(lambda m: m.group() if _YEARS.fullmatch(m.group()) else NUMBER, text)


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
    if re.fullmatch(r"\d{5}", number) and _TOKEN.match(match.string, match.end() + 1):
        return number  # a postal code and its town
    return number if _ACT_NUMBER.fullmatch(number) and not _PERSONAL_FILE.search(cue.group()) else NUMBER


def _long_enough(number: str, between: str) -> bool:
    """Whether a number is long enough for a file: less is asked right after the word that names it."""
    close = len(between) < 4
    return _digits(number) >= (5 if close else 6) or (_digits(number) > 1 and len(number) > 6 and number.isalnum() and number.isupper())


def _before(pattern: re.Pattern[str], match: re.Match[str], length: int) -> re.Match[str] | None:
    """Search the end of what stands before a match, and no further than some characters: the time stays linear."""
    return pattern.search(match.string[max(0, match.start() - length) : match.start()])


def _mask_names(text: str, likely: bool) -> str:
    """Replace names.

    Args:
        text: the rest is already masked.
        likely: also what is a name most of the time; an example in a training message may look the same.
    """
    spans = list(_spans(text, _SURE_CUE, _after_sure_cue))
    for cue in _TITLE.finditer(text):
        first = (_after_sure_cue if cue.group(1) else _after_title) if likely else _surely_after_title
        if (span := _name_after(text, cue.end(), first)) and not _before_place(text, cue.start()):
            spans.append(span)
    spans += [span for span in _spans(text, _SAID_CUE, _known_or_stands_out) if _said(text, span, likely)]
    spans += [span for cue in (_CLOSING, _LAST_LINE) for span in _spans(text, cue, _known_or_stands_out) if _ends(text, span[1])]
    if likely:
        spans += [
            *_spans(text, _CALLED_CUE, _after_sure_cue),
            *_spans(text, _LABEL_CUE, _stands_out),
            *_spans(text, _KIN_CUE, _after_kin),
            *_known_names(text),
        ]
        spans += [m.span() for m in _FULL_NAME.finditer(text) if not any(map(_usual, m.groups())) and not _before_place(text, m.start())]
    said = {word for start, end in spans for word in _TOKEN.findall(text[start:end])}
    said = {word.lower() for word in said if len(word) > 2 and not _usual(word)}
    if said:  # a name found once is one wherever the message repeats it
        spans += [
            token.span() for token in _TOKEN.finditer(text) if token.group().lower() in said and not _before_place(text, token.start())
        ]
    kept: list[str] = []
    last = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if end <= last:
            continue
        kept += [text[last : max(start, last)]] + ([NAME] if start >= last or not kept else [])
        last = end
    return "".join([*kept, text[last:]])


def _spans(text: str, cue: re.Pattern[str], first: Callable[[str], bool]) -> Iterator[Span]:
    return (span for found in cue.finditer(text) if (span := _name_after(text, found.end(), first)))


def _name_after(text: str, start: int, first: Callable[[str], bool]) -> Span | None:
    """Return where a name stands at ``start``, or ``None``: words that may be one, with the particles between them."""
    end, position, words = start, start, 0
    while words < _LONGEST_NAME and (token := _TOKEN.match(text, position)):
        word = token.group()
        follows = text[token.end() : token.end() + 2]
        if (word.lower() in _PARTICLES or (words and word.lower().startswith("d'"))) and not (
            words == 0 and word.islower() and word.lower() in _NOT_NAMES
        ):
            if _place_at(text, token.end() + 1) and words:
                break
        elif (first if not words else _goes_on)(word) or (len(word) == 1 and word.isupper() and follows == ". "):
            end, words = token.end(), words + 1
        else:
            break
        gap = (_GAP if len(word) > 1 else _INITIAL_GAP).match(text, token.end())
        if gap is None:
            break
        position = gap.end()
    return (start, end) if words and _LONG_WORD.search(text, start, end) else None


def _said(text: str, span: Span, likely: bool) -> bool:
    """Whether what stands after « je suis », « c'est » is a name: a first name, or two words with a capital."""
    words = _TOKEN.findall(text[slice(*span)])
    alone = likely and _given(words[0]) and (words[0][0].isupper() or _plain(words[0]) not in _both())
    full = likely and len(words) > 1 and _given(words[0]) and not _usual(words[1])
    return (alone or full or (len(words) > 1 and words[0][0].isupper())) and not _before_place(text, span[0])


def _ends(text: str, end: int) -> bool:
    return not text[end:].strip(" .,!") or text[end] == "\n"


def _known_names(text: str) -> list[Span]:
    """Return where known first names stand, with the family name before or after them."""
    spans: list[Span] = []
    tokens = list(_TOKEN.finditer(text))
    done = 0
    given = {word for word in {token.group() for token in tokens} if _given(word)}
    for number, token in enumerate(tokens):
        word = token.group()
        if token.start() < done or word not in given:
            continue
        start, done = _name_after(text, token.start(), _given) or token.span()
        if _before_place(text, start) or _REIGN_AFTER.match(text, done):
            continue
        for before in reversed(tokens[max(0, number - 2) : number]):
            if text[before.end() : start] != " " or not _family_before(before.group()):
                break
            start = before.start()
        if done - token.start() > len(word) and _plain(word) in _both() and _usual(text[token.end() + 1 : done].split()[0]):
            continue  # « ferme de Pierre Levée »
        if done - start > len(word) or _sure_alone(word) or (word[0].isupper() and _from_here(text, done)):
            spans.append((start, done))
    return spans


def _from_here(text: str, end: int) -> bool:
    said = _FROM.match(text, end)
    return said is not None and _place_at(text, said.end())


def _sure_alone(word: str) -> bool:
    plain = _plain(word)
    return plain not in _both() and len(plain) > 3 and (word[0].isupper() or plain not in _common())


def _family_before(word: str) -> bool:
    plain = _plain(word)
    if plain in _NOT_NAMES or len(plain) < 3:
        return False
    return plain in _families() or (word[0].isupper() and (not _usual(word) or (word.isupper() and plain in _both())))


def _before_place(text: str, start: int) -> bool:
    return _NAMED_PLACE.search(text[max(0, start - 30) : start]) is not None


def _place_at(text: str, start: int) -> bool:
    return any(
        text[start : start + length].lower() in _communes()
        for length in _lengths()
        if not text[start + length : start + length + 1].isalnum()
    )


def _after_sure_cue(word: str) -> bool:
    return _given(word) or (not _elided(word) and _plain(word) not in _NOT_NAMES and (not _usual(word) or _capital(word)))


def _after_title(word: str) -> bool:
    return _after_sure_cue(word) or word.lower() in _communes() or (_plain(word) in _both() and _plain(word) not in _NOT_NAMES)


def _surely_after_title(word: str) -> bool:
    return _capital(word) and _after_sure_cue(word)


def _after_kin(word: str) -> bool:
    if _given(word):
        return _plain(word) not in _both() or word[0].isupper()
    return _capital(word) and not _usual(word) and not (word.isupper() and len(word) < 5)


def _known_or_stands_out(word: str) -> bool:
    return _given(word) or _stands_out(word)


def _stands_out(word: str) -> bool:
    return word[0].isupper() and not _usual(word)


def _goes_on(word: str) -> bool:
    """Whether a word, after one that is a name, is a name too."""
    return (
        not _elided(word)
        and _plain(word) not in _NOT_NAMES
        and not _REIGN.fullmatch(word)
        and (not _usual(word) or (_capital(word) and not word.isupper()))
    )


def _elided(word: str) -> bool:
    return word[1:2] in {"'", "’"} and (word[0].islower() or (word.isupper() and _usual(word[2:])))


def _capital(word: str) -> bool:
    """Whether a word has a capital of its own: in a message in capitals, a French word has none."""
    return word[0].isupper() and not (word.isupper() and len(word) > 1 and _plain(word) in _common())


def _given(word: str) -> bool:
    plain = _plain(word)
    if plain in _NOT_NAMES or (word.endswith("é") and plain in _both()):  # « marié »
        return False
    return plain in _first_names() or ("-" in plain and all(part in _first_names() for part in plain.split("-")))


def _usual(word: str) -> bool:
    """Whether a word is French, or common in France, and not known as a name."""
    plain = _plain(word)
    if plain in _families() or _given(word):
        return False
    parts = [part for part in re.split("[-']", plain) if len(part) > 2]
    return len(plain) < 2 or plain in _NOT_NAMES or plain in _common() or (plain not in parts and all(map(_common().__contains__, parts)))


def _plain(word: str) -> str:
    return strip_accents(word.lower()).replace("’", "'")


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset((project_paths().referential / "mots_courants.txt").read_text(encoding="utf-8").splitlines())


@lru_cache(maxsize=1)
def _first_names() -> frozenset[str]:
    return frozenset(read_words("prenoms"))


@lru_cache(maxsize=1)
def _families() -> frozenset[str]:
    return frozenset(read_words("noms"))


@lru_cache(maxsize=1)
def _both() -> frozenset[str]:
    return frozenset(read_words("noms_et_mots"))


@lru_cache(maxsize=1)
def _communes() -> frozenset[str]:
    """Communes of the Lot: « Mme Durand de Gourdon » says where she lives, which leads to the right counter."""
    try:
        with (project_paths().referential / "communes_lot.csv").open(encoding="utf-8", newline="") as stream:
            return frozenset(row["nom"].lower() for row in csv.DictReader(stream))
    except (OSError, KeyError):
        return frozenset()


@lru_cache(maxsize=1)
def _lengths() -> tuple[int, ...]:
    return tuple(sorted({len(name) for name in _communes()}))


def _digits(value: str) -> int:
    return sum(c.isdigit() for c in value)


def _is_phone(value: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(re.sub(r"[\s._/*–()-]", "", value.replace("O", "0")), "FR"))
    except phonenumbers.NumberParseException:
        return False


def _looks_like_nir(value: str) -> bool:
    digits = re.sub(r"[\s.-]", "", value)
    return nir.is_valid(digits) or len(digits) in {13, 15}
