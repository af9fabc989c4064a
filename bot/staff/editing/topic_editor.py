"""Create, change, rename, merge, move and retire topics: the referential and the corpus always change together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.dialogue.facts import NAMES as fact_names
from bot.language.cleaning import strip_accents
from bot.language.words import read_words
from bot.referential import Topic
from bot.referential.loader import FRENCH_REASONS
from bot.staff.editing.conflicts import merged, version_of
from bot.staff.editing.corpus_editor import (
    append_intent,
    files_of,
    insert_phrases,
    phrases_in,
    refuse_known,
    remove_intent,
    rename_intent,
    tidy_phrases,
)
from bot.staff.editing.workspace import Change, Draft, Workspace, unique
from bot.staff.editing.yaml_records import RecordFile, record_text

TOPICS = "sujets"
FIELDS = (
    "libelle", "public", "premier_geste", "precisions", "a_apporter", "lien", "fiche", "faits", "services_associes",
    "organisme", "guichet", "nom_actuel", "partenaire", "refs", "source", "verifie_le", "a_valider",
)  # fmt: skip
"""What a person may set, in the order of the files."""
_ID = re.compile(r"^[a-z][a-z0-9_]{2,60}$")
_SMALL_WORDS = frozenset(read_words("petits_mots"))


@dataclass(frozen=True)
class TopicSheet:
    """A topic as it stands in its file.

    Args:
        id: of the topic.
        service: whose file holds it.
        values: plain values of its record.
        version: to send back with a change.
    """

    id: str
    service: str
    values: Mapping[str, Any]
    version: str


class TopicEditor:
    """The topics of a tree.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._paths = paths
        self._workspace = Workspace(paths)

    def read(self, topic: str) -> TopicSheet:
        """Return a topic as it is written now.

        Raises:
            EditError: it does not exist.
        """
        return self._sheet(Draft(self._paths.root), topic)

    def create(self, topic: str, service: str, values: Mapping[str, Any], phrases: Sequence[str], author: str) -> Change:
        """Create a topic with its messages.

        Args:
            topic: new id, see :func:`suggest_id`.
            service: id of the service that answers.
            values: fields of :data:`FIELDS`.
            phrases: messages, free of personal data.
            author: name of the person.

        Raises:
            EditError: something is missing or wrong; nothing is written.
        """
        if not _ID.match(topic):
            raise EditError("L'identifiant s'écrit en minuscules sans accent, avec des « _ », et commence par une lettre.")
        fields = _checked_fields(topic, service, values)
        with self._change(author, f"Nouveau sujet « {fields['libelle']} » ({topic})", "sujet_cree", topic) as (draft, done):
            if self._taken(draft, topic):
                raise EditError(f"L'identifiant « {topic} » est déjà pris.")
            path = self._file(service)
            if not draft.exists(path):
                raise EditError(f"Le service « {service} » n'existe pas.")
            records = RecordFile(draft.read(path), TOPICS)
            records.add({"id": topic, **fields})
            draft.write(path, records.text())
            tidy = tidy_phrases(phrases)
            corpus = self._corpus_file(service)
            before = draft.read(corpus) if draft.exists(corpus) else ""
            if tidy:
                refuse_known(self._paths, topic, tidy)
                draft.write(corpus, append_intent(before, topic, tidy))
        return done[0]

    def edit(self, topic: str, values: Mapping[str, Any], version: str, author: str) -> Change | None:
        """Change fields of a topic; returns ``None`` when nothing differs.

        Args:
            topic: its id.
            values: fields of :data:`FIELDS`; those left out stay.
            version: of the sheet the person read.
            author: name of the person.

        Raises:
            EditConflict: someone else changed this topic meanwhile.
            EditError: a value is wrong.
        """
        with self._change(author, f"Sujet « {topic} » modifié", "sujet_modifie", topic) as (draft, done):
            sheet = self._sheet(draft, topic)
            before, link = sheet.values.get("lien"), values.get("lien")
            if before and link and before["url"] == link.get("url"):  # where it was read holds as long as the address does
                values = {**values, "lien": {**before, **link}}
            wanted = {**{k: v for k, v in sheet.values.items() if k != "id"}, **merged(version, sheet.values, values, FIELDS)}
            fields = _checked_fields(topic, sheet.service, wanted)
            path = self._file(sheet.service)
            records = RecordFile(draft.read(path), TOPICS)
            removed = {name: None for name in FIELDS if name in sheet.values and name not in fields}
            fields.update(
                {
                    name: _instead(sheet.values[name], fields[name])
                    for name in ("lien", "fiche", "faits")
                    if name in fields.keys() & sheet.values
                }
            )
            records.set(topic, {**fields, **removed})
            draft.write(path, records.text())
        return done[0] if done else None

    def rename(self, topic: str, new: str, author: str) -> Change:
        """Give a topic another id; the old one stays known as an alias, for models and labels made before.

        Raises:
            EditError: ``new`` will not do or is taken.
        """
        if not _ID.match(new):
            raise EditError("L'identifiant s'écrit en minuscules sans accent, avec des « _ », et commence par une lettre.")
        with self._change(author, f"Sujet « {topic} » renommé « {new} »", "sujet_renomme", topic) as (draft, done):
            sheet = self._sheet(draft, topic)
            if new not in sheet.values.get("anciens_identifiants", []) and self._taken(draft, new):
                raise EditError(f"L'identifiant « {new} » est déjà pris.")
            path = self._file(sheet.service)
            records = RecordFile(draft.read(path), TOPICS)
            old_names = [n for n in sheet.values.get("anciens_identifiants", []) if n != new]
            records.set(topic, {"id": new, "anciens_identifiants": [*old_names, topic]})
            draft.write(path, records.text())
            for corpus in files_of(self._paths, draft, topic):
                draft.write(corpus, rename_intent(draft.read(corpus), topic, new))
            self._relink_menus(draft, topic, new, sheet.service)
            self._relabel_tuning(draft, topic, new)
        return done[0]

    def merge(self, source: str, target: str, author: str) -> Change:
        """Put the messages of ``source`` into ``target``, and remove ``source``; its id stays known as an alias.

        Raises:
            EditError: one of them does not exist, or they are the same.
        """
        if source == target:
            raise EditError("Choisissez deux sujets différents.")
        with self._change(author, f"Sujet « {source} » fusionné dans « {target} »", "sujet_fusionne", source) as (draft, done):
            gone, kept = self._sheet(draft, source), self._sheet(draft, target)
            phrases = self._take_intent(draft, source)
            known = {p for path in files_of(self._paths, draft, target) for p in phrases_in(draft.read(path), target)}
            new = [phrase for phrase in phrases if phrase not in known]
            last = files_of(self._paths, draft, target)
            if last and new:
                draft.write(last[-1], insert_phrases(draft.read(last[-1]), target, new))
            self._remove_record(draft, gone)
            path = self._file(kept.service)
            records = RecordFile(draft.read(path), TOPICS)
            names = [*kept.values.get("anciens_identifiants", []), *gone.values.get("anciens_identifiants", []), source]
            records.set(target, {"anciens_identifiants": list(unique(names))})
            draft.write(path, records.text())
            self._relink_menus(draft, source, target, kept.service)
            self._relabel_tuning(draft, source, target)
        return done[0]

    def move(self, topic: str, service: str, author: str) -> Change:
        """Give a topic to another service.

        Raises:
            EditError: no such service, or it has it already.
        """
        with self._change(author, f"Sujet « {topic} » confié au service « {service} »", "sujet_confie", topic) as (draft, done):
            sheet = self._sheet(draft, topic)
            if sheet.service == service or not draft.exists(self._file(service)):
                raise EditError("Choisissez un autre service, qui existe.")
            self._remove_record(draft, sheet)
            target = RecordFile(draft.read(self._file(service)), TOPICS)
            target.add(sheet.values)
            draft.write(self._file(service), target.text())
            phrases = self._take_intent(draft, topic)
            if phrases:
                corpus = self._corpus_file(service)
                draft.write(corpus, append_intent(draft.read(corpus) if draft.exists(corpus) else "", topic, phrases))
        return done[0]

    def retire(self, topic: str, reason: str, author: str, today: date) -> Change:
        """Take a topic out of the routing at once; its record and messages are kept in ``data/retires``.

        Args:
            topic: its id.
            reason: why, in French; kept with it.
            author: name of the person.
            today: date written with it.

        Raises:
            EditError: no reason given, or no such topic.
        """
        if len(reason.strip()) < 10:
            raise EditError("Dites en une phrase pourquoi ce sujet est retiré.")
        with self._change(author, f"Sujet « {topic} » retiré", "sujet_retire", topic) as (draft, done):
            sheet = self._sheet(draft, topic)
            phrases = self._take_intent(draft, topic)
            self._remove_record(draft, sheet)
            self._relink_menus(draft, topic, sheet.service, sheet.service)
            kept = {
                "retire_le": today,
                "par": author,
                "motif": " ".join(reason.split()),
                "service": sheet.service,
                "fiche": dict(sheet.values),
                "phrases": list(phrases),
            }
            draft.write(self._retired_file(topic), record_text(kept))
        return done[0]

    @contextmanager
    def _change(self, author: str, summary: str, action: str, topic: str) -> Iterator[tuple[Draft, list[Change]]]:
        done: list[Change] = []
        with self._workspace.editing(author, summary, done, action, topic) as draft:
            yield draft, done

    def _sheet(self, draft: Draft, topic: str) -> TopicSheet:
        for path in self._topic_files():
            text = draft.read(path)
            if not re.search(rf"^- id: [\"']?{re.escape(topic)}\b", text, re.MULTILINE):
                continue  # reading a whole file takes time: only the right one is read
            records = RecordFile(text, TOPICS)
            if topic in records.ids():
                values = records.get(topic)
                return TopicSheet(topic, path.stem, values, version_of(values, FIELDS))
        raise EditError(f"Le sujet « {topic} » n'existe pas, ou plus.")

    def _taken(self, draft: Draft, topic: str) -> bool:
        """Whether an id names a topic, or once did: what was written before must not lead elsewhere."""
        if draft.exists(self._retired_file(topic)):
            return True
        former = re.compile(rf"^  anciens_identifiants: .*\b{re.escape(topic)}\b", re.MULTILINE)
        if any(former.search(draft.read(p)) for p in self._topic_files()):
            return True
        pattern = re.compile(rf"^- id: [\"']?{re.escape(topic)}[\"']?\s*$", re.MULTILINE)
        return bool(files_of(self._paths, draft, topic)) or any(pattern.search(draft.read(p)) for p in self._topic_files())

    def _topic_files(self) -> list[Path]:
        return sorted((self._paths.referential / "sujets").glob("*.yml"))

    def _file(self, service: str) -> Path:
        return self._paths.referential / "sujets" / f"{service}.yml"

    def _corpus_file(self, service: str) -> Path:
        return self._paths.corpus / f"{service}.yml"

    def _retired_file(self, topic: str) -> Path:
        return self._paths.retired / f"{topic}.yml"

    def _remove_record(self, draft: Draft, sheet: TopicSheet) -> None:
        path = self._file(sheet.service)
        records = RecordFile(draft.read(path), TOPICS)
        records.remove(sheet.id)
        draft.write(path, records.text())

    def _take_intent(self, draft: Draft, topic: str) -> tuple[str, ...]:
        taken: list[str] = []
        for path in files_of(self._paths, draft, topic):
            taken.extend(phrases_in(draft.read(path), topic))
            rest = remove_intent(draft.read(path), topic)
            if rest:
                draft.write(path, rest)
            else:
                draft.delete(path)
        return tuple(taken)

    def _relink_menus(self, draft: Draft, old: str, new: str, service: str) -> None:
        """Menus offer topics by id; one that would offer a single choice offers the service too."""
        self._relink_events(draft, old, "" if new == service else new)
        self._relink_foreign(draft, old, "" if new == service else new)
        path = self._paths.referential / "menus.yml"
        if not draft.exists(path) or not re.search(rf"\b{re.escape(old)}\b", draft.read(path)):
            return
        records = RecordFile(draft.read(path), "menus")
        for menu in records.ids():
            choices = records.get(menu).get("choix") or []
            if old in choices:
                changed = unique([new if c == old else c for c in choices])
                records.set(menu, {"choix": list(changed if len(changed) > 1 else unique([*changed, service]))})
        draft.write(path, records.text())

    def _relink_events(self, draft: Draft, old: str, new: str) -> None:
        """Life events name topics, one door a line; a door whose topic is gone, or already there, leaves."""
        path = self._paths.referential / "evenements.yml"
        if not draft.exists(path):
            return
        door = re.compile(rf"sujet: {re.escape(old)}\b")
        kept: list[str] = []
        for line in draft.read(path).splitlines(keepends=True):
            changed = door.sub(f"sujet: {new}", line)
            event = "".join(kept).rpartition("- id:")[2]
            if changed == line or (new and not re.search(rf"sujet: {re.escape(new)}\b", event)):
                kept.append(changed)
        draft.write(path, "".join(kept))

    def _relink_foreign(self, draft: Draft, old: str, new: str) -> None:
        """The doors told in other languages name topics, one a record; that of a topic that is gone, or already told, leaves."""
        path = self._paths.referential / "portes_langues.yml"
        if not draft.exists(path):
            return
        start, *doors = re.split(r"(?m)^(?=- sujet: )", draft.read(path))
        told = {door.split(maxsplit=3)[2]: door for door in doors}
        moved = told.get(old, "")
        if moved:
            told[old] = "" if not new or new in told else moved.replace(old, new, 1)
            draft.write(path, start + "".join(told.values()))

    def _relabel_tuning(self, draft: Draft, old: str, new: str) -> None:
        """The held-out messages name topics too."""
        field = re.compile(rf'("sujet"\s*:\s*)"{re.escape(old)}"')
        for path in sorted(self._paths.tuning.glob("*.jsonl")):
            text = draft.read(path)
            changed = field.sub(rf'\1"{new}"', text)
            if changed != text:
                draft.write(path, changed)


