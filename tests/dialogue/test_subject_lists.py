"""Lists of file subjects: every delimiter and encoding a spreadsheet writes, columns kept, formulas made harmless."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.base.errors import BadMessage
from bot.base.paths import ProjectPaths
from bot.cli.main import main
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.subject_lists import ADDED, BOM, neutralise, output_header, read_list, read_pasted, route_list, write_rows

TABLE = {
    "toit": {"travaux_abords_monument": 0.97},
    "plu": {"plu_elaboration": 0.96},
    "impots": {"impots_revenu": 0.97},
    "coqs": {"nuisance_elevage": 0.49, "voisinage_salubrite": 0.49},
}


@pytest.fixture(scope="module")
def dialogue(make_router) -> Dialogue:  # type: ignore[no-untyped-def]
    return Dialogue(make_router(TABLE))


def routed(dialogue: Dialogue, raw: bytes, profile: str | None = "partenaire") -> list[dict[str, str]]:
    text = "".join(write_rows(rows) for rows in route_list(dialogue, read_list(raw), profile))
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write_is_read(delimiter: str, encoding: str, end: str) -> None:
    lines = [["Numéro", "OBJET", "Reçu le"], ["1", f'"Été{delimiter} toit ""abîmé"""', "3 mars"], ["2", "Élagage", "4 mars"]]
    raw = (end.join(delimiter.join(cells) for cells in lines) + end).encode(encoding)
    found = read_list(raw)
    assert found.header == ("Numéro", "OBJET", "Reçu le") and found.column == 1
    assert found.rows == (("1", f'Été{delimiter} toit "abîmé"', "3 mars"), ("2", "Élagage", "4 mars"))


def test_one_column_keeps_its_delimiters() -> None:
    assert read_list(b"objet\nun toit, une grange; un mur\n\nPLU\n").rows == (("un toit, une grange; un mur",), ("PLU",))


def test_uneven_lines_are_made_even() -> None:
    found = read_list(b"objet;ville\ntoit\nplu;Figeac;en plus\n")
    assert found.header == ("objet", "ville", "") and found.rows == (("toit", "", ""), ("plu", "Figeac", "en plus"))


def test_the_mark_of_excel_is_passed() -> None:
    assert read_list(b"sep=,\r\nobjet,ville\r\ntoit,Figeac\r\n").rows == (("toit", "Figeac"),)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "vide"),
        (b" \n \n", "vide"),
        (b"PK\x03\x04abc", "CSV"),
        (b"\xd0\xcf\x11\xe0abc", "CSV"),
        (b"objet\n\x00\x01", "pas du texte"),
        ("numéro;sujet traité\n1;toit\n".encode(), "« objet »"),
        (b'objet;x\n"' + b"a" * 200_000, "CSV"),
        (b";;;\n", "nommée"),
    ],
)
def test_what_is_no_list_is_told(raw: bytes, words: str) -> None:
    with pytest.raises(BadMessage, match=words):
        read_list(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_french(raw: bytes) -> None:
    for data in (raw, b"objet;x\n" + raw):
        try:
            found = read_list(data)
        except BadMessage as error:
            said = str(error)
        else:
            said = "."
            assert all(len(row) == len(found.header) for row in found.rows)
        assert said.endswith(".")


def test_a_pasted_list_needs_no_header() -> None:
    assert read_pasted("refaire le toit, près de l'église\n\n  PLU \r\n").rows == (("refaire le toit, près de l'église",), ("PLU",))
    assert read_pasted("n°\tobjet\n1\ttoit\n").rows == (("1", "toit"),)
    with pytest.raises(BadMessage):
        read_pasted(" \n ")


def test_the_columns_received_come_first_and_ours_follow(dialogue: Dialogue) -> None:
    row, unsure, outside = routed(dialogue, b"numero;objet;service\n7;refaire le toit de la grange;x\n8;mes coqs;\n9;payer mes impots;\n")
    assert (row["numero"], row["objet"], row["service"]) == ("7", "refaire le toit de la grange", "x")
    assert row["service (assistant)"] == "Le service architecture et patrimoine"
    assert row["délégation"] == "le service regroupé Territoire (DIS Territoire)"
    assert row["sujet"] == "Travaux près d'une église ou d'un monument"
    assert row["premier geste"] == "Déposez votre dossier à la mairie, qui le transmet."
    assert "Unité départementale de l'architecture" in row["contact"]
    assert "équipement et agriculture" in row["services associés"]
    assert row["confiance"] == "0,98" and row["a_relire"] == "non" and row["relecture"] == ""
    assert unsure["décision"] == "à préciser" and unsure["a_relire"] == "oui" and unsure["service (assistant)"] == ""
    assert "mairie" in unsure["alternatives"].lower() and "vétérinaire" in unsure["alternatives"]
    assert outside["décision"] == "autre organisme" and outside["a_relire"] == "non"


def test_an_emergency_and_nonsense_are_to_review(dialogue: Dialogue) -> None:
    urgent, nothing, empty = routed(dialogue, b"n;objet\n1;mon fils ne respire plus\n2;xyzzy\n3;\n")
    assert urgent["décision"] == "urgence" and urgent["premier geste"].startswith("Appelez le 15") and urgent["a_relire"] == "oui"
    assert nothing["décision"] in {"non compris", "pas une demande"} and nothing["a_relire"] == "oui"
    assert empty["a_relire"] == "oui"


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "+33 (0)5"])
def test_formulas_are_made_harmless(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "toit", "-5", "+33 5 65 23 10 00", "-1 200,50", "a=b", "1-2"])
def test_plain_cells_stay(cell: str) -> None:
    assert neutralise(cell) == cell


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), min_size=2, max_size=4)))
def test_what_is_written_is_read_back(rows: list[list[str]]) -> None:
    back = list(csv.reader(io.StringIO(write_rows(rows), newline=""), delimiter=";"))
    assert [[cell.removeprefix("'") for cell in row] for row in back] == [[cell.removeprefix("'") for cell in row] for row in rows]


