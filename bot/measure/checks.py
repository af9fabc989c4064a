"""What ``bot check`` runs: the referential, the corpus, and every answer that can be given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.base.errors import CorpusError, Problem, ReferentialError
from bot.base.paths import ProjectPaths
from bot.dialogue.door_codes import clashes
from bot.dialogue.foreign_doors import shared_words
from bot.dialogue.needs import tells_to_call, written_card
from bot.dialogue.wording import Writer, possible_destinations
from bot.language.cleaning import strip_accents
from bot.language.readability import problems as readability_problems
from bot.learning.corpus import lint, read_corpus, read_jsonl
from bot.learning.loading import load_detector, once_per_state, shared_gazetteer, shared_languages, shared_referential
from bot.referential import Referential
from bot.referential.ages import due_facts
from bot.referential.directory import TOWN_HALL, directory_problems
from bot.referential.doors import door_problems
from bot.referential.facts import is_mobile

_ASKS_A_SECRET = re.compile(
    r"\b(?<!\bne )(?<!\bn['’])(?:donnez|envoyez|communiquez|écrivez|dictez|indiquez|transmettez|fournissez|laissez|tapez|faire parvenir)\b"
    r"[^.!?]*\b(?:carte bleue|carte bancaire|carte de paiement|cryptogramme|mots? de passe|codes? (?:secret|confidentiel|reçu))",
    re.IGNORECASE,
)
"""No administration asks for these: who does is a thief."""
_PHONE = re.compile(r"(?<![\d/.-])(?:\+33|0)(?:\(0\))?[ .-]?[1-9](?:[ .-]?\d{2}){4}(?!\d)")
_SITE_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*\.(?:fr|com|org|net|eu|info)")
_UNSAID = frozenset({"id", "service", "source", "url", "refs", "numero"})
"""Fields of a record that are no sentence the public reads."""


def run_checks(
    paths: ProjectPaths,
    today: date | None = None,
    known: Container[tuple[str, str]] = frozenset(),
) -> tuple[list[Problem], list[str]]:
    """Return every problem, and French notes that are no errors (counts, facts to validate).

    Args:
        paths: the tree.
        today: date to judge the age of facts by; ``None`` leaves ages out.
        known: (label, text) of training messages looked at before (see :func:`bot.learning.corpus.lint`).
    """
    try:
        referential = shared_referential(paths.referential)
        load_detector(paths)
        problems = list(referential_problems(paths.referential))
    except ReferentialError as error:
        return list(error.problems), []
    places = referential.directory.places.values()
    notes = [
        f"{len(referential.topics)} sujets, {len(referential.services)} services, {len(referential.entry_points)} guichets.",
        f"{len(places)} lieux dans l'annuaire, dont {sum(place.to_confirm for place in places)} à confirmer.",
        f"{len(referential.foreign_doors)} portes dites en {len(referential.foreign_languages)} langues, dont "
        f"{sum(not own.relu_par for own in referential.foreign_languages.values())} langues à faire relire.",
        f"{sum(t.a_valider for t in referential.topics.values())} sujets à faire valider par la préfecture.",
        f"{sum(e.x_ose.a_verifier for e in referential.entry_points.values())} guichets aux coordonnées à confirmer.",
    ]
    if today is not None:
        due = Counter(fact.kind for fact in due_facts(referential, today))
        said = ", ".join(f"{kind} {count}" for kind, count in due.items())
        notes.append(f"{due.total()} faits à revérifier{f' ({said})' if said else ''}. La liste : bot portes --a-revoir.")
    try:
        examples = read_corpus(paths.corpus)
    except CorpusError as error:
        return [*problems, *error.problems], notes
    notes.append(f"{len(examples)} messages d'entraînement.")
    held_out = [
        (str(row["texte"]), f"{folder.name}/{path.name}:{row.get('id', '?')}")
        for folder in (paths.test_sets, paths.tuning, paths.exam.parent)
        for path in sorted(folder.glob("*.jsonl"))
        for row in read_jsonl(path)
    ]
    problems.extend(lint(examples, referential, held_out, known))
    problems.extend(danger_problems(paths, referential, held_out))
    return problems, notes


@once_per_state
def referential_problems(folder: Path) -> Sequence[Problem]:
    """Return every problem of a referential that can be read; looked for once as long as its files stay.

    Raises:
        ReferentialError: it cannot be read.
    """
    referential, gazetteer, languages = shared_referential(folder), shared_gazetteer(folder), shared_languages(folder)
    problems = [*answer_problems(referential), *need_problems(referential), *all_door_problems(referential)]
    problems.extend(sentence_problems(referential))
    problems.extend(directory_problems(referential.directory, gazetteer))
    problems.extend(desk_problems(referential))
    problems.extend(code_problems(referential))
    if (number := languages.emergency_number) not in referential.emergency_numbers:
        problems.append(Problem("data/referentiel/langues.yml", 0, f"le numéro « {number} » n'existe pas dans urgences.yml."))
    return (*problems, *foreign_problems(referential, languages.ids))


def all_door_problems(referential: Referential) -> list[Problem]:
    """Return the topics whose door cannot be acted on, or that say to write and give nowhere to write to."""
    return [
        Problem(f"data/referentiel/sujets/{topic.service}.yml", 0, f"sujet « {topic.id} » : {said}.")
        for topic in referential.topics.values()
        for said in door_problems(referential, topic)
    ]


def sentence_problems(referential: Referential) -> list[Problem]:
    """Return the sentences that hold a phone number, which only desks may, and the links that do not lead where they say."""
    records = [(f"sujets/{t.service}.yml", f"sujet « {t.id} »", t.dict()) for t in referential.topics.values()]
    records += [("conversation.yml", f"« {act.id} »", act.dict()) for act in referential.acts.values()]
    records += [("urgences.yml", f"danger « {s.id} »", {"consigne": s.consigne}) for s in referential.emergency_situations.values()]
    found = [
        (file, f"{name} : « {text} » contient un numéro de téléphone. Les numéros viennent des guichets.")
        for file, name, values in records
        for text in _sentences(values)
        if _PHONE.search(text)
    ]
    found += [
        (file, f"{name} : « {text} » demande un secret (carte bancaire, mot de passe, code). L'administration n'en demande jamais.")
        for file, name, values in records
        for text in _sentences(values)
        if _ASKS_A_SECRET.search(text)
    ]
    links = [(file, name, *link) for file, name, values in records for link in _links(values)]
    links += [
        ("guichets.yml", f"guichet « {desk.id} »", site.libelle, site.valeur)
        for desk in referential.entry_points.values()
        for site in desk.site_internet
    ]
    sites = {_short(urlsplit(url).hostname or "") for *_, url in links}
    for file, name, label, url in links:
        host = urlsplit(url).hostname or ""
        words = re.findall(r"[a-z0-9][a-z0-9.-]*", strip_accents(label.lower()))
        named = {_short(w) for w in words if _SITE_NAME.fullmatch(w)} | {w for w in words if "-" in w or len(words) == 1} & sites
        if named and not any(w in host for w in named):
            found.append((file, f"{name} : le lien « {label} » mène à {host}, un autre site que celui qu'il nomme."))
    return [Problem(f"data/referentiel/{file}", 0, said) for file, said in dict.fromkeys(found)]


def _sentences(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for name, part in value.items() if name not in _UNSAID for text in _sentences(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in _sentences(part))


def _links(values: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the label and the address of each link of a record."""
    for part in values.values():
        if isinstance(part, dict):
            if isinstance(part.get("url"), str) and part["url"]:
                yield str(part.get("libelle") or part.get("titre") or ""), part["url"]
            yield from _links(part)