def suggest_id(label: str, taken: Sequence[str]) -> str:
    """Return a free id made from a plain label, such as ``carte_grise_perdue``."""
    words = [w for w in re.findall(r"[a-z0-9]+", strip_accents(label.lower())) if w not in _SMALL_WORDS]
    base = "_".join(words[:4]) or "sujet"
    base = base if base[0].isalpha() and len(base) > 2 else f"sujet_{base}"
    candidate, number = base[:50], 2
    while candidate in taken:
        candidate, number = f"{base[:50]}_{number}", number + 1
    return candidate


def _checked_fields(topic: str, service: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to write, in the order of the files.

    Raises:
        EditError: with one sentence for each mistake.
    """
    kept = _without_empty({name: values[name] for name in FIELDS if name in values})
    missing = [name for name in ("libelle", "public", "premier_geste", "source", "verifie_le") if not kept.get(name)]
    mistakes = [f"« {NAMES[name]} » manque." for name in missing]
    try:
        Topic(**{**kept, "id": topic, "service": service})
    except ValidationError as error:
        for item in error.errors():
            name = str(item["loc"][-1])
            if str(item["loc"][0]) not in missing:
                reason = FRENCH_REASONS.get(item["type"], "« {champ} » a une valeur incorrecte")
                mistakes.append(reason.format(champ=NAMES.get(name, name)) + ".")
    checked = kept.get("verifie_le")
    dated = (checked, kept.get("fiche", {}).get("date"), kept.get("faits", {}).get("verifie_le"))
    if any(isinstance(day, date) and day > date.today() for day in dated):
        mistakes.append("La date de vérification est dans le futur.")
    if mistakes:
        raise EditError("\n".join(unique(mistakes)))
    if isinstance(checked, str):
        kept["verifie_le"] = date.fromisoformat(checked)
    return kept


FACT_NAMES = {"sujet": "Porte et première étape", **fact_names}
"""Kinds of fact of a topic, by the name a person reads."""

NAMES = {
    "libelle": "Nom du sujet",
    "public": "Pour qui",
    "premier_geste": "Première étape",
    "precisions": "Précisions",
    "a_apporter": "À apporter",
    "lien": "Lien officiel",
    "url": "Adresse du lien",
    "services_associes": "Services associés",
    "organisme": "Organisme",
    "guichet": "Guichet",
    "source": "Source",
    "verifie_le": "Vérifié le",
    "numero": "Numéro de la fiche ou du formulaire",
    "titre": "Titre de la fiche",
    "date": "Date de la fiche",
    "fiche": "Fiche officielle",
    "faits": "Prix, délai, formulaire",
    "nom_actuel": "Nom actuel du service",
    "a_valider": "À faire valider",
    **FACT_NAMES,
}
"""Fields by the name a person reads."""

ALWAYS_WRITTEN = frozenset({"precisions", "a_apporter", "services_associes", "refs"})
"""Lists the files show even when they are empty."""


def _instead(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``new`` with ``None`` for what only ``old`` holds, so that it leaves the file."""
    kept = {k: _instead(old[k], v) if isinstance(v, Mapping) and isinstance(old.get(k), Mapping) else v for k, v in new.items()}
    return {**dict.fromkeys(old), **kept}


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k in ALWAYS_WRITTEN or v not in (None, "", False, [], (), {})}
