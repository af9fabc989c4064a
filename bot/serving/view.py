"""From a :class:`~bot.dialogue.wording.Reply` to plain values: the one form that the server's page and its script both draw."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TypedDict
from urllib.parse import quote, urlencode

from bot.dialogue.door_codes import door_code
from bot.dialogue.facts import Fact
from bot.dialogue.wording import TO_CONFIRM, Card, Contact, EmergencyCall, Reply
from bot.language.foreign import Courtesy
from bot.referential.communes import of_place
from bot.referential.hours import closure_sentence, french_date, opening_now, readable_hours
from bot.serving.lot_map import heading, on_map

TO_VALIDATE = "Cette réponse doit encore être validée par la préfecture."
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[A-ZÀ-Ý0-9«\"(])|\n+")
_LINKABLE = re.compile(r"(?P<tel>(?<!\d)0[1-9](?: \d{2}){4}(?!\d))|(?P<url>https://[^\s<>\"]+[^\s<>\".,;:!?)])")
CONTACT_FORM = "Écrire par le formulaire de contact"
NO_BREAK = "\u00a0"
_BEFORE = re.compile(r" (?=[?!:;»])")
_AFTER = re.compile(r"(?<=«) ")
_TIED = re.compile(r"(?<!\d)0[1-9](?: \d{2}){4}(?!\d)|\b\d{1,2} h(?: \d{2})?\b|\b\d{3} \d{3}\b")


class Link(TypedDict):
    """Words that lead somewhere; ``href`` is empty for plain words."""

    texte: str
    href: str


class CallView(TypedDict):
    """One emergency number."""

    numero: str
    nom: str
    href: str


class OpeningView(TypedDict):
    """Whether a desk is open now."""

    ouvert: bool
    texte: str


class MapView(TypedDict):
    """Where a place and the person's commune are on the map of the Lot, and the same in words."""

    lieu: tuple[float, float]
    commune: tuple[float, float]
    legende: str
    texte: str


class DeskView(TypedDict):
    """Where to knock; ``plages`` are the hours in the OpenStreetMap syntax, to tell again later whether it is open."""

    nom: str
    telephones: list[Link]
    adresse: list[str]
    courriels: list[Link]
    sites: list[Link]
    formulaires: list[Link]
    horaires: list[str]
    plages: str
    ouverture: OpeningView | None
    fermetures: list[str]
    distance: str
    itineraire: str
    plan: MapView | None
    source: str
    aussi: list[list[Link]]


class FactView(TypedDict):
    """One fact: its name, its words, and whether it may have changed since its source."""

    nom: str
    texte: list[Link]
    a_confirmer: bool


class CardView(TypedDict):
    """One door."""

    sujet: str
    porte: str
    service: str
    etape: str
    precisions: list[list[Link]]
    apporter: list[str]
    guichet: DeskView
    derriere: DeskView | None
    faits: list[FactView]
    inconnu: str
    origine: Link | None
    verifie: str
    lien: Link | None
    pourquoi: str
    aujourdhui: str
    a_confirmer: list[str]
    fiche: str
    code: str


class ChoiceView(TypedDict):
    """One button."""

    id: str
    libelle: str


class CourtesyView(TypedDict):
    """What is said in another language."""

    langue: str
    sens: str
    phrases: list[list[Link]]


class ReplyView(TypedDict):
    """One answer; each phrase is a list of runs, so that numbers and addresses can be links.

    ``evenement`` names the life event whose doors the cards are, to draw as one list to tick; empty otherwise.
    ``question`` is asked of the ``choix`` beside a card; they come before it when ``choix_dabord``, after it otherwise.
    ``avis`` says whether the person is asked if it helped: only when a door was given, and never in an emergency.
    """

    courtoisie: CourtesyView | None
    appels: list[CallView]
    consigne: str
    phrases: list[list[Link]]
    cartes: list[CardView]
    evenement: str
    choix: list[ChoiceView]
    question: str
    choix_dabord: bool
    invitation: str
    avis: bool