def _short(host: str) -> str:
    """Return what a site is called: « service-public » for « www.service-public.gouv.fr »."""
    return re.sub(r"(?:\.gouv)?\.\w+$", "", host).split(".")[-1]


def desk_problems(referential: Referential) -> list[Problem]:
    """Return the desks whose place is not in the directory, and the closures of a place that is not."""
    places = referential.directory.places
    known = {*places, *(place.type for place in places.values())}
    halls = {place.code_insee for place in referential.directory.of_type(TOWN_HALL)}
    found: list[tuple[str, str]] = []
    for desk in referential.entry_points.values():
        wrong = [desk.x_ose.annuaire] if desk.x_ose.annuaire and desk.x_ose.annuaire not in known else []
        wrong.extend(code for code in desk.x_ose.parmi if code not in halls)
        found.extend(("guichets.yml", f"guichet « {desk.id} » : « {name} » n'est pas dans l'annuaire.") for name in wrong)
    found.extend(
        ("guichets.yml", f"guichet « {desk.id} » : {phone.valeur} est un téléphone portable, sans doute celui d'une personne.")
        for desk in referential.entry_points.values()
        for phone in desk.telephone
        if is_mobile(phone.valeur)
    )
    found.extend(
        ("fermetures.yml", f"fermeture « {closure.id} » : « {closure.lieu} » n'est ni un guichet ni un lieu de l'annuaire.")
        for closure in referential.closures
        if closure.lieu not in places and closure.lieu not in referential.entry_points
    )
    return [Problem(f"data/referentiel/{name}", 0, message) for name, message in found]


