"""Whether a door can be acted on: what a person may use to reach it, and what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

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
    return next((url for url in urls if url and is_exact(url)), "")


def can_write_to(desk: EntryPoint) -> bool:
    """Whether a desk has a postal address, an e-mail or a contact form."""
    return bool(desk.adresse or desk.adresse_courriel or desk.formulaire_contact)


def can_reach(desk: EntryPoint) -> bool:
    """Whether a person can reach a desk at all."""
    return bool(desk.telephone or desk.site_internet) or can_write_to(desk)


def door_problems(referential: Referential, topic: Topic) -> tuple[str, ...]:
    """Return what keeps a person from acting on the door of a topic, as French sentences; empty when nothing does."""
    desks = desks_of(referential, topic)
    if not any(map(can_reach, desks)) and not (topic.lien or exact_link(topic)):
        return ("aucun moyen d'agir : ni téléphone, ni adresse, ni courriel, ni lien",)
    link = topic.lien is not None and is_exact(topic.lien.url)
    where_to_write = any(map(can_write_to, desks)) or link or topic.faits.formulaire
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
