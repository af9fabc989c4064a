"""Mask personal data before anything is understood, stored or logged."""

from __future__ import annotations

import csv
import re
from functools import lru_cache

import phonenumbers
from stdnum import iban
from stdnum.fr import nir

from bot.base.paths import project_paths
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

_EMAIL = re.compile(r"[\w.+-]{1,64}\s?(?:@|[(\[{]\s?(?:arobase|at|a)\s?[)\]}]|\barobase\b)\s?[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)
_PROFILE = re.compile(r"\b(?:(?:facebook|instagram|twitter|tiktok|linkedin|snapchat)\.com/[\w.@/-]{2,60}|live:[\w.-]{2,60})", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ .-]?(?=[A-Z]{0,3}\d)[A-Z0-9]{2,4}){3,8}\b", re.IGNORECASE)
_NIR = re.compile(r"\b[12][ .-]?\d{2}[ .-]?\d{2}[ .-]?\d[\dAB][ .-]?\d{3}[ .-]?\d{3}(?:[ .-]?\d{2})?\b", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w/])(?:\+33|0033|0)\s?(?:\(0\)\s?)?[1-9](?:[ .–/-]{0,2}\d{2}){4}(?!\d)")
_SPACED_PHONE = re.compile(r"(?<![\w/])0(?: ?\d){9}(?! ?\d)")
_SPOKEN = r"(?:z[ée]ro|une?|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente|quarante|cinquante|soixante|et)"
_SPOKEN_PHONE = re.compile(rf"\bz[ée]ro[\s-]+(?:{_SPOKEN}[\s-]+){{4,16}}{_SPOKEN}\b", re.IGNORECASE)
_PLATE = re.compile(
    r"\b(?!(?:AB|LA|LE|DE|DU|EN|AU|ET|OU|UN)[- ]\d{3}[- ](?:LA|LE|DE))[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}\b", re.IGNORECASE
)
_LOOSE_PLATE = re.compile(
    r"\b((?:immatricul[ée]+s?|immatriculation|plaques?|remorque|v[ée]hicule|voiture|moto|clio|twingo|scenic|camion|quad)\b[^\d<.]{0,12}?)"
    r"\b(?!(?:DE|DU|LA|LE|EN|AU|ET|PV)\s)[A-HJ-NP-TV-Z]{2}[ -]?\d{3}[ -]?[A-HJ-NP-TV-Z]{2}\b",
    re.IGNORECASE,
)
_OLD_PLATE = re.compile(r"\b\d{2,4}\s[A-Z]{2,3}\s(?:0[1-9]|[1-8]\d|9[0-5]|2[AB])\b")
_VIN = re.compile(r"\b(?=[A-HJ-NPR-Z]*\d)(?=\d*[A-HJ-NPR-Z])[A-HJ-NPR-Z0-9]{17}\b")
_DATE = (
    r"(?:\d{1,2}[ /.-]\d{1,2}[ /.-]\d{2,4}|\d{1,2}/\d{4}|(?:\d{1,2}(?:er)?|premier)\s+"
    r"(?:janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|octobre|novembre|d[ée]cembre|[a-zéû]{3,9})\s+\d{4})"
)
_BIRTH = re.compile(
    rf"\b(n[ée]e?(?:\(e\))?\s+(?:le|en)\s+|naissance\s*(?:est|:)?\s*(?:le\s+)?|anniversaire\s+(?:est\s+)?le\s+){_DATE}(?:(\s+et\s+[\w' ]{{1,20}}\ble\s+){_DATE})?",
    re.IGNORECASE,
)
_POSITION = re.compile(r"(?<![\d.,])-?\d{1,2}\.\d{3,8}\s?[,; ]\s?-?\d{1,3}\.\d{3,8}(?![\d.])")
_IP = re.compile(r"(?<![\d.])(?=(?:\d\.?){7})(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_WAYS = r"rue|avenue|av\.?|boulevard|bd|bld|place|chemin|impasse|all[ée]e|route|quai|cours|lotissement|r[ée]sidence|square|faubourg|mont[ée]e|cit[ée]"
_ADDRESS = re.compile(
    rf"\b\d{{1,4}}\s?(?i:bis|ter|quater)?,?\s+(?i:{_WAYS})\s+"
    r"(?!(?i:de\s+(?:parking|danse|sport|cr[èe]che|soutien|fran[çc]ais)|en\b|pour\b|dispo|c'est\b|ferm[ée]|dans\b|plus\b|handicap|assise))"
    r"(?i:d[eu]s?\s+|de\s+la\s+|de\s+l'|d'|du\s+|les?\s+|la\s+)?[\wÀ-ÿ'-]+(?:[ -][A-ZÀ-Ý][\wÀ-ÿ'-]+){0,3}"
)
_DWELLING = r"b[âa]t(?:iment)?|appartement|appt?|logement|escalier|[ée]tage|porte|entr[ée]e|n°|num[ée]ro"
_PLACE_NAME = re.compile(
    r"\b((?i:lieu[ -]dit|r[ée]sidence|adresse\s*(?:est|:)\s*(?:r[ée]sidence\s*)?)\s*:?\s+)"
    r"(?!(?i:autonomie|principale|secondaire|de\b|de la|du\b|services?))"
    r"((?:(?i:le\s|la\s|les\s|l'))?[A-ZÀ-Ý][\wÀ-ÿ'-]+(?:\s(?:de|du|des|d'|la|les|bât(?!iment)|[A-ZÀ-Ý][\wÀ-ÿ'-]*|\d{1,3}(?!\d))){0,4}"
    rf"(?:,?\s(?i:{_DWELLING})\s(?:[A-Za-z]|\d{{1,4}})(?!\w)){{0,4}})"
)
_FILE_WORDS = (
    r"num[ée]ro|num|n°|no|ref|réf|r[ée]f[ée]rence|dossier|allocataire|fiscal|siret|siren|[ée]tranger|agdref|neph|passeport|pacage|cheptel|"
    r"contrat|matricule|r[ée]c[ée]piss[ée]|permis|cni|identit[ée]|convocation|client|identifiants?|adh[ée]rent|b[ée]n[ée]ficiaire|[ée]levage|badge"
)
_FILE = re.compile(
    rf"\b((?:{_FILE_WORDS})(?![\wÀ-ÿ])(?:[^\w<]{{1,4}}(?:n°|num[ée]ros?|est(?:\s+le)?|c'est(?:\s+le)?|de|d'|du|la|le|l'|mon|ma|dossier|demande|logement|client|edf|"
    rf"allocataire|[ée]levages?|mdph|unique|ants|agdref|neph|fiscal|[ée]tranger|permis|cni|s[ée]rie|vin|convocation|lrar|p[ôo]le|emploi|france|travail|caf|cpam|msa|ameli|usager|adh[ée]rent)(?![\wÀ-ÿ])){{0,5}}[^\w<]{{1,4}})"
    r"(?:[A-Z0-9]{1,4} )?(?=[A-Z/-]*\d)[A-Z0-9/-]{6,24}(?: \d{3,4}){0,4}(?: \d)?\b",
    re.IGNORECASE,
)
_ACT_NUMBER = re.compile(r"(?:\d{2}-)?(?:19|20)\d{2}-\d{1,5}")
"""An arrêté or its collection: what stands after « n° » and is no person's file."""
_OFFICIAL = re.compile(r"(?:arr[êe]t[ée]|d[ée]cret|loi|article|cerfa|formulaire|march[ée]|avis)\b[^.;]{0,20}$", re.IGNORECASE)
_PERSONAL_FILE = re.compile(r"dossier|demande|r[ée]c[ée]piss[ée]|convocation", re.IGNORECASE)
"""Named before a number that has the shape of an act: it is a person's file all the same."""
_YEARS = re.compile(r"(?:19|20)\d{2}(?: (?:19|20)\d{2})+")
_LONG_DIGITS = re.compile(r"(?<![\d-])\d(?:[ .]?\d){8,}[A-Z]{0,5}(?![\d-])")
_SECRET = re.compile(
    r"\b((?:mot\s+de\s+passe|mdp|login|identifiants?(?:\s+ants)?|code(?:\s+(?:confidentiel|secret|personnel|pin|sms|d['’]acc[èe]s|de\s+connexion|de\s+validation))?)\s*(?::|=|est|c'est)?\s+)(?=\S*[\d!@#$%&*+])(?!\d{1,3}\b)[^\s<,;]{5,40}",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"\b(login\s*:?\s+)(?!est\b|ne\b|bloqu|oubli)[^\s<,;]{4,40}", re.IGNORECASE)
_CAPITAL_NAME = r"(?:(?!(?:Pr[ée]nom|Nom|N[ée]e?|T[ée]l|Adresse|Date)\b)[A-ZÀ-Ý][\wÀ-ÿ'-]+)"
_PARTICLE = r"(?:(?:de|du|des|van|von|el|al|ben|dos|da|di|le|la)\s+)"
_NAME = re.compile(
    r"\b((?i:je\s+m\s?['’ ]?\s?appelle|(?:il|elle|fille|fils|mari|femme|enfant)\s+s['’ ]?appelle|on\s+m['’ ]?appelle|se\s+nomme|je\s+me\s+nomme|"
    r"mon\s+nom\s+(?:est|c['’ ]?est)|mon\s+petit\s+nom|(?:pr[ée])?nom\s*:|soussign[ée]e?|au\s+nom\s+d(?:e(?:\s+mon\s+p[èe]re|\s+ma\s+m[èe]re)?|['’])|"
    r"attestation\s+au\s+nom|de\s+la\s+part\s+d(?:e\s|['’])|repr[ée]sent[ée]e?\s+par|(?<![\wÀ-ÿ])(?-i:Me)|madame|monsieur|mme\.?|mlle\.?|mademoiselle|mrs?\.?|(?<!\d\s)m\.?|ma[iî]tre|docteur|dr\.?|famille|veuve)(?:\s+|(?<=[:'’])|(?<=\bm\.)))"
    rf"((?:{_PARTICLE}|veuve\s+)?{_CAPITAL_NAME}(?:[ -]{_PARTICLE}?{_CAPITAL_NAME}){{0,3}})"
)
_LOWER_NAME = re.compile(
    r"\b((?:je\s+m\s?['’ ]?\s?appelle|se\s+nomme|mme|mlle|mr)\s+)([a-zà-ÿ][a-zà-ÿ'-]{1,20})(\s+[a-zà-ÿ][a-zà-ÿ'-]{2,20})?",
    re.IGNORECASE,
)
_TWO_CAPITALS = re.compile(
    rf"\b((?i:je\s+suis|moi\s+c['’ ]?est|c['’ ]?est|ici|signé|(?:bjr|bonjour|slt|salut|coucou)\s+c|fils\s+de|fille\s+de|"
    rf"contact|m)\s+(?:m\.\s+)?)({_CAPITAL_NAME}(?:[ ]{_PARTICLE}?{_CAPITAL_NAME}){{1,3}})"
)
_KIN = (
    r"fils|filles?|mari|[ée]poux|[ée]pouse|femme|compagne|compagnon|conjointe?|concubine?|p[èe]re|m[èe]re|fr[èe]re|s(?:œ|oe)ur|oncle|tante|neveu|ni[èe]ce|"
    r"cousine?|ex|parrain|marraine|grands?-(?:p|m)[èe]re|tutrice|tuteur|curatrice|curateur|patronne?|voisine?|propri[ée]taire|proprio|locataire|"
    r"g[ée]rante?|coll[èe]gue|ami|amie|copain|copine|b[ée]b[ée]|enfant|avocate?|assistante\s+sociale|belle-s(?:œ|oe)ur"
)
_RELATION = re.compile(
    rf"\b((?i:mon|ma|son|sa|notre|votre|leur|mes)\s(?i:petite?\s|ex[ -]|beau[ -]|belle[ -]|petite?[ -]|futur[e]?\s|jeune\s)?(?i:{_KIN}),?\s+)"
    rf"((?!\S*\d)(?!\S{{1,4}}(?<=[A-ZÀ-Ý]{{2}})(?![\wÀ-ÿ'-])){_CAPITAL_NAME}(?:[ ]{_PARTICLE}?{_CAPITAL_NAME}){{0,2}})"
)
"""Who is spoken of, then a name: "ma fille Léa". Short capitals are an acronym ("mon fils AESH")."""
_FIRST_NAME_LABEL = re.compile(rf"\b((?<!du )(?<!le )(?i:pr[ée]noms?(?:\s+est)?)\s+)({_CAPITAL_NAME}(?:[ -]{_CAPITAL_NAME}){{0,2}})")
_FIRST_NAME_SAID = re.compile(
    rf"\b((?:je\s+suis|moi(?:\s+c['’ ]?est)?|c['’ ]?est|ici|bonjour)\s+)([\wÀ-ÿ-]{{3,20}})((?-i:\s+{_CAPITAL_NAME}){{0,2}})(?![\wÀ-ÿ'-])",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(rf"(?<![\wÀ-ÿ'-])({_CAPITAL_NAME})\s+((?:{_PARTICLE})?{_CAPITAL_NAME}(?:-{_CAPITAL_NAME})?)")
_REIGN = re.compile(r"[IVX]{1,5}")
_NAMED_PLACE = re.compile(
    r"(?:rue|avenue|av\.?|boulevard|bd|place|chemin|impasse|all[ée]es?|route|quai|cours|square|pont|rond-point|parking|lyc[ée]e|coll[èe]ge|[ée]cole|"
    r"maternelle|[ée]l[ée]mentaire|universit[ée]|h[ôo]pital|clinique|centre|hospitalier|ehpad|foyer|r[ée]sidence|maison|salle|espace|stade|gymnase|piscine|"
    r"m[ée]diath[èe]que|biblioth[èe]que|mus[ée]e|th[ée][âa]tre|chapelle|[ée]glise|fondation|association|prix|loi|plan|mission|caserne|institut|cit[ée]|"
    r"square|barrage|tour|zone|parc|jardin|librairie|cabinet|groupe|scolaire|priv[ée]e?|public)\s+(?:de\s+|du\s+|d['’])?$",
    re.IGNORECASE,
)
"""What bears someone's name and is a place, an institution or a law."""
_SIGNATURE = re.compile(
    rf"((?i:cordialement|bien\s+[àa]\s+vous|merci(?:\s+d['’ ]?avance)?|signé|salutations)\s*[,:.]?\s+)({_CAPITAL_NAME}(?:[ -]{_CAPITAL_NAME}){{0,2}})\s*$",
    re.MULTILINE,
)
_OPENING = re.compile(rf"^({_CAPITAL_NAME}(?: {_CAPITAL_NAME}){{1,2}})(?=\s+n[ée]e?\s)")
_FROM_PLACE = re.compile(r"\s(?:de|d['’])\s?([A-ZÀ-Ý][\wÀ-ÿ' -]+)$")
_PASSES = 5
"""What is masked may uncover something beside it: a message with nothing personal is read once, the others twice at least."""
_NOT_NAMES = frozenset(read_words("pas_des_noms"))
_FIRST_NAMES = frozenset(map(str.lower, read_words("prenoms")))


def mask(text: str) -> str:
    """Replace personal data by tokens such as ``<telephone>``; leave the rest untouched.

    "arrêté 2023-1234", "2024-2025", "46100 Figeac" and "loi 1901" stay as they are.

    Args:
        text: any string.
    """
    for _ in range(_PASSES):
        masked = _mask_likely_names(_mask_sure(text))
        if masked == text:
            break
        text = masked
    return text


def _mask_sure(text: str) -> str:
    text = _PROFILE.sub(EMAIL, _EMAIL.sub(EMAIL, text))
    text = _IBAN.sub(
        lambda m: ACCOUNT if iban.is_valid(m.group()) or (m.group()[:2].upper() == "FR" and _digits(m.group()) > 12) else m.group(), text
    )
    text = _VIN.sub(NUMBER, text)
    text = _NIR.sub(lambda m: SOCIAL if _looks_like_nir(m.group()) else m.group(), text)
    text = _PHONE.sub(lambda m: PHONE if _is_phone(m.group()) else m.group(), text)
    text = _SPOKEN_PHONE.sub(PHONE, _SPACED_PHONE.sub(PHONE, text))
    text = _LOOSE_PLATE.sub(lambda m: m.group(1) + PLATE, _PLATE.sub(PLATE, text))
    text = _OLD_PLATE.sub(PLATE, text)
    text = _BIRTH.sub(lambda m: m.group(1) + BIRTH + (m.group(2) + BIRTH if m.group(2) else ""), text)
    text = _IP.sub(NUMBER, _POSITION.sub(ADDRESS, text))
    text = _ADDRESS.sub(ADDRESS, text)
    text = _PLACE_NAME.sub(lambda m: m.group(1) + ADDRESS, text)
    text = _FILE.sub(_mask_file, text)
    text = _LONG_DIGITS.sub(lambda m: m.group() if _YEARS.fullmatch(m.group()) else NUMBER, text)
    text = _LOGIN.sub(lambda m: m.group(1) + SECRET, _SECRET.sub(lambda m: m.group(1) + SECRET, text))
    for pattern in (_NAME, _LOWER_NAME, _TWO_CAPITALS, _SIGNATURE):
        text = pattern.sub(_mask_name, text)
    return _OPENING.sub(lambda m: m.group() if _known_word(m.group(1).split()[0]) else NAME, text)


def _mask_likely_names(text: str) -> str:
    """Replace what is a name most of the time; an example in a training message may look the same."""
    for pattern in (_RELATION, _FIRST_NAME_LABEL):
        text = pattern.sub(_mask_name, text)
    return _FULL_NAME.sub(_mask_full_name, _FIRST_NAME_SAID.sub(_mask_first_name, text))


def holds_personal_data(text: str) -> bool:
    """Whether ``text`` leads to someone; a first name alone ("ma fille Léa") or a famous one does not."""
    return _mask_sure(text) != text


def _mask_name(match: re.Match[str]) -> str:
    words = match.group(2).split()
    if _known_word(words[0]) or (len(words) > 1 and all(_known_word(w) for w in words)):
        return match.group()
    place = _FROM_PLACE.search(match.group(2))
    if place and place.group(1).lower() in _communes():
        return match.group(1) + NAME + place.group()
    following = match.group(3) if match.re is _LOWER_NAME else None
    kept = following if following and _known_word(following.strip()) else ""
    return match.group(1) + NAME + kept


def _mask_first_name(match: re.Match[str]) -> str:
    said = match.group(2)
    known = said.lower() in _FIRST_NAMES and said != "marie"  # "je suis marie" is more often "mariée"
    return match.group(1) + NAME if known else match.group()


def _mask_full_name(match: re.Match[str]) -> str:
    if match.group(1).lower() not in _FIRST_NAMES or _known_word(match.group(2)) or _REIGN.fullmatch(match.group(2)):
        return match.group()
    if _NAMED_PLACE.search(match.string[max(0, match.start() - 30) : match.start()]):
        return match.group()
    place = _FROM_PLACE.match(" " + match.group(2))
    return f"{NAME} {match.group(2)}" if place and place.group(1).lower() in _communes() else NAME


@lru_cache(maxsize=1)
def _communes() -> frozenset[str]:
    """Communes of the Lot: « Mme Durand de Gourdon » says where she lives, which leads to the right counter."""
    try:
        with (project_paths().referential / "communes_lot.csv").open(encoding="utf-8", newline="") as stream:
            return frozenset(row["nom"].lower() for row in csv.DictReader(stream))
    except (OSError, KeyError):
        return frozenset()


def _known_word(word: str) -> bool:
    return word.lower().strip("'’,.") in _NOT_NAMES or word.lower().startswith(("l'", "d'"))


def _mask_file(match: re.Match[str]) -> str:
    number = match.group()[len(match.group(1)) :]
    official = _OFFICIAL.search(match.string[max(0, match.start() - 40) : match.start() + len(match.group(1))])
    act = _ACT_NUMBER.fullmatch(number) and not _PERSONAL_FILE.search(match.group(1))
    return match.group() if official or act else match.group(1) + NUMBER


def _digits(value: str) -> int:
    return sum(c.isdigit() for c in value)


def _is_phone(value: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(value, "FR"))
    except phonenumbers.NumberParseException:
        return False


def _looks_like_nir(value: str) -> bool:
    digits = re.sub(r"[ .-]", "", value)
    return nir.is_valid(digits) or len(digits) in {13, 15}