def reply_view(reply: Reply, now: datetime) -> ReplyView:
    """Return what the page shows of a reply.

    Args:
        reply: what the assistant says.
        now: to tell whether a desk is open.
    """
    return {
        "courtoisie": _courtesy(reply.courtesy) if reply.courtesy else None,
        "appels": [call_view(c) for c in reply.calls],
        "consigne": typeset(reply.instruction),
        "phrases": [runs(p) for p in sentences(_lead(reply))],
        "cartes": [card_view(c, now) for c in reply.cards],
        "evenement": typeset(reply.event),
        "choix": [{"id": c.id, "libelle": typeset(c.label)} for c in reply.choices],
        "question": typeset(reply.question),
        "choix_dabord": reply.steps,
        "invitation": typeset(reply.invitation),
        "avis": bool(reply.cards) and not reply.calls,
    }


def at_present(view: ReplyView, now: datetime) -> ReplyView:
    """Return a reply drawn earlier with what changes with the clock: whether a desk is open."""
    cards = [{**card, "guichet": {**card["guichet"], "ouverture": _opening(card["guichet"]["plages"], now)}} for card in view["cartes"]]
    return {**view, "cartes": cards}  # type: ignore[typeddict-item]


def _courtesy(said: Courtesy) -> CourtesyView:
    return {"langue": said.language, "sens": said.direction, "phrases": [runs(s, french=False) for s in said.sentences]}


def _opening(hours: str, now: datetime) -> OpeningView | None:
    found = opening_now(hours, now)
    return {"ouvert": found[0], "texte": typeset(found[1])} if found else None


def typeset(text: str) -> str:
    """Put the no-break spaces of French: before ? ! : ; and », after «, inside hours and phone numbers."""
    text = _BEFORE.sub(NO_BREAK, _AFTER.sub(NO_BREAK, text))
    return _TIED.sub(lambda match: match.group().replace(" ", NO_BREAK), text)


def spaces_made_plain(text: str) -> str:
    """Take the no-break spaces out: for what leaves the page."""
    return text.replace(NO_BREAK, " ")


def sentences(text: str) -> list[str]:
    """Split a text into sentences, for one idea a line."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def runs(sentence: str, french: bool = True) -> list[Link]:
    """Cut a sentence into plain words, phone numbers and web addresses; French ones get their no-break spaces."""
    set_words = typeset if french else str
    found: list[Link] = []
    end = 0
    for match in _LINKABLE.finditer(sentence):
        if match.start() > end:
            found.append({"texte": set_words(sentence[end : match.start()]), "href": ""})
        href = telephone(match.group()) if match.lastgroup == "tel" else match.group()
        found.append({"texte": typeset(match.group()), "href": href})
        end = match.end()
    if end < len(sentence):
        found.append({"texte": set_words(sentence[end:]), "href": ""})
    return found


def telephone(number: str) -> str:
    """Return the ``tel:`` address of a number as French people write it."""
    digits = re.sub(r"\D", "", number)
    return f"tel:+33{digits[1:]}" if len(digits) == 10 and digits.startswith("0") else f"tel:{digits}"


def spoken_number(number: str) -> str:
    """Space the digits of a long short number: "116000" reads "116 000"."""
    return f"{number[:3]} {number[3:]}" if len(number) == 6 else number


def _lead(reply: Reply) -> str:
    """Return the words of a reply that its only card does not already say; a list keeps its lines."""
    text = " ".join(reply.text.split())
    for card in reply.cards if len(reply.cards) == 1 else ():
        for said in (card.text, " ".join(card.sentences)):
            said = " ".join(said.split())
            if said and text.startswith(said):
                return text[len(said) :].strip()
    return reply.text


def call_view(call: EmergencyCall) -> CallView:
    scheme = "sms:" if call.sms else "tel:"
    return {"numero": typeset(spoken_number(call.number)), "nom": typeset(call.name), "href": f"{scheme}{call.number}"}


def card_view(card: Card, now: datetime) -> CardView:
    """Return the parts of one card."""
    first, *others = card.sentences or ("",)
    warnings = [typeset(card.contact.dated) or TO_CONFIRM] if card.contact.to_confirm else []
    if card.to_validate:
        warnings.append(TO_VALIDATE)
    door, service = _capital(card.delegation), _capital(card.service)
    return {
        "sujet": typeset(card.topic),
        "porte": typeset(door),
        "service": "" if service == door else typeset(service),
        "etape": typeset(_capital(_without_prefix(first, (card.service, card.delegation)))),
        "precisions": [runs(s) for s in (*others, *card.associated)],
        "apporter": [typeset(_capital(item)) for item in card.bring],
        "guichet": desk_view(card.contact, now, card.link[1] if card.link else ""),
        "derriere": desk_view(card.behind, now) if card.behind else None,
        "faits": [_fact_view(fact) for fact in card.facts],
        "inconnu": typeset(card.unknown),
        "origine": _origin_view(card),
        "verifie": typeset(french_date(card.checked)) if card.checked else "",
        "lien": {"texte": typeset(card.link[0]), "href": card.link[1]} if card.link and _safe(card.link[1]) else None,
        "pourquoi": typeset(_why(card)),
        "aujourdhui": typeset(card.today),
        "a_confirmer": warnings,
        "fiche": _sheet(card),
        "code": door_code(card.topic_id, card.commune, card.needs) if card.topic_id else "",
    }


def _sheet(card: Card) -> str:
    """Return the address of the page of a card, with the commune its desk depends on and the needs; empty when it is no topic's."""
    known = urlencode({name: value for name, value in (("commune", card.commune), ("besoins", card.needs)) if value})
    return f"/fiche/{card.topic_id}{'?' if known else ''}{known}" if card.topic_id else ""


