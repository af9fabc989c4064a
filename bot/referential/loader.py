"""Load the referential and report every mistake at once, in French, with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.base.errors import Problem, ReferentialError
from bot.base.yaml_lines import LocatedYaml, load_located
from bot.referential.directory import FOLDER, Directory
from bot.referential.models import (
    FACT_KINDS,
    AgeLimit,
    Closure,
    ConversationAct,
    Delegation,
    EmergencyNumber,
    EmergencySituation,
    EntryPoint,
    ForeignDoor,
    ForeignLanguage,
    GlossaryEntry,
    Menu,
    Need,
    Referential,
    Service,
    Topic,
)

AGED = {"sujet", "guichet", "formulaire", *FACT_KINDS}
"""Kinds of fact that have an age limit."""
ARRONDISSEMENTS = ("Cahors", "Figeac", "Gourdon")

Record = TypeVar("Record", bound=BaseModel)

FRENCH_REASONS = {
    "value_error.missing": "le champ « {champ} » manque",
    "value_error.extra": "le champ « {champ} » n'existe pas : corrigez son nom ou retirez-le",
    "value_error.str.regex": "la valeur de « {champ} » n'a pas la forme attendue",
    "value_error.number.not_ge": "« {champ} » est trop petit",
    "value_error.number.not_le": "« {champ} » est trop grand",
    "type_error.integer": "« {champ} » doit être un nombre entier",
    "value_error.date": "« {champ} » doit être une date, par exemple 2026-11-24",
    "value_error.any_str.min_length": "« {champ} » est vide ou trop court",
    "type_error.enum": "« {champ} » a une valeur inconnue",
    "type_error.bool": "« {champ} » doit valoir true ou false",
    "type_error.str": "« {champ} » doit être du texte (mettez des guillemets)",
    "type_error.tuple": "« {champ} » doit être une liste",
    "type_error.none.not_allowed": "« {champ} » est vide",
}


class _Collector:
    """Reads files one after the other and keeps every problem met."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.documents: dict[str, LocatedYaml | None] = {}
        self.places: dict[tuple[str, str], tuple[LocatedYaml, tuple[Any, ...]]] = {}

    def records(self, name: str, key: str, model: type[Record], extra: dict[str, Any] | None = None) -> Iterator[Record]:
        document = self._document(name)
        if document is None:
            return
        rows = document.data.get(key) if isinstance(document.data, dict) else None
        if not isinstance(rows, list):
            self.problems.append(document.problem((), f"la liste « {key}: » manque."))
            return
        for index, row in enumerate(rows):
            path = (key, index)
            if not isinstance(row, dict):
                self.problems.append(document.problem(path, "chaque entrée doit être une fiche « clé: valeur »."))
                continue
            try:
                record = model(**{**row, **(extra or {})})
            except ValidationError as error:
                self._explain(document, path, error)
                continue
            except TypeError:
                self.problems.append(document.problem(path, "une clé de cette fiche n'est pas du texte."))
                continue
            identifier = getattr(record, "id", None) or getattr(record, "numero", None) or getattr(record, "terme", "")
            place = (model.__name__, str(identifier))
            if place in self.places:
                other, other_path = self.places[place]
                self.problems.append(
                    document.problem(
                        path,
                        f"« {identifier} » existe déjà ({other.fichier}:{other.line(other_path)}). Gardez une seule fiche.",
                    )
                )
                continue
            self.places[place] = (document, path)
            yield record

    def _document(self, name: str) -> LocatedYaml | None:
        """Read a file once, whatever the number of lists taken from it; its problems are kept once too."""
        if name not in self.documents:
            read = load_located(self.folder / name, f"data/referentiel/{name}")
            self.documents[name] = None if isinstance(read, tuple) else read
            if isinstance(read, tuple):
                self.problems.extend(read)
        return self.documents[name]

    def _explain(self, document: LocatedYaml, path: tuple[Any, ...], error: ValidationError) -> None:
        for item in error.errors():
            location = tuple(item["loc"])
            field = next(str(part) for part in reversed(location) if not isinstance(part, int))  # not the rank in a list
            template = FRENCH_REASONS.get(item["type"], "« {champ} » a une valeur incorrecte")
            self.problems.append(document.problem((*path, *location), template.format(champ=field) + "."))

    def at(self, model: type[BaseModel], identifier: str, field: str, message: str) -> None:
        document, path = self.places[(model.__name__, identifier)]
        self.problems.append(document.problem((*path, field), message))


