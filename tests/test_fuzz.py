"""Whatever is written: nothing raises what it should not, nothing takes long, and masking twice is masking once."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from fuzzing import SIZE, Fuzzer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nasty_inputs import NASTY

from bot.base.errors import BadMessage, EditError, Problem, ReferentialError
from bot.cli.main import main
from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.dialogue.subject_lists import read_list, read_pasted, route_rows
from bot.emergency.rules import load_rules
from bot.emergency.situations import load_situations
from bot.language.cleaning import clean
from bot.language.privacy import holds_personal_data, mask
from bot.referential import load_referential
from bot.referential.communes import load_gazetteer
from bot.routing.router import Router
from bot.staff.editing.yaml_records import RecordFile

SLOW = settings(max_examples=settings().max_examples // 10)
"""For what takes a tenth of a second; the rest is in the profiles of ``conftest.py``."""
REFERENTIAL = Path(__file__).resolve().parent.parent / "data" / "referentiel"
TABLE = {"passeport": {"passeport": 0.95}, "permis": {"permis_construire": 0.4, "permis_inscription": 0.35, "chasse_reglementation": 0.2}}

words = st.sampled_from(
    [
        "je m'appelle",
        "mme",
        "M.",
        "Léa",
        "Paul Martin",
        "de",
        "Gourdon",
        "mon fils",
        "né le",
        "12/03/1985",
        "06 12 34 56 78",
        "06/12",
        "0612345678",
        "n°",
        "dossier",
        "46-2023-00871",
        "AB-123-CD",
        "plaque",
        "FR76 3000 6000 0112 3456 7890 189",
        "185054604212345",
        "12 rue des Lilas",
        "rue",
        "résidence",
        "bât B",
        "a.b@exemple.fr",
        "(at)",
        "@",
        "mot de passe",
        "code",
        "X9!",
        "<nom>",
        "<telephone>",
        "arrêté 2023-1234",
        "46100 Figeac",
        "passeport",
        "permis",
        "et",
        ",",
        ".",
        ":",
        "\n",
        "'",
        "-",
        "/",
        "au feu",
        "zéro six",
        "douze",
        "trente",
        "44.4475, 1.4419",
        "82.64.113.27",
        "prénom",
    ]
)
messages = st.one_of(
    st.text(max_size=300),
    st.lists(words, max_size=25).map(" ".join),
    st.lists(st.one_of(words, st.text(max_size=5)), max_size=15).map("".join),
)


@given(messages)
@example("/ /")
@example("&amp;amp;lt;b>")
@example("<\u200bb>e\u200b\u0301")
def test_cleaning_takes_anything(text: str) -> None:
    cleaned = clean(text)
    assert "\0" not in cleaned.display
    assert clean(cleaned.display).display == cleaned.display
    cleaned.plain.encode()


@given(messages)
def test_masking_twice_is_masking_once(text: str) -> None:
    masked = mask(text)
    assert mask(masked) == masked
    if masked == text:
        assert not holds_personal_data(text)


@given(messages, st.sampled_from([None, "citoyen", "partenaire", "agent"]))
def test_routing_takes_anything(fuzz_router: Router, text: str, profile: str | None) -> None:
    decision = fuzz_router.route(text, profile)
    assert decision.decision is not None
    json.dumps(decision.as_json(None, text)).encode()


@pytest.mark.modele
def test_conversations_take_anything(router: Router) -> None:
    """The real model, and conversations that go on; ``make fuzz`` holds a hundred thousand turns."""
    talk, state = Dialogue(router), ConversationState()
    choices: tuple[str, ...] = ()
    for seed in range(SIZE or 200):
        rng = Fuzzer(seed)
        text = rng.message()
        try:
            turn = talk.choose(rng.choice(choices), state) if choices and rng.random() < 0.2 else talk.reply(text, state)
            assert turn.reply.as_text()
            json.dumps([turn.state.as_mapping(), turn.decision.as_json(None, text) if turn.decision else None]).encode()
            assert ConversationState.from_mapping(turn.state.as_mapping()) == turn.state
        except Exception as error:
            raise AssertionError(f"Fuzzer({seed}).message() = {text!r}") from error
        state = turn.state if rng.random() < 0.8 else ConversationState()
        choices = tuple(choice.id for choice in turn.reply.choices)


@given(st.one_of(st.binary(max_size=200), messages.map(lambda t: ("objet;note\n" + t).encode("utf-8", "replace"))))
def test_a_list_is_read_or_refused_in_french(fuzz_router: Router, raw: bytes) -> None:
    for read in (lambda: read_list(raw), lambda: read_pasted(raw.decode("utf-8", "replace"))):
        try:
            subjects = read()
        except BadMessage:
            continue
        rows = route_rows(Dialogue(fuzz_router), subjects, subjects.rows[:5], None)
        assert len(rows) == len(subjects.rows[:5])


@pytest.fixture(scope="module")
def fuzz_router(request: pytest.FixtureRequest) -> Router:
    return request.getfixturevalue("make_router")(TABLE)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutations") / "data" / "referentiel"
    shutil.copytree(REFERENTIAL, folder)
    return folder


FILES = sorted(p.relative_to(REFERENTIAL).as_posix() for p in REFERENTIAL.rglob("*") if p.suffix in {".yml", ".csv"})
broken = st.sampled_from(
    [
        "",
        "[",
        "{",
        "- ",
        ": :",
        "\t",
        "&a *a",
        "!!python/name:os.system",
        "~",
        "12",
        "null",
        "- - - x",
        "é" * 50,
        "\0",
        "\ud7ff",
        "id: id",
        "'",
        '"x: y',
        "?",
    ]
)


@SLOW
@given(st.sampled_from(FILES), st.integers(0, 10_000), st.sampled_from(["drop", "twice", "value", "insert", "cut", "indent"]), broken)
def test_a_changed_referential_loads_or_tells_its_problems(copied: Path, name: str, at: int, how: str, junk: str) -> None:
    path = copied / name
    original = path.read_text(encoding="utf-8")
    lines = original.split("\n")
    at %= len(lines)
    if how == "drop":
        del lines[at]
    elif how == "twice":
        lines.insert(at, lines[at])
    elif how == "value":
        lines[at] = lines[at].split(":")[0] + ": " + junk
    elif how == "insert":
        lines.insert(at, junk)
    elif how == "cut":
        lines = lines[:at]
    else:
        lines[at] = " " + lines[at]
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        problems = problems_of(copied, name)
    finally:
        path.write_text(original, encoding="utf-8")
    assert all(p.fichier and "Traceback" not in str(p) for p in problems)


def problems_of(folder: Path, name: str) -> Sequence[Problem]:
    """Load what the file is part of; anything but the error that tells problems goes through."""
    try:
        load_referential(folder)
        if name.endswith(".csv"):
            load_gazetteer(folder)
        if name.startswith("urgences"):
            load_rules(folder / "urgences_mots.yml", load_situations(folder / "urgences.yml"))
    except ReferentialError as error:
        return error.problems or [Problem("", 0, "no problem told")]
    return []


plain_values = st.one_of(st.text(max_size=40), st.integers(-5, 5), st.booleans(), st.lists(st.text(max_size=10), max_size=3))
TOPICS = (REFERENTIAL / "sujets" / "reseaux.yml").read_text(encoding="utf-8")
TOPIC = RecordFile(TOPICS, "sujets").ids()[0]


@SLOW
@given(st.dictionaries(st.sampled_from(["libelle", "premier_geste", "precisions", "neuf", "é"]), plain_values, min_size=1, max_size=4))
def test_a_yaml_edit_keeps_what_it_is_given_and_nothing_else_moves(values: dict[str, object]) -> None:
    records = RecordFile(TOPICS, "sujets")
    untouched = {i: records.get(i) for i in records.ids() if i != TOPIC}
    try:
        records.set(TOPIC, {**records.get(TOPIC), **values})
        text = records.text()
    except EditError:
        return
    after = RecordFile(text, "sujets")
    assert {name: after.get(TOPIC).get(name) for name in values} == values
    assert {i: after.get(i) for i in after.ids() if i != TOPIC} == untouched
    assert yaml.safe_load(text)


@pytest.mark.parametrize("text", NASTY.values(), ids=list(NASTY))
def test_nasty_messages_in_the_core(fuzz_router: Router, text: str) -> None:
    started = time.process_time()
    mask(text)
    clean(text)
    decision = fuzz_router.route(text)
    assert time.process_time() - started < 1
    assert decision.decision is not None


def test_nasty_messages_on_the_command_line(
    fuzz_router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.dumps({"id": name, "texte": text}) for name, text in NASTY.items()] + [
        "{",
        "[]",
        "null",
        '{"texte": 3}',
        '"\\ud800"',
        "\0",
    ]
    monkeypatch.setattr("bot.learning.loading.load_router", lambda *_, **__: fuzz_router)
    with (tmp_path / "in").open("w+", encoding="utf-8", errors="surrogatepass") as typed:
        typed.write("\n".join(rows) + "\n")
        typed.seek(0)
        monkeypatch.setattr("sys.stdin", typed)
        code = main(["route", "--jsonl"])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    answers = [json.loads(line) for line in said.out.split("\n") if line]
    assert code in (0, 1) and len(answers) == len(rows)
    assert {a["id"] for a in answers if a.get("id")} >= set(NASTY)
