"""The referential as partners read it: built once per referential, kept ready to send with its tag and its gzip."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.dialogue.facts import facts_of, link_origin, origin_of, unknown_of
from bot.dialogue.orientation import associated_as_json, contact_as_json, fact_as_json, origin_as_json
from bot.dialogue.wording import Writer
from bot.referential import Delegation, EntryPoint, Referential, Service, Topic
from bot.referential.communes import Gazetteer

if TYPE_CHECKING:
    from bot.dialogue.dialogue import Dialogue


@dataclass(frozen=True)
class Document:
    """A JSON text ready to send.

    Args:
        body: UTF-8.
        zipped: the same, gzipped.
        tag: hash of the body.
    """

    body: bytes
    zipped: bytes
    tag: str

    @classmethod
    def of(cls, value: Any) -> Document:
        """Return the document of a plain value."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:32])


@dataclass(frozen=True)
class Catalogue:
    """Every document made of one referential.

    Args:
        referential: where all comes from; another one needs another catalogue.
        whole: all of it.
        desks: the entry points alone.
        topics: one document per topic.
    """

    referential: Referential
    whole: Document
    desks: Document
    topics: Mapping[str, Document]


def build_catalogue(dialogue: Dialogue) -> Catalogue:
    """Return the catalogue of the dialogue's referential."""
    referential, writer = dialogue.referential, dialogue.writer
    delegations = {d.id: _delegation(d) for d in referential.delegations.values()}
    services = {s.id: _service(s) for s in referential.services.values()}
    desks = {e.id: _desk(e, writer) for e in referential.entry_points.values()}
    topics = {t.id: _topic(t, referential) for t in referential.topics.values()}
    content = {
        "delegations": list(delegations.values()),
        "services": list(services.values()),
        "sujets": list(topics.values()),
        "guichets": list(desks.values()),
        "glossaire": [{"terme": g.terme, "sigle": g.sigle, "clair": g.clair, "aussi": list(g.aussi)} for g in referential.glossary],
        "urgences": [{"numero": n.numero, "nom": n.nom, "sens": n.sens} for n in referential.emergency_numbers.values()],
        "communes": _communes(dialogue.router.gazetteer),
    }
    version = Document.of(content).tag[:12]
    sheets = {
        t["id"]: Document.of(
            {
                "version": version,
                "sujet": t,
                "delegation": delegations[t["dis"]],
                "service": services[t["service"]],
                "guichet": desks[t["guichet"]],
            }
        )
        for t in topics.values()
    }
    return Catalogue(
        referential,
        Document.of({"version": version, **content}),
        Document.of({"version": version, "guichets": list(desks.values())}),
        sheets,
    )


def _delegation(delegation: Delegation) -> dict[str, Any]:
    return {
        "id": delegation.id,
        "nom": delegation.nom,
        "nom_clair": delegation.nom_clair,
        "mission": delegation.mission,
        "guichet": delegation.guichet,
        **_checked(delegation),
    }


def _service(service: Service) -> dict[str, Any]:
    return {
        "id": service.id,
        "dis": service.delegation,
        "nom": service.nom,
        "sigle": service.sigle,
        "nom_clair": service.nom_clair,
        "nom_actuel": service.nom_actuel,
        "date_bascule": service.date_bascule,
        "anciens_noms": list(service.anciens_noms),
        "guichet": service.guichet,
        "contact_partenaire": service.contact_partenaire or None,
        **_checked(service),
    }


def _topic(topic: Topic, referential: Referential) -> dict[str, Any]:
    service = referential.services[topic.service]
    advice = topic.partenaire
    return {
        "id": topic.id,
        "libelle": topic.libelle,
        "dis": service.delegation,
        "service": topic.service,
        "public": [audience.value for audience in topic.public],
        "premier_geste": topic.premier_geste,
        "precisions": list(topic.precisions),
        "a_apporter": list(topic.a_apporter),
        "partenaire": {
            "premier_geste": advice.premier_geste,
            "precisions": list(advice.precisions),
            "a_apporter": list(advice.a_apporter),
        }
        if advice
        else None,
        "services_associes": associated_as_json(referential, topic.id),
        "lien": {"libelle": topic.lien.libelle, "url": topic.lien.url} if topic.lien else None,
        "origine_lien": origin_as_json(link) if (link := link_origin(topic)) else None,
        "inconnu": unknown_of(topic, topic.a_apporter),
        "faits": [fact_as_json(fact) for fact in facts_of(topic)],
        "origine": origin_as_json(origin_of(topic)),
        "organisme": topic.organisme,
        "guichet": referential.entry_point_of(topic.id).id,
        "nom_actuel": topic.nom_actuel or service.nom_actuel,
        **_checked(topic),
    }


def _desk(desk: EntryPoint, writer: Writer) -> dict[str, Any]:
    return {
        "id": desk.id,
        "sigle": desk.sigle,
        **contact_as_json(writer.contact(desk)),
        "dis": desk.x_ose.dis,
        "service": desk.x_ose.service,
        "guichet_unique": desk.x_ose.guichet_unique,
        "zone": list(desk.x_ose.zone),
        "verifie_le": desk.x_ose.verifie_le.isoformat() if desk.x_ose.verifie_le else None,
    }


def _checked(record: Delegation | Service | Topic) -> dict[str, Any]:
    return {"source": record.source, "verifie_le": record.verifie_le.isoformat(), "a_valider": record.a_valider}


def _communes(gazetteer: Gazetteer) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for place in gazetteer.in_lot():
        row = found.setdefault(
            place.code_insee,
            {"code_insee": place.code_insee, "nom": place.nom, "arrondissement": place.arrondissement, "autres_noms": [], "homonymes": []},
        )
        if place.ancien_nom:
            row["autres_noms"].append(place.ancien_nom)
        else:
            row["homonymes"] = list(place.departements_homonymes)
    return sorted(found.values(), key=lambda row: str(row["code_insee"]))
