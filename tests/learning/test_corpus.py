"""The lint of the training messages, on messages made by hand, then on the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.base.errors import CorpusError
from bot.base.paths import ProjectPaths
from bot.learning.corpus import CARRIER_REPEATS, MIN_EXAMPLES, Example, lint, near_duplicates, read_corpus, read_jsonl
from bot.measure.checks import run_checks
from bot.referential import Referential

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def examples(*pairs: tuple[str, str]) -> list[Example]:
    return [Example(text, label, "data/nlu/essai.yml", number) for number, (text, label) in enumerate(pairs, start=1)]


def said(referential: Referential, *pairs: tuple[str, str], held_out: tuple[tuple[str, str], ...] = ()) -> list[tuple[int, str]]:
    """Return (line, message) of the problems of a corpus, those of labels that have no message at all left out."""
    return [(p.ligne, p.message) for p in lint(examples(*pairs), referential, held_out) if "n'a que 0 messages" not in p.message]


def different(count: int, words: int = 5) -> Iterator[str]:
    """Yield messages with no word in common."""
    for i in range(count):
        yield " ".join(f"{LETTERS[i % 26]}{LETTERS[i // 26]}{LETTERS[j % 26]}{LETTERS[j // 26]}x" for j in range(words))


def found(problems: list[tuple[int, str]], piece: str) -> list[int]:
    return [line for line, message in problems if piece in message]


# Reading


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "essai.yml").write_text(text, encoding="utf-8")
    return folder


def test_messages_are_read_with_their_line(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        'version: "3.1"\nnlu:\n- intent: passeport\n  examples: |\n    - un\n    - '
        "deux : trois\n\n    - quatre\n- intent: saluer\n  examples: |\n    - yo\n",
    )
    assert [(e.text, e.label, e.ligne) for e in read_corpus(folder)] == [
        ("un", "passeport", 5),
        ("deux : trois", "passeport", 6),
        ("quatre", "passeport", 8),
        ("yo", "saluer", 11),
    ]


@pytest.mark.parametrize(
    ("text", "line", "piece"),
    [
        ("nlu: [", 1, "YAML"),
        ("", 0, "nlu:"),
        ("- 1", 1, "nlu:"),
        ("nlu: 3", 1, "nlu:"),
        ("nlu:\n- rien\n", 2, "intent"),
        ("nlu:\n- intent: 3\n  examples: x\n", 2, "intent"),
        ("nlu:\n- intent: passeport\n  examples:\n  - un\n", 2, "examples"),
        ("nlu:\n- intent: passeport\n  examples: |\n    - un\n    deux\n", 5, "« - »"),
        ("nlu:\n- intent: passeport\n  examples: |\n    - un\n    -\n", 5, "« - »"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str, line: int, piece: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read_corpus(write(tmp_path, text))
    (problem,) = caught.value.problems
    assert problem.fichier == "data/nlu/essai.yml"
    assert piece in problem.message
    assert abs(problem.ligne - line) <= 1


def test_every_bad_file_is_reported_at_once(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_text("nlu: [", encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path)
    assert [p.fichier for p in caught.value.problems] == ["data/nlu/a.yml", "data/nlu/b.yml"]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="aucun message"):
        read_corpus(tmp_path)


@pytest.mark.parametrize("line", ["rien", "[1]", "3", '{"text": "x"}', '{"texte": 3}', '{"texte": null}'])
def test_a_bad_row_of_a_test_set(tmp_path: Path, line: str) -> None:
    path = tmp_path / "essai.jsonl"
    path.write_text('{"texte": "bon"}\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"essai\.jsonl:3"):
        list(read_jsonl(path))


# Lint


def test_the_same_message_under_two_topics(referential: Referential) -> None:
    problems = said(referential, ("je veux refaire mon passeport", "passeport"), ("Je veux refaire mon passeport !", "carte_identite"))
    assert found(problems, "presque le même message") == [2]


def test_almost_the_same_message_under_two_topics(referential: Referential) -> None:
    first = "je veux refaire mon passeport perdu hier soir chez ma tante"
    assert found(said(referential, (first, "passeport"), (first + " vraiment", "carte_identite")), "presque le même message") == [2]


def test_different_messages_are_fine(referential: Referential) -> None:
    pairs = (("je veux refaire mon passeport", "passeport"), ("ma carte est abîmée, que faire", "carte_identite"))
    assert found(said(referential, *pairs), "même") == []


def test_a_message_written_twice(referential: Referential) -> None:
    assert found(said(referential, ("mon passeport est perdu", "passeport"), ("Mon passeport est perdu", "passeport")), "déjà écrit") == [2]


def test_too_few_messages(referential: Referential) -> None:
    few = [(t, "passeport") for t in different(MIN_EXAMPLES - 1)]
    assert found(said(referential, *few), f"n'a que {MIN_EXAMPLES - 1} messages") == [1]


def test_too_few_stories(referential: Referential) -> None:
    short = [(t, "passeport") for t in different(MIN_EXAMPLES)]
    assert found(said(referential, *short), "trop peu de récits") == [1]
    assert found(said(referential, *((t, "saluer") for t in different(MIN_EXAMPLES))), "récits") == []


def test_enough_messages_and_stories(referential: Referential) -> None:
    assert said(referential, *((t, "passeport") for t in different(MIN_EXAMPLES, 16))) == []


def test_a_topic_without_any_message(referential: Referential) -> None:
    problems = lint(examples(("salut", "saluer")), referential)
    assert {"« passeport » n'a que 0 messages"} <= {p.message.split(" :")[0] for p in problems}
    assert sum("n'a que 0 messages" in p.message for p in problems) == len(referential.topics) + len(referential.acts) - 1


def test_carrier_sentences(referential: Referential) -> None:
    words = ["chat", "chien", "lapin", "cheval", "mouton", "canard", "oie"][: CARRIER_REPEATS + 1]
    pairs = [(f"où dois je déclarer mon {w}", "passeport") for w in words]
    assert found(said(referential, *pairs), "phrases à trous") == [1]
    assert found(said(referential, *pairs[: CARRIER_REPEATS - 1]), "phrases à trous") == []


@pytest.mark.parametrize("text", ["appelez moi au 06 12 34 56 78", "mon mail jean@exemple.fr", "je m'appelle Jean Dupont"])
def test_personal_data(referential: Referential, text: str) -> None:
    assert found(said(referential, (text, "passeport")), "donnée personnelle") == [1]


@pytest.mark.parametrize("text", ["un [passeport](papier)", "un passeport {x}", "]"])
def test_markup(referential: Referential, text: str) -> None:
    assert found(said(referential, (text, "passeport")), "crochets") == [1]


def test_an_unknown_topic_is_reported_once(referential: Referential) -> None:
    assert found(said(referential, ("un", "sujet_fantome"), ("deux", "sujet_fantome")), "sujet_fantome") == [1]


def test_a_leak_of_a_test_set(referential: Referential) -> None:
    held = (("Je veux refaire mon passeport rapidement", "pieges.jsonl:P34"),)
    problems = said(referential, ("JE VEUX refaire mon passeport, rapidement !", "passeport"), ("autre chose", "passeport"), held_out=held)
    assert found(problems, "pieges.jsonl:P34") == [1]


def test_what_was_looked_at_before_is_not_said_again(referential: Referential) -> None:
    rows = [
        ("mon passeport est perdu", "passeport"),
        ("mon passeport est perdu", "carte_identite"),
        ("je m'appelle Jean Dupont", "passeport"),
    ]
    examples = [Example(text, label, "x.yml", n) for n, (text, label) in enumerate(rows, start=1)]
    both = {(label, text) for text, label in rows}

    def wrong(known: set[tuple[str, str]]) -> set[int]:
        said = lint(examples, referential, known=known)
        return {p.ligne for p in said if "presque le même" in p.message or "donnée personnelle" in p.message}

    assert (wrong(set()), wrong(both), wrong(both - {("carte_identite", rows[1][0])})) == ({2, 3}, set(), {2})


def test_two_test_sets_may_repeat_each_other(referential: Referential) -> None:
    held = (("je veux un passeport", "a"), ("je veux un passeport", "b"))
    assert found(said(referential, ("tout autre message ici", "passeport"), held_out=held), "jeu d'essai") == []


@pytest.mark.parametrize("text", ["", "?", "🙂"])
def test_messages_without_words_are_no_twins(text: str) -> None:
    assert list(near_duplicates([(text, 1), (text, 2)])) == []


def test_near_duplicates_against_a_plain_search() -> None:
    """The filter on rare words loses no pair."""
    import random

    rng = random.Random(3)
    bags = [" ".join(rng.choices(["aa", "bb", "dd", "ee", "ff", "gg", "hh", "ii", "jj", "kk"], k=rng.randrange(2, 9))) for _ in range(150)]
    sets = [frozenset(b.split()) for b in bags]
    plain = {(i, j) for i in range(150) for j in range(i + 1, 150) if len(sets[i] & sets[j]) >= 0.85 * len(sets[i] | sets[j])}
    assert set(near_duplicates([(b, i) for i, b in enumerate(bags)])) == plain
    assert plain
    new = [i % 3 == 0 for i in range(150)]
    found = list(near_duplicates([(b, i) for i, b in enumerate(bags)], new=new))
    assert len(found) == len(set(found)) and set(found) == {(i, j) for i, j in plain if new[i] or new[j]}


# The real one


def test_the_real_corpus_the_referential_and_the_answers_have_no_problem(paths: ProjectPaths) -> None:
    problems, notes = run_checks(paths)
    assert [str(p) for p in problems] == []
    assert notes


def test_every_tuning_message_names_a_known_door(paths: ProjectPaths, referential: Referential) -> None:
    for row in read_jsonl(paths.tuning / "demandes.jsonl"):
        assert row["dis"] in referential.delegations
        assert row.get("service") is None or referential.services[str(row["service"])].delegation == row["dis"]


def test_every_test_message_names_a_known_door(paths: ProjectPaths, referential: Referential) -> None:
    for path in sorted(paths.test_sets.glob("*.jsonl")):
        for row in read_jsonl(path):
            doors = [row] if "dis" in row else row.get("attendus", [])
            for door in doors:  # type: ignore[union-attr]
                assert door["dis"] in referential.delegations, row
                assert door.get("service") is None or referential.services[door["service"]].delegation == door["dis"], row