def _fact_view(fact: Fact) -> FactView:
    words: list[Link] = [{"texte": typeset(fact.text), "href": fact.url}] if fact.url else runs(fact.named_text)
    return {"nom": typeset(fact.name), "texte": words, "a_confirmer": fact.to_confirm}


def _origin_view(card: Card) -> Link | None:
    """Return where the facts come from, with the official sheet unless the card's own link leads there."""
    if card.origin is None or not (card.facts or card.origin.url):
        return None
    known = card.link is not None and card.link[1] == card.origin.url
    return {"texte": typeset(_capital(card.origin.text)), "href": "" if known else card.origin.url}


def _why(card: Card) -> str:
    if card.because:
        return f"Vous avez écrit : « {card.because.strip()} »."
    return f"J'ai compris : « {card.topic} »." if card.topic else ""


def desk_view(contact: Contact, now: datetime, shown: str = "") -> DeskView:
    """Return a desk.

    Args:
        contact: from the referential.
        now: to tell whether it is open.
        shown: address of a link shown elsewhere, left out here.
    """
    return {
        "nom": typeset(contact.name),
        "telephones": [{"texte": typeset(p), "href": telephone(p)} for p in contact.phones],
        "adresse": list(contact.address),
        "courriels": [{"texte": e, "href": f"mailto:{e}"} for e in contact.emails],
        "sites": [{"texte": label, "href": url} for label, url in contact.websites if url != shown and _safe(url)],
        "formulaires": [{"texte": CONTACT_FORM, "href": url} for url in contact.forms if _safe(url)],
        "horaires": [typeset(line) for line in readable_hours(contact.hours)],
        "plages": contact.hours,
        "ouverture": _opening(contact.hours, now),
        "fermetures": [typeset(closure_sentence(c.du, c.au, c.motif)) for c in contact.closures if c.au >= now.date()],
        "distance": typeset(contact.distance),
        "itineraire": _geo(contact),
        "plan": _map(contact),
        "source": typeset(f"Source : {contact.source}.") if contact.source else "",
        "aussi": [runs(line) for line in contact.also],
    }


def _geo(contact: Contact) -> str:
    """Return the address that opens the place in the person's own map (RFC 5870), empty when its position is not known."""
    position = contact.nearby.place.position if contact.nearby else None
    return "geo:{0},{1}?q={0},{1}({2})".format(*position, quote(contact.name)) if position else ""


def _map(contact: Contact) -> MapView | None:
    nearby = contact.nearby
    if nearby is None or nearby.home is None or nearby.place.position is None:
        return None
    if nearby.km is None:
        place = legend = f"{contact.name} dans le Lot"
    else:
        way = heading(nearby.home, nearby.place.position)
        place = f"{contact.name} est {way} {of_place(contact.commune)}"
        legend = f"Point plein : {contact.name}. Cercle : {contact.commune}."
    return {
        "lieu": on_map(nearby.place.position),
        "commune": on_map(nearby.home),
        "legende": typeset(legend),
        "texte": f"Carte du Lot : {place}.",
    }


def _safe(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _without_prefix(sentence: str, names: tuple[str, ...]) -> str:
    for name in names:
        prefix = f"{_capital(name)} : "
        if sentence.startswith(prefix):
            return sentence[len(prefix) :]
    return sentence


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