def load_referential(folder: Path) -> Referential:
    """Load and check the whole referential.

    Args:
        folder: ``data/referentiel``.

    Returns:
        The immutable :class:`Referential`.

    Raises:
        ReferentialError: with every problem found in any file.
    """
    collector = _Collector(folder)
    delegations = {d.id: d for d in collector.records("delegations.yml", "delegations", Delegation)}
    services = {s.id: s for s in collector.records("services.yml", "services", Service)}
    entry_points = {e.id: e for e in collector.records("guichets.yml", "guichets", EntryPoint)}
    acts = {a.id: a for name in ("conversation.yml", "evenements.yml") for a in collector.records(name, "actes", ConversationAct)}
    closures = tuple(collector.records("fermetures.yml", "fermetures", Closure))
    for closure in closures:
        if closure.au < closure.du:
            collector.at(Closure, closure.id, "au", "le dernier jour vient avant le premier.")
    needs = {n.id: n for n in collector.records("besoins.yml", "besoins", Need)}
    languages = {x.id: x for x in collector.records("portes_langues.yml", "langues", ForeignLanguage)}
    foreign_doors = {d.sujet: d for d in collector.records("portes_langues.yml", "portes", ForeignDoor)}
    glossary = tuple(collector.records("glossaire.yml", "glossaire", GlossaryEntry))
    numbers = {n.numero: n for n in collector.records("urgences.yml", "numeros", EmergencyNumber)}
    situations = {s.id: s for s in collector.records("urgences.yml", "situations", EmergencySituation)}
    menus = tuple(collector.records("menus.yml", "menus", Menu))
    limits = {a.id: a for a in collector.records("fraicheur.yml", "ages", AgeLimit)}
    if not collector.problems and limits.keys() != AGED:
        said = f"il faut un âge, et un seul, pour : {', '.join(sorted(AGED))}."
        collector.problems.append(Problem("data/referentiel/fraicheur.yml", 0, said))
    topics: dict[str, Topic] = {}
    for service_id in services:
        if not (folder / "sujets" / f"{service_id}.yml").exists():
            collector.at(Service, service_id, "id", f"le fichier sujets/{service_id}.yml manque.")
            continue
        for topic in collector.records(f"sujets/{service_id}.yml", "sujets", Topic, {"service": service_id}):
            topics[topic.id] = topic
    for path in sorted((folder / "sujets").glob("*.yml")):
        if path.stem not in services:
            collector.problems.append(Problem(f"data/referentiel/sujets/{path.name}", 0, "ce fichier ne porte le nom d'aucun service."))
    _check_references(collector, delegations, services, entry_points, topics, acts, numbers, situations)
    for need in needs.values():
        if need.sans_appel and need.sans_appel.situation not in situations:
            collector.at(Need, need.id, "sans_appel", f"la situation « {need.sans_appel.situation} » n'existe pas.")
    if not collector.problems:  # a topic that cannot be read would be said unknown by all that name it
        _check_menus(collector, menus, {*delegations, *services, *topics})
        for topic_id in foreign_doors.keys() - topics.keys():
            collector.at(ForeignDoor, topic_id, "sujet", f"le sujet « {topic_id} » n'existe pas.")
        for act in acts.values():
            if act.sujet_par_defaut and act.sujet_par_defaut not in topics:
                collector.at(ConversationAct, act.id, "sujet_par_defaut", f"le sujet « {act.sujet_par_defaut} » n'existe pas.")
            for door in act.portes:
                if door.sujet not in topics:
                    collector.at(ConversationAct, act.id, "portes", f"le sujet « {door.sujet} » n'existe pas.")
    if collector.problems:
        raise ReferentialError(sorted(collector.problems, key=lambda p: (p.fichier, p.ligne)))
    return Referential(
        delegations=MappingProxyType(delegations),
        services=MappingProxyType(services),
        topics=MappingProxyType(topics),
        acts=MappingProxyType(acts),
        entry_points=MappingProxyType(entry_points),
        needs=MappingProxyType(needs),
        foreign_languages=MappingProxyType(languages),
        foreign_doors=MappingProxyType(foreign_doors),
        glossary=glossary,
        menus=menus,
        age_limits=MappingProxyType(limits),
        closures=closures,
        emergency_numbers=MappingProxyType(numbers),
        emergency_situations=MappingProxyType(situations),
        directory=Directory(folder / FOLDER),
    )