def test_a_column_is_never_named_twice() -> None:
    header = output_header(read_list("objet;Décision;delegation\nx;y;z\n".encode()))
    assert len({h.lower() for h in header}) == len(header) == 3 + len(ADDED)


# The command


@pytest.fixture
def command(dialogue: Dialogue, paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_RACINE", str(paths.root))
    monkeypatch.setattr("bot.learning.loading.load_router", lambda *_args, **_kw: dialogue.router)


@pytest.mark.usefixtures("command")
def test_the_command_writes_a_file_or_the_screen(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    source, target = tmp_path / "liste.csv", tmp_path / "sortie.csv"
    source.write_bytes("N°,Objet\r\n1,Réfection du toit\r\n".encode("cp1252"))
    assert main(["route", "--csv", str(source), "-o", str(target), "--profil", "partenaire"]) == 0
    written = target.read_bytes()
    assert written.startswith(BOM.encode()) and b"1;R\xc3\xa9fection du toit;" in written
    assert b"1 lignes" in capfdbinary.readouterr().err
    assert main(["route", "--csv", str(source), "--profil", "partenaire"]) == 0
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == written


@pytest.mark.usefixtures("command")
def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "liste.csv"
    assert main(["route", "--csv", str(source)]) == 2 and "ne peut pas être lu" in capsys.readouterr().err
    source.write_text("sujet\ntoit\n")
    assert main(["route", "--csv", str(source)]) == 2 and "« objet »" in capsys.readouterr().err
    source.write_text("objet\ntoit\n")
    assert main(["route", "--csv", str(source), "-o", str(source)]) == 2 and "remplacerait" in capsys.readouterr().err
    assert source.read_text() == "objet\ntoit\n"
    assert main(["route", "--csv", str(source), "-o", str(tmp_path / "rien" / "x.csv")]) == 2 and "écrite" in capsys.readouterr().err


def test_a_list_is_bounded_while_it_is_read() -> None:
    assert read_list(b"objet" + b";" * 200_000 + b"\n" + b"toit\n" * 990).header == ("objet", *[""] * 99), "empty columns are cut"
    with pytest.raises(BadMessage, match="100 colonnes"):
        read_list(b"objet" + b";a" * 200 + b"\ntoit\n")
    assert len(read_list(b"objet;a\n" + b"toit;\n" * 5_000, 1_000).rows) == 1_001