def code_problems(referential: Referential) -> list[Problem]:
    """Return the topics and the needs that the code carried away could not tell apart."""
    found = [
        Problem("data/referentiel/sujets", 0, f"« {a} » et « {b} » ont le même code à emporter : renommez le dernier venu.")
        for a, b in clashes(referential)
    ]
    twice = [n for n, count in Counter(need.numero for need in referential.needs.values()).items() if count > 1]
    return [*found, *(Problem("data/referentiel/besoins.yml", 0, f"le numéro {number} sert deux fois.") for number in twice)]


def danger_problems(paths: ProjectPaths, referential: Referential, held_out: Sequence[tuple[str, str]]) -> list[Problem]:
    """Return the dangers to learn whose situation has no number, and those that are also held out."""
    rows = [(path.name, row) for path in sorted(paths.dangers.glob("*.jsonl")) for row in read_jsonl(path)]
    unknown = {(name, str(row["situation"])) for name, row in rows if row.get("situation")}
    found = [
        Problem(f"data/urgences/{name}", 0, f"la situation « {situation} » n'est pas dans urgences.yml.")
        for name, situation in sorted(unknown)
        if situation not in referential.emergency_situations
    ]
    kept = dict(held_out)
    found += [
        Problem(f"data/urgences/{name}", 0, f"ce message est aussi mis de côté ({kept[str(row['texte'])]}). Retirez-le d'ici.")
        for name, row in rows
        if row["texte"] in kept
    ]
    return found


def foreign_problems(referential: Referential, known: Sequence[str]) -> list[Problem]:
    """Return the languages of doors that are not recognised or not complete, and the words that lead to two doors."""
    doors = tuple(referential.foreign_doors.values())
    spoken = {language for door in doors for language in door.words}
    found = [f"la langue « {language} » manque dans « langues: »." for language in sorted(spoken - referential.foreign_languages.keys())]
    found += [f"la langue « {language} » manque dans langues.yml." for language in sorted(spoken - set(known))]
    for first, second in combinations(doors, 2):
        for language in first.words:
            both = sorted(shared_words(first.words[language], second.words[language]))
            found += [f"« {words} » ({language}) mène à « {first.sujet} » et à « {second.sujet} »." for words in both]
    for door in doors:
        for language, said in door.words.items():
            if not said.mots:
                found.append(f"« {door.sujet} » ({language}) : « mots » est vide.")
            if any(character.isdigit() for character in said.libelle + said.geste):
                found.append(f"« {door.sujet} » ({language}) : un numéro vient du référentiel, pas d'une phrase.")
    return [Problem("data/referentiel/portes_langues.yml", 0, said) for said in found]


def need_problems(referential: Referential) -> list[Problem]:
    """Return the readability problems of what is said to who cannot do it that way, and the answers that still tell to call."""
    writer = Writer(referential)
    found: list[tuple[str, str]] = []
    for need in referential.needs.values():
        for text in filter(None, (need.reponse, need.avec_porte, need.note)):
            found.extend((need.id, problem) for problem in readability_problems(text))
        unspoken = need.sans_appel
        if unspoken is None:
            continue
        for card in (writer.card(d) for d in possible_destinations(referential)):
            bent = written_card(card, unspoken)
            said = " ".join((bent.text, *(fact.text for fact in bent.facts)))
            if bent.contact.phones or tells_to_call(said, unspoken):
                found.append((need.id, f"« {card.topic or card.service} » dit encore d'appeler"))
            found.extend((need.id, f"« {card.topic or card.service} » : {problem}") for problem in readability_problems(bent.text))
    return [Problem("data/referentiel/besoins.yml", 0, f"« {need} » : {problem}.") for need, problem in found]


def answer_problems(referential: Referential) -> list[Problem]:
    """Return the readability problems of every answer the assistant can give."""
    writer = Writer(referential)
    found: list[Problem] = []
    for destination in possible_destinations(referential):
        for profile in (None, "partenaire"):
            card = writer.card(destination, profile)
            name = destination.sujet or destination.service or destination.dis
            where = f"data/referentiel/sujets/{destination.service}.yml" if destination.sujet else "data/referentiel"
            found.extend(Problem(where, 0, f"réponse « {name} » : {p}.") for p in readability_problems(card.text))
        facts = " ".join(fact.text for fact in card.facts if not fact.url)
        found.extend(Problem(where, 0, f"faits « {name} » : {p}.") for p in readability_problems(facts))
    for act in referential.acts.values():
        text = writer.act_text(act.id)
        found.extend(Problem("data/referentiel/conversation.yml", 0, f"« {act.id} » : {p}.") for p in readability_problems(text))
    return list(dict.fromkeys(found))
