"""What is to be said against a draft before the public sees it: the rules of « bot check », then a review of its edits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bot.base.errors import CorpusError, EditError, ModelError, ReferentialError
from bot.base.files import digest_of
from bot.base.paths import ProjectPaths
from bot.dialogue.wording import Writer
from bot.learning.corpus import listed_phrases
from bot.learning.loading import shared_model, shared_referential
from bot.measure.checks import run_checks
from bot.referential import Referential
from bot.routing.types import Destination
from bot.staff.candidates.candidate import reviewer_of
from bot.staff.candidates.danger_gate import judge_dangers
from bot.staff.candidates.review import Books, books_of
from bot.staff.editing.workspace import read_text


@dataclass(frozen=True)
class CardChange:
    """What the public reads of one topic, before and after; "" when it has no answer.

    Args:
        name: of the topic.
        before, after: the words of its card.
    """

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class PhraseChange:
    """What is taught and untaught of one topic or act.

    Args:
        label: its id.
        added, removed: phrases.
    """

    label: str
    added: Sequence[str]
    removed: Sequence[str]


def objections(live: ProjectPaths, draft: ProjectPaths) -> Sequence[str]:
    """Return what asks for a written reason and an administrator.

    Raises:
        EditError: the draft breaks a rule of « bot check » that nobody may break; says which, in plain words.
    """
    if digest_of(_files(live.referential)) == digest_of(_files(draft.referential)):  # nothing to read twice
        draft = replace(draft, referential_folder=live.referential)
    try:
        now, wanted = shared_referential(live.referential), shared_referential(draft.referential)
        dangers = judge_dangers(live, draft)
        after = books_of(draft, wanted)
    except (ReferentialError, CorpusError) as error:
        raise _refusal(p.message for p in error.problems) from error
    try:
        model = shared_model(live.router_model).model
    except ModelError:  # nothing answers yet: there is nothing to hold the phrases against
        model = None
    reviewer, before = reviewer_of(live, model, wanted, now), books_of(live, now)
    broken = [*reviewer.reused(before, after), *dangers.refused, *_broken(live, draft, before, after, reviewer.names)]
    if broken:
        raise _refusal(broken)
    return [*reviewer.review(before, after), *dangers.objections, *_new_sites(now, wanted)]


def _refusal(broken: Iterable[str]) -> EditError:
    return EditError("\n".join(["Ce brouillon ne peut pas être publié :", *dict.fromkeys(broken)]))


def _broken(live: ProjectPaths, draft: ProjectPaths, before: Books, after: Books, names: Mapping[str, str]) -> Sequence[str]:
    """Return the problems of « bot check » that the draft makes; those that were there already are not its own."""
    known = {(after.label(label), phrase) for label, phrases in before.phrases.items() for phrase in phrases}
    found = [p.message for p in run_checks(draft, known=known)[0]]
    if found:
        old = {_uncounted(p.message) for p in run_checks(live, known=known)[0]}
        found = [message for message in found if _uncounted(message) not in old]
    return list(dict.fromkeys(_in_words(message, names) for message in found))


def _files(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _uncounted(message: str) -> str:
    return re.sub(r"\d+", "", message)


def _in_words(message: str, names: Mapping[str, str]) -> str:
    """Return a problem as staff read it: names for ids, no place in a file."""
    plain = re.sub(r" \([^()\s]+\.\w+:[^()]*\)", "", message)
    said = re.sub(r"« ([a-z0-9_]+) »", lambda m: f"« {names.get(m.group(1), m.group(1))} »", plain)
    return said[:1].upper() + said[1:]


def _new_sites(now: Referential, wanted: Referential) -> Sequence[str]:
    """Return what is to be said of the links to a site that nothing named before, those of the State aside."""
    known = {host for _, host in _sites(now)}
    found = {host: name for name, host in _sites(wanted) if host not in known and not host.endswith(".gouv.fr")}
    return [f"{name} mène au site {host}, que rien ne citait encore : vérifiez qu'il est officiel." for host, name in found.items()]


def _sites(referential: Referential) -> Iterator[tuple[str, str]]:
    """Yield who names a site, and its host."""
    for topic in referential.topics.values():
        for link in (topic.lien, topic.faits.formulaire, topic.fiche):
            if link is not None and link.url:
                yield f"« {topic.libelle} »", urlsplit(link.url).hostname or ""
    for desk in referential.entry_points.values():
        for url in (*(site.valeur for site in desk.site_internet), *desk.formulaire_contact):
            yield f"Le guichet « {desk.nom} »", urlsplit(url).hostname or ""


def card_changes(live: ProjectPaths, draft: ProjectPaths) -> Sequence[CardChange]:
    """Return the cards that the draft changes."""
    now, wanted = shared_referential(live.referential), shared_referential(draft.referential)
    found = []
    for topic in dict.fromkeys([*now.topics, *wanted.topics]):
        before, after = _card(now, topic), _card(wanted, topic)
        if before != after:
            found.append(CardChange((wanted.topics.get(topic) or now.topics[topic]).libelle, before, after))
    return found


def _card(referential: Referential, topic: str) -> str:
    if topic not in referential.topics:
        return ""
    service = referential.service_of(topic)
    return Writer(referential).card(Destination(service.delegation, service.id, topic, 1.0)).text


def phrase_changes(live: ProjectPaths, draft: ProjectPaths) -> Sequence[PhraseChange]:
    """Return the phrases that the draft adds and removes, topic by topic."""
    before, after = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for name in sorted({path.name for folder in (live.corpus, draft.corpus) for path in folder.glob("*.yml")}):
        texts = [read_text(folder / name) or "" for folder in (live.corpus, draft.corpus)]
        if texts[0] != texts[1]:
            before.update(listed_phrases(texts[0]))
            after.update(listed_phrases(texts[1]))
    added, removed = after - before, before - after
    labels = dict.fromkeys(label for label, _ in (*added, *removed))
    return [PhraseChange(of, [p for label, p in added if label == of], [p for label, p in removed if label == of]) for of in labels]
