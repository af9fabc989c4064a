"""Whether a door can be acted on: what a person may use to reach it, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from bot.language.words import read_words
from bot.referential.directory import Place
from bot.referential.models import EntryPoint, Referential, Topic

OUTSIDE = "hors_perimetre"
_TO_WRITE = re.compile(r"\b(?:[ÉéEe]crivez|(?:envoyez|adressez)(?: \w+)? (?:un courrier|une lettre|un mail|un message))\b")
_NOT_A_LETTER = re.compile(r"[ÉéEe]crivez (?:\w+ \w+ )?(?:dans|sur) ")
"""« Écrivez votre avis dans le registre »: the step itself says where."""
_HOME_PAGES = frozenset({"", "/", "/fr", "/accueil"})
_SERVICE_HOST = re.compile(r"^(?:www\.)?(?!www\.)[\w-]+\.[\w-]+(?:\.gouv)?\.fr$")
"""A site of one online service, such as ``passeport.ants.gouv.fr``: its first page is the service."""
_STATE_HOST = re.compile(r"^(?:www\.)?[\w-]+\.gouv\.fr$")
"""A site of a State body, such as ``www.lot.gouv.fr``."""
_ONE_SERVICE = frozenset(read_words("sites_un_service"))
"""Sites named like a body's that hold one service or register: their first page starts it, yet a sheet still helps."""


def is_exact(url: str) -> bool:
    """Whether an address leads to a page about something, not to the home page of a body."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    service = _SERVICE_HOST.match(host) and not _STATE_HOST.match(host)
    return parts.path.rstrip("/") not in _HOME_PAGES or bool(parts.query or service)


def exact_link(topic: Topic) -> str:
    """Return the most exact address known for a topic: its link, its form, its sheet; empty when there is none."""
    urls = (
        topic.lien.url if topic.lien else "",
        topic.faits.formulaire.url if topic.faits.formulaire else "",
        topic.fiche.url if topic.fiche else "",
    )
    return next((url for url in urls if url and (is_exact(url) or urlsplit(url).hostname in _ONE_SERVICE)), "")


def has_phone(referential: Referential, desk: EntryPoint) -> bool:
    """Whether a desk has a phone number, its own or that of its place; for a sort of place, wherever the person lives."""
    places = _places(referential, desk)
    return bool(desk.telephone) or (bool(places) and all(place.telephone for place in places))


def can_write_to(referential: Referential, desk: EntryPoint) -> bool:
    """Whether a desk has a postal address, an e-mail or a contact form, its own or its place's."""
    places = _places(referential, desk)
    mail = desk.adresse_courriel or desk.formulaire_contact or (bool(places) and all(place.adresse or place.courriel for place in places))
    return bool(mail) or has_address(referential, desk)


def has_address(referential: Referential, desk: EntryPoint) -> bool:
    """Whether a desk has a postal address, a postcode at least, its own or its place's; for a sort of place, wherever one lives."""
    places = _places(referential, desk)
    return bool(desk.adresse) or (bool(places) and all(place.code_postal for place in places))


def can_reach(referential: Referential, desk: EntryPoint) -> bool:
    """Whether a person can reach a desk at all."""
    return bool(desk.site_internet) or has_phone(referential, desk) or can_write_to(referential, desk)


def _places(referential: Referential, desk: EntryPoint) -> tuple[Place, ...]:
    """Return the place of a desk in the directory, or all of its sort when it depends on the commune."""
    name, directory = desk.x_ose.annuaire, referential.directory
    if not name:
        return ()
    return (directory.places[name],) if name in directory.places else directory.of_type(name)


def door_problems(referential: Referential, topic: Topic) -> tuple[str, ...]:
    """Return what keeps a person from acting on the door of a topic, as French sentences; empty when nothing does."""
    desks = desks_of(referential, topic)
    if not any(can_reach(referential, desk) for desk in desks) and not (topic.lien or exact_link(topic)):
        return ("aucun moyen d'agir : ni téléphone, ni adresse, ni courriel, ni lien",)
    link = topic.lien is not None and is_exact(topic.lien.url)
    where_to_write = any(can_write_to(referential, desk) for desk in desks) or link or topic.faits.formulaire
    asks = [s for s in _steps(topic) if _TO_WRITE.search(s) and not _NOT_A_LETTER.search(s)]
    return tuple(f"« {step} » ne dit pas où écrire" for step in asks if not where_to_write)


def desks_of(referential: Referential, topic: Topic) -> tuple[EntryPoint, ...]:
    """Return the desks a card shows: who receives and, for a State service, the single entry behind."""
    first, delegation = referential.entry_point_of(topic.id), referential.delegation_of(topic.id)
    return (first,) if delegation.id == OUTSIDE else (first, referential.entry_points[delegation.guichet])


def _steps(topic: Topic) -> Iterable[str]:
    yield from (topic.premier_geste, *topic.precisions)
    if topic.partenaire:
        yield from (topic.partenaire.premier_geste, *topic.partenaire.precisions)