def _check_menus(collector: _Collector, menus: tuple[Menu, ...], known: set[str]) -> None:
    for menu in menus:
        if not 2 <= len(set(menu.choix)) == len(menu.choix) <= 4:
            collector.at(Menu, menu.id, "choix", "« choix » doit contenir deux à quatre valeurs différentes.")
        for identifier in menu.choix:
            if identifier not in known:
                collector.at(Menu, menu.id, "choix", f"« {identifier} » n'est ni un sujet, ni un service, ni une délégation.")
    if sum(not menu.mots for menu in menus) != 1:
        place = "data/referentiel/menus.yml"
        collector.problems.append(Problem(place, 0, "il faut un menu sans « mots » et un seul : il sert quand aucun autre ne convient."))


def _check_references(
    collector: _Collector,
    delegations: dict[str, Delegation],
    services: dict[str, Service],
    entry_points: dict[str, EntryPoint],
    topics: dict[str, Topic],
    acts: dict[str, ConversationAct],
    numbers: dict[str, EmergencyNumber],
    situations: dict[str, EmergencySituation],
) -> None:
    def known(model: type[BaseModel], owner: str, field: str, value: str, table: dict[str, Any], what: str) -> None:
        if value not in table:
            collector.at(model, owner, field, f"{what} « {value} » n'existe pas.")

    for delegation in delegations.values():
        known(Delegation, delegation.id, "guichet", delegation.guichet, entry_points, "le guichet")
    for service in services.values():
        known(Service, service.id, "delegation", service.delegation, delegations, "la délégation")
        known(Service, service.id, "guichet", service.guichet, entry_points, "le guichet")
        if service.contact_partenaire:
            known(Service, service.id, "contact_partenaire", service.contact_partenaire, entry_points, "le guichet")
    for topic in topics.values():
        if not topic.public:
            collector.at(Topic, topic.id, "public", "« public » doit contenir au moins une valeur.")
        if topic.guichet:
            known(Topic, topic.id, "guichet", topic.guichet, entry_points, "le guichet")
        for arrondissement, desk in topic.guichets_locaux.items():
            known(Topic, topic.id, "guichets_locaux", desk, entry_points, "le guichet")
            if arrondissement not in ARRONDISSEMENTS:
                collector.at(Topic, topic.id, "guichets_locaux", f"« {arrondissement} » n'est pas un arrondissement du Lot.")
        for situation_id in topic.apres_urgence:
            known(Topic, topic.id, "apres_urgence", situation_id, situations, "la situation")
        for associated in topic.services_associes:
            known(Topic, topic.id, "services_associes", associated.service, services, "le service associé")
        for old in topic.anciens_identifiants:
            if old in topics or old in acts:
                collector.at(Topic, topic.id, "anciens_identifiants", f"l'ancien nom « {old} » est encore celui d'un sujet.")
        if topic.id in acts:
            collector.at(Topic, topic.id, "id", f"« {topic.id} » est aussi le nom d'un acte de conversation.")
        owner = services.get(topic.service)
        outside = owner is not None and owner.delegation == "hors_perimetre"
        if outside and not topic.organisme:
            collector.at(Topic, topic.id, "id", "hors périmètre : le champ « organisme » doit nommer le bon organisme.")
    for situation in situations.values():
        if not situation.numeros:
            collector.at(EmergencySituation, situation.id, "numeros", "« numeros » doit contenir au moins un numéro.")
        for numero in situation.numeros:
            known(EmergencySituation, situation.id, "numeros", numero, numbers, "le numéro")
