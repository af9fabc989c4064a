"""The ``bot`` command: help in French, one answer per line, no line that stops the rest."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.base.errors import Problem
from bot.base.paths import ProjectPaths
from bot.cli.main import commands, main
from bot.cli.route import BATCH, batches, read_row, route_lines
from bot.routing.router import Router

TESTS = Path(__file__).parents[1]
PARSERS = commands()[1].parsers
COMMANDS = tuple(PARSERS)
TABLE = {"passeport": {"passeport": 0.95}, "permis": {"permis_construire": 0.4, "permis_inscription": 0.35, "chasse_reglementation": 0.2}}
ENGLISH = (
    "show this help",
    "optional arguments",
    "positional arguments",
    "usage:",
    "are required",
    "invalid choice",
    "unrecognized",
    "invalid int",
)
KEYS = {"id", "texte", "decision", "destinations", "alternatives", "niveau", "urgence", "question", "commune"}


@pytest.fixture
def fake(make_router, paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch) -> Router:  # type: ignore[no-untyped-def]
    """The commands get a router whose model answers from a table."""
    router: Router = make_router(TABLE)
    monkeypatch.setenv("BOT_RACINE", str(paths.root))
    monkeypatch.setattr("bot.learning.loading.load_router", lambda *_args, **_kw: router)
    return router


def route(*lines: str, profile: str | None = None) -> tuple[int, list[dict[str, object]]]:
    target = io.StringIO()
    code = route_lines(io.StringIO("".join(f"{line}\n" for line in lines)), target, profile)
    return code, [json.loads(line) for line in target.getvalue().splitlines()]


def ask(identifier: object, text: str, **extra: object) -> str:
    return json.dumps({"id": identifier, "texte": text, **extra}, ensure_ascii=False)


# Help


def typed() -> set[str]:
    """Return the first word of all that the tests type: ``main(["route", …])``, ``run(monkeypatch, "compte", …)``, ``-m bot serve``."""
    found = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            words = (
                node.elts
                if isinstance(node, ast.List | ast.Tuple)
                else node.args
                if isinstance(node, ast.Call) and "run" in ast.dump(node.func)
                else []
            )
            texts = [w.value for w in words if isinstance(w, ast.Constant) and w.value not in {"-m", "bot"}]
            found |= {str(t) for t in texts[:1] if "--help" not in texts}
    return found


def test_every_command_is_typed_by_a_test() -> None:
    assert set(COMMANDS) - typed() == set()


def test_every_command_is_documented() -> None:
    pages = "".join(p.read_text(encoding="utf-8") for p in (TESTS.parent / "README.md", *(TESTS.parent / "docs").glob("guide-*.md")))
    assert [name for name in COMMANDS if f"bot {name}" not in pages] == []


@pytest.mark.parametrize("command", [(), *((c,) for c in COMMANDS)], ids=lambda c: c[0] if c else "bot")
def test_help_is_in_french(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    said = capsys.readouterr().out
    assert stop.value.code == 0
    assert "Usage : " in said
    assert "affiche cette aide" in said
    assert [e for e in ENGLISH if e in said] == []


def test_every_option_has_a_help() -> None:
    for name, parser in PARSERS.items():
        assert parser.description, name
        assert [a.dest for a in parser._actions if not a.help] == [], name  # argparse tells its actions in no other way


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usage_is_said_once(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert capsys.readouterr().out.count("Usage") == 1


@pytest.mark.parametrize("arguments", [["nexiste"], [], ["route", "--profil", "x"], ["serve", "--port", "abc"], ["route", "--nimporte"]])
def test_mistakes_are_said_in_french(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    said = capsys.readouterr().err
    assert [e for e in ENGLISH if e in said] == []


def test_a_wrong_command_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["nexiste"])
    assert stop.value.code == 2
    assert capsys.readouterr().err


# One message


def test_one_message(fake: Router, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "je veux un passeport"]) == 0
    said = capsys.readouterr().out
    assert "Décision : orienter (sujet)" in said
    assert "population › titres › passeport" in said


def test_one_message_as_json(fake: Router, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "--json", "je veux un passeport"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row.keys() == KEYS
    assert (row["id"], row["texte"], row["decision"]) == (None, "je veux un passeport", "orienter")


@pytest.mark.parametrize("text", ["", " ", "🙂", "Привет", "/restart", "il y a le feu chez le voisin", "permis"])
def test_any_message(fake: Router, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", text]) == 0
    assert "Décision : " in capsys.readouterr().out


def test_no_message_is_said_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route"]) == 2
    assert "Donnez un message" in capsys.readouterr().err


def test_without_a_model_the_remedy_is_said(
    tmp_path: Path, paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_RACINE", str(paths.root))
    monkeypatch.setenv("BOT_MODELES", str(tmp_path))
    assert main(["route", "passeport"]) == 2
    assert "bot train" in capsys.readouterr().err


# Lines


def test_lines_keep_their_order_and_their_ids(fake: Router) -> None:
    code, rows = route(*(ask(f"m{i}", "passeport" if i % 2 else "blague") for i in range(200)))
    assert code == 0
    assert [r["id"] for r in rows] == [f"m{i}" for i in range(200)]
    assert [r["decision"] for r in rows] == ["orienter" if i % 2 else "hors_sujet" for i in range(200)]
    assert rows[1].keys() == KEYS


def test_the_text_comes_back_untouched(fake: Router) -> None:
    for text in ("  Été <b>\u00a0 œuf</b>\t", "🙂", "a\nb", "06 12 34 56 78", "\u202e"):
        assert route(ask("a", text))[1][0]["texte"] == text


def test_extra_keys_are_ignored(fake: Router) -> None:
    code, (row,) = route(ask(7, "passeport", profil="x", attendus=[1], decision="triche"))
    assert (code, row["id"], row["decision"]) == (0, 7, "orienter")
    assert row.keys() == KEYS


@pytest.mark.parametrize("identifier", [None, 0, "", "é", 1.5, [1], {"a": 1}, True])
def test_any_id_comes_back(fake: Router, identifier: object) -> None:
    assert route(ask(identifier, "passeport"))[1][0]["id"] == identifier
    assert route('{"texte": "passeport"}')[1][0]["id"] is None


BAD_LINES = [
    "rien",
    "{",
    "[]",
    "3",
    "null",
    '"texte"',
    "{}",
    '{"id": "x"}',
    '{"id": "x", "texte": 3}',
    '{"id": "x", "texte": null}',
    '{"id": "x", "texte": ["a"]}',
    "\x00",
    "{'id': 1}",
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_gets_an_object_and_the_others_their_answer(fake: Router, line: str) -> None:
    code, rows = route(ask("a", "passeport"), line, ask("b", "passeport"))
    assert code == 1
    assert [r.get("decision") for r in rows] == ["orienter", None, "orienter"]
    assert rows[1].keys() == {"id", "erreur"}
    assert rows[1]["erreur"]
    assert rows[1]["id"] == ("x" if '"x"' in line else None)


def test_only_bad_lines(fake: Router) -> None:
    code, rows = route(*BAD_LINES)
    assert code == 1
    assert all("erreur" in r for r in rows)
    assert len(rows) == len(BAD_LINES)


def test_blank_lines_and_nothing_at_all(fake: Router) -> None:
    assert route("", "   ", ask("a", "passeport"), "")[1][0]["id"] == "a"
    assert route() == (0, [])


def test_a_last_line_without_an_end(fake: Router) -> None:
    target = io.StringIO()
    assert route_lines(io.StringIO(ask("a", "passeport")), target, None) == 0
    assert json.loads(target.getvalue())["id"] == "a"


def test_bytes_that_are_not_utf8_do_not_stop_the_rest(fake: Router) -> None:
    source = io.TextIOWrapper(
        io.BytesIO(b'{"id": "a", "texte": "\xe9t\xe9"}\n\xff\xfe\n' + ask("b", "passeport").encode() + b"\n"), encoding="utf-8"
    )
    target = io.StringIO()
    assert route_lines(source, target, None) == 1
    rows = [json.loads(line) for line in target.getvalue().splitlines()]
    assert [r["id"] for r in rows] == ["a", None, "b"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[" * 50_000, id="deep"),
        pytest.param('{"id": ' + "1" * 6_000 + ', "texte": "x"}', id="huge integer"),
    ],
)
def test_hostile_json_is_a_bad_line(line: str) -> None:
    assert "erreur" in read_row(line)


def test_half_a_character_does_not_stop_the_rest(fake: Router) -> None:
    written = io.BytesIO()
    target = io.TextIOWrapper(written, encoding="utf-8")
    route_lines(io.StringIO('{"id": "a", "texte": "\\ud83d"}\n'), target, None)
    assert json.loads(written.getvalue())["id"] == "a"


def test_nan_is_no_json(fake: Router) -> None:
    target = io.StringIO()
    route_lines(io.StringIO('{"id": NaN, "texte": "x"}\n'), target, None)
    assert "NaN" not in target.getvalue()


def test_a_byte_order_mark_is_no_mistake(fake: Router) -> None:
    source = io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + ask("a", "passeport").encode()), encoding="utf-8")
    assert route_lines(source, io.StringIO(), None) == 0


def test_what_is_wrong_with_a_line_is_said_in_french() -> None:
    assert "Expecting" not in read_row("rien")["erreur"]


def test_an_answer_comes_before_the_next_line(fake: Router) -> None:
    """A program that writes one line and waits for the answer must get it."""
    there, here = os.pipe()
    back, out = os.pipe()
    with os.fdopen(there, encoding="utf-8") as source, os.fdopen(out, "w", encoding="utf-8") as target:
        worker = threading.Thread(target=route_lines, args=(source, target, None), daemon=True)
        worker.start()
        answers = os.fdopen(back, encoding="utf-8")
        with os.fdopen(here, "w", encoding="utf-8") as sink:
            for i in range(5):
                sink.write(ask(i, "passeport") + "\n")
                sink.flush()
                got: list[str] = []
                reader = threading.Thread(target=lambda box: box.append(answers.readline()), args=(got,), daemon=True)
                reader.start()
                reader.join(10)
                assert got, "no answer before the next line"
                assert json.loads(got[0])["id"] == i
        worker.join(10)
        assert not worker.is_alive()
    answers.close()


def testbatches_never_grow(fake: Router) -> None:
    sizes = [len(b) for b in batches(io.StringIO("x\n" * 1_000))]
    assert sum(sizes) == 1_000
    assert max(sizes) <= BATCH


def test_the_whole_input_is_never_read_ahead() -> None:
    given = 0

    class Endless(io.StringIO):
        buffer = None

        def __iter__(self) -> Iterator[str]:  # type: ignore[override]
            nonlocal given
            while given < 100_000:
                given += 1
                yield "x\n"

    next(batches(Endless()))
    assert given < 1_000


# The other commands


def test_check_lists_the_problems(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("bot.measure.checks.run_checks", lambda *_: ([Problem("a.yml", 3, "il manque un mot.")], ["12 sujets."]))
    assert main(["check"]) == 1
    said = capsys.readouterr().out
    assert "a.yml:3 : il manque un mot." in said
    assert "12 sujets." in said
    assert "1 problème" in said


def test_check_says_when_all_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("bot.measure.checks.run_checks", lambda *_: ([], []))
    assert main(["check"]) == 0
    assert "Tout est en ordre." in capsys.readouterr().out


def test_a_broken_referential_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BOT_RACINE", str(tmp_path))
    assert main(["check"]) == 1
    assert "manque" in capsys.readouterr().out


def test_doors_are_counted_listed_and_compared(
    paths: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_RACINE", str(paths.root))
    page = tmp_path / "portes.md"
    assert main(["portes", "--rapport", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "Porte complète" in shown and shown.strip() in page.read_text(encoding="utf-8")
    assert main(["portes", "--a-revoir"]) == 0
    assert "faits à revérifier." in capsys.readouterr().out
    assert main(["portes", "--fiches", str(tmp_path)]) == 2
    assert "fiches" in capsys.readouterr().err
    (tmp_path / "particuliers").mkdir()
    assert main(["portes", "--fiches", str(tmp_path)]) == 1
    assert "introuvable" in capsys.readouterr().out


def test_train_makes_both_models_or_the_router_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[tuple[str, bool]] = []
    stored = SimpleNamespace(manifest={"date": "2026-12-02", "messages": 9, "sujets": 2})
    monkeypatch.setenv("BOT_MODELES", str(tmp_path))
    monkeypatch.setattr("bot.learning.emergencies.ensure_detector", lambda _paths, _say, force: made.append(("urgences", force)))
    monkeypatch.setattr("bot.learning.tuning.ensure_model", lambda _paths, _say, force: made.append(("routeur", force)) or stored)
    monkeypatch.setattr("bot.rasa.training.ensure_rasa_model", lambda _paths, _say, force: made.append(("rasa", force)))
    assert main(["train"]) == 0
    assert main(["train", "--routeur-seul", "--force"]) == 0
    assert made == [("urgences", False), ("routeur", False), ("rasa", False), ("urgences", True), ("routeur", True)]
    assert "9 messages, 2 sujets" in capsys.readouterr().out


def test_evaluate_prints_and_writes_what_it_is_asked_to(
    fake: Router, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bot.measure.evaluation.evaluate", lambda *_: {"juste": 1})
    monkeypatch.setattr("bot.measure.reports.as_text", lambda report: f"juste : {report['juste']}")
    written: list[str] = []
    monkeypatch.setattr("bot.measure.reports.write_report", lambda _report, target: written.append(target))
    monkeypatch.setattr("bot.measure.reports.write_errors", lambda _router, _sets, target: written.append(target))
    assert main(["evaluate", "--json", str(tmp_path / "a.json"), "--rapport", "a.md", "--erreurs", "a.txt"]) == 0
    assert capsys.readouterr().out == "juste : 1\n" and json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"juste": 1}
    assert written == ["a.md", "a.txt"]


def test_chat(fake: Router, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said = iter(["une histoire de permis", "2", ""])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(said))
    assert main(["chat"]) == 0
    out = capsys.readouterr().out
    assert "(tapez un numéro de 1 à 3)" in out
    assert fake.referential.topics["permis_inscription"].premier_geste in out


def test_a_wrong_number_in_chat_keeps_the_choices(
    fake: Router, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = iter(["une histoire de permis", "9", "2", ""])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(said))
    assert main(["chat"]) == 0
    assert fake.referential.topics["permis_inscription"].premier_geste in capsys.readouterr().out


@pytest.mark.parametrize("stop", [EOFError, KeyboardInterrupt])
def test_chat_ends_quietly(fake: Router, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]) -> None:
    def end(_prompt: str) -> str:
        raise stop

    monkeypatch.setattr("builtins.input", end)
    assert main(["chat"]) in {0, 130}


def test_python_m_bot() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60
    )
    assert done.returncode == 0
    assert "Usage : " in done.stdout


# With the trained model


def memory_in_use() -> int:
    """Bytes held now; not the peak of the process, which a training in the same session would hide everything under."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.modele
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_ten_thousand_lines_take_no_more_memory(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.learning.loading.load_router", lambda *_args, **_kw: router)
    words = [
        "mon passeport est périmé",
        "permis de construire",
        "le bar fait du bruit",
        "bonjour",
        "qui paie la cantine",
        "mon chien a mordu",
    ]
    used: dict[int, int] = {}

    class Lines(io.StringIO):
        buffer = None

        def __iter__(self) -> Iterator[str]:  # type: ignore[override]
            for i in range(10_000):
                if i in {2_000, 9_999}:
                    used[i] = memory_in_use()
                yield ask(i, f"{words[i % len(words)]} {i}") + "\n"

    class Count(io.StringIO):
        rows = 0

        def write(self, text: str) -> int:
            self.rows += 1
            return len(text)

    target = Count()
    assert route_lines(Lines(), target, None) == 0
    assert target.rows == 10_000
    assert used[9_999] - used[2_000] < 60_000_000
