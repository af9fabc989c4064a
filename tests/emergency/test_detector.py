"""Emergencies are recognised with the right number first; everything else stays calm, fast, whatever is typed."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bot.base.errors import ReferentialError
from bot.base.paths import project_paths
from bot.base.yaml_lines import load_located
from bot.emergency.detector import Emergency, EmergencyDetector, EmergencyRules, Rule, load_rules, load_situations
from bot.language.cleaning import strip_accents
from bot.language.spelling import COMMON_WORDS, load_speller
from bot.measure.noise import dialect, typing_errors

NUMBERS = project_paths().referential / "urgences.yml"
RULES = project_paths().referential / "urgences_regles.yml"
COMMON_WORDS_FILE = project_paths().referential / COMMON_WORDS

LONG = 20_000
BUDGET_SECONDS = 0.100  # a third of it on an idle machine
USUAL_SECONDS = 0.001
HARD_FLOOR = 33


def _cases(pattern: str) -> list[dict[str, Any]]:
    files = sorted(project_paths().test_sets.glob(pattern))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


TRUE_CASES = _cases("urgences_vraies*.jsonl")
CALM_CASES = _cases("urgences_fausses*.jsonl")
HARD_CASES = _cases("urgences_difficiles.jsonl")
REQUESTS = _cases("demandes_*.jsonl")


@pytest.fixture(scope="module")
def situations() -> dict[str, tuple[str, ...]]:
    return load_situations(NUMBERS)


@pytest.fixture(scope="module")
def rules() -> EmergencyRules:
    return load_rules(RULES)


@pytest.fixture(scope="module")
def detector(situations: dict[str, tuple[str, ...]], rules: EmergencyRules) -> EmergencyDetector:
    return EmergencyDetector(situations, rules, load_speller(COMMON_WORDS_FILE))


# --- Every message ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", TRUE_CASES, ids=lambda case: case["id"])
def test_an_emergency_gets_the_right_number_first(detector: EmergencyDetector, case: dict[str, Any]) -> None:
    found = detector.detect(case["texte"])
    assert found is not None, case["texte"]
    assert found.numeros[0] in case["numeros"], (case["texte"], found)
    assert found.extrait in case["texte"]


@pytest.mark.parametrize("case", CALM_CASES, ids=lambda case: case["id"])
def test_a_look_alike_stays_calm(detector: EmergencyDetector, case: dict[str, Any]) -> None:
    assert detector.detect(case["texte"]) is None, case["texte"]


@pytest.mark.parametrize(
    "retype",
    [str.upper, strip_accents, lambda text: re.sub(r"[^\w ]+", " ", text), lambda text: text.replace(".", " !!!") + " !!!"],
    ids=["capitals", "no accents", "no punctuation", "shouting"],
)
def test_the_way_of_typing_changes_nothing(detector: EmergencyDetector, retype: Any) -> None:
    missed = [case["id"] for case in TRUE_CASES if detector.detect(retype(case["texte"])) is None]
    alarms = [case["id"] for case in CALM_CASES if detector.detect(retype(case["texte"])) is not None]
    assert (missed, alarms) == ([], [])


@pytest.mark.parametrize(
    ("retype", "least", "most"), [(typing_errors, 0.975, 0.01), (dialect, 0.99, 0.005)], ids=["typing errors", "dialect"]
)
def test_misspelt_or_local_words_change_little(detector: EmergencyDetector, retype: Any, least: float, most: float) -> None:
    seen = sum(detector.detect(retype(case["texte"])) is not None for case in TRUE_CASES)
    alarms = sum(detector.detect(retype(case["texte"])) is not None for case in CALM_CASES)
    assert seen / len(TRUE_CASES) >= least
    assert alarms / len(CALM_CASES) <= most


@pytest.mark.parametrize(
    ("typed", "situation"),
    [
        ("il resipre plus", "detresse_vitale"),
        ("mon pere a fait un malasie", "detresse_vitale"),
        ("JE ME NOEI AU SECOURS LA RIVIRE", "noyade"),
        ("quelquun essaie de frocer ma porte", "intrus"),
    ],
)
def test_a_slip_on_the_word_that_matters_is_read_through(detector: EmergencyDetector, typed: str, situation: str) -> None:
    found = detector.detect(typed)
    assert found is not None
    assert found.situation == situation
    assert found.extrait in typed


@pytest.mark.parametrize(
    ("text", "situation"),
    [
        ("il a mangé du poison", "empoisonnement"),
        ("le drôle a bu du poison pour les taupes", "empoisonnement"),
        ("je vends du poisson au marché", None),
        ("mon fils a mangé du poisson", None),
        ("mes drôles ont disparu depuis midi", "enfant_disparu"),
        ("ma drolle est tombée dans la rivière", "noyade"),
        ("c'est pas drôle d'attendre", None),
        ("quelle drôle d'idée ce formulaire", None),
    ],
)
def test_words_that_look_alike_are_told_apart(detector: EmergencyDetector, text: str, situation: str | None) -> None:
    found = detector.detect(text)
    assert (found and found.situation) == situation


@pytest.mark.parametrize("name", ["Resipre", "Frocer", "SAIGNNE"])
def test_a_name_in_a_sentence_is_not_corrected(detector: EmergencyDetector, name: str) -> None:
    assert detector.detect(f"je cherche le dossier de monsieur {name} pour la mairie") is None


@pytest.mark.parametrize(
    ("before", "least"),
    [
        ("Bonjour, je vous écris de Cahors. ", 0.99),
        ("Bonjour, j'ai fait ma demande de carte grise en ligne le mois dernier et mon dossier est bloqué. ", 0.97),
    ],
)
def test_an_emergency_after_ordinary_words_is_still_seen(detector: EmergencyDetector, before: str, least: float) -> None:
    seen = sum(detector.detect(before + case["texte"]) is not None for case in TRUE_CASES)
    assert seen / len(TRUE_CASES) >= least


def test_emergencies_told_without_a_word_of_danger_are_not_missed_more_than_today(detector: EmergencyDetector) -> None:
    """These messages were kept as written, most of them missed: raise the floor when rules improve, never lower it."""
    seen = [case for case in HARD_CASES if (found := detector.detect(case["texte"])) and found.numeros[0] in case["numeros"]]
    assert len(seen) >= HARD_FLOOR, f"{len(seen)}/{len(HARD_CASES)}"


def test_ordinary_requests_seldom_raise_an_alarm(detector: EmergencyDetector) -> None:
    alarms = [case["id"] for case in REQUESTS if detector.detect(case["texte"]) is not None]
    assert len(alarms) / len(REQUESTS) < 0.008, alarms


# --- What a deaf or silent person gets ----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "je suis sourd, ma cuisine brûle",
        "je suis malentendante et mon mari me frappe",
        "je ne peux pas parler, il y a un homme dans la maison",
    ],
)
def test_who_cannot_speak_gets_the_text_number_first(
    detector: EmergencyDetector, situations: dict[str, tuple[str, ...]], text: str
) -> None:
    found = detector.detect(text)
    assert found is not None
    assert found.situation == "parole_impossible"
    assert found.numeros == situations["parole_impossible"]


# --- Nonsense, and speed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\n", "?", "...", "!!!!", "\x00", "🙂", "12345", "0", "a", "\u200b", "_", "é" * 50, "مرحبا", "你好", "-" * 500, "x" * LONG],
    ids=repr,
)
def test_nonsense_is_not_an_emergency(detector: EmergencyDetector, text: str) -> None:
    assert detector.detect(text) is None


@pytest.mark.parametrize("value", [None, 1, 1.5, b"feu", ["feu"], {}])
def test_what_is_not_text_is_refused(detector: EmergencyDetector, value: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        detector.detect(value)


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "é",
        "! ",
        "mon mari ",
        "je suis il a pas de ",
        "le feu vert de la mairie est arrivé ",
        "mon voisin a disparu en 2015. ",
        "l'an dernier mon mari me frappait et la maison a brûlé en mars 2010 ",
        "enfant petit fille bébé seul ",
        "(((((",
        "ne ne ne pas plus ",
        "le petit il est dans l'eau et on ne le voit plus ",
        "jjj d'l'n's'",
        " ".join("".join(random.Random(seed).choices("aeioulmnrst", k=7)) for seed in range(LONG // 8)) + " ",
        " ".join(case["texte"] for case in CALM_CASES[:200]) + " ",
        " ".join(sorted({word for case in TRUE_CASES for word in case["texte"].split()})) + " ",
    ],
    ids=lambda unit: unit[:20],
)
def test_a_very_long_message_is_read_at_once(detector: EmergencyDetector, unit: str) -> None:
    text = (unit * (LONG // len(unit) + 1))[:LONG]
    assert min(_seconds(detector, text) for _ in range(7)) < BUDGET_SECONDS


def test_an_ordinary_message_costs_next_to_nothing(detector: EmergencyDetector) -> None:
    def pass_over() -> float:
        return sum(_seconds(detector, case["texte"]) for case in REQUESTS[:500]) / 500

    assert min(pass_over() for _ in range(5)) < USUAL_SECONDS


def test_the_cost_grows_no_faster_than_the_message(detector: EmergencyDetector) -> None:
    text = " ".join(case["texte"] for case in CALM_CASES)
    short, long = text[:5_000], text[:20_000]
    ratio = min(_seconds(detector, long) for _ in range(7)) / min(_seconds(detector, short) for _ in range(7))
    assert ratio < 8


def test_made_up_words_do_not_fill_the_memory(detector: EmergencyDetector) -> None:
    kept = detector._reader._heard.cache_info().maxsize
    for start in range(0, 3 * kept, 1_000):
        detector.detect(" ".join(f"mot{number}" for number in range(start, start + 1_000)))
    assert detector._reader._heard.cache_info().currsize <= kept
    before = detector._reader._heard.cache_info().currsize, detector._book._known.cache_info().misses
    detector.detect("xy" * LONG)
    assert (detector._reader._heard.cache_info().currsize, detector._book._known.cache_info().misses) == before


def _seconds(detector: EmergencyDetector, text: str) -> float:
    start = time.process_time()
    detector.detect(text)
    return time.process_time() - start


def test_the_same_message_always_gets_the_same_answer(
    detector: EmergencyDetector, situations: dict[str, tuple[str, ...]], rules: EmergencyRules
) -> None:
    again = EmergencyDetector(situations, rules, load_speller(COMMON_WORDS_FILE))
    assert all(detector.detect(case["texte"]) == again.detect(case["texte"]) for case in TRUE_CASES[::5])


def test_the_extract_is_what_was_typed(detector: EmergencyDetector) -> None:
    found = detector.detect("Bonjour. Y A LE FEU chez le voisin ! Merci")
    assert found is not None
    assert "FEU" in found.extrait
    assert "Merci" not in found.extrait
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.situation = "autre"  # type: ignore[misc]


# --- The data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cases", [TRUE_CASES, CALM_CASES], ids=["true", "calm"])
def test_the_messages_are_many_and_all_different(cases: list[dict[str, Any]]) -> None:
    assert len(cases) >= 220
    assert len({case["id"] for case in cases}) == len(cases)
    assert len({case["texte"].lower() for case in cases}) == len(cases)


def test_every_situation_can_be_recognised_and_is_tried(situations: dict[str, tuple[str, ...]], rules: EmergencyRules) -> None:
    clues = {name for family in rules.points.familles.values() for name in family}
    recognised = {rule.situation for rule in (*rules.regles, *rules.modificateurs)} | clues
    assert recognised == set(situations)
    assert {case["situation"] for case in TRUE_CASES} == set(situations)


def test_the_numbers_are_documented_in_plain_words() -> None:
    document = load_located(NUMBERS)
    numbers = {row["numero"]: row for row in document.data["numeros"]}
    for row in numbers.values():
        assert set(row) >= {"numero", "nom", "sens", "source", "verifie_le"}
        assert len(re.findall(r"[\w']+", row["sens"])) <= 12, row["sens"]
    for row in document.data["situations"]:
        assert set(row["numeros"]) <= set(numbers), row["id"]
        assert len(set(row["numeros"])) == len(row["numeros"]), row["id"]
        assert 1 <= row["consigne"].count(".") <= 2, row["consigne"]


def test_every_number_serves_some_situation() -> None:
    document = load_located(NUMBERS)
    used = {number for row in document.data["situations"] for number in row["numeros"]}
    assert used == {row["numero"] for row in document.data["numeros"]}


# --- Files that are wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("load", [load_situations, load_rules])
@pytest.mark.parametrize("content", [None, "", "- 1\n", "situations: 3\n", "situations:\n- id: a\n", "mots: [\n", "mots: {}\nregles: 1\n"])
def test_a_wrong_file_is_explained(tmp_path: Path, load: Any, content: str | None) -> None:
    path = tmp_path / "urgences.yml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ReferentialError, match=r"urgences\.yml"):
        load(path)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Rule("inconnue", ("feu",)), "inconnue"),
        (Rule("incendie", ("feu",), force="enorme"), "enorme"),
        (Rule("incendie", ("feu",), avec=("nulle_part",)), "nulle_part"),
        (Rule("incendie", ("feu",), sauf=("nulle_part",)), "nulle_part"),
        (Rule("incendie", ("feu",), calmants=("nulle_part",)), "nulle_part"),
        (Rule("incendie", ("@nulle_part",)), "nulle_part"),
        (Rule("incendie", (".. feu",)), "commencer"),
        (Rule("incendie", ("feu ..",)), "commencer"),
        (Rule("incendie", ("",)), "commencer"),
        (Rule("incendie", ("(en feu|(qui|ca) brule)",)), "groupe dans un groupe"),
    ],
)
def test_a_wrong_rule_is_explained(situations: dict[str, tuple[str, ...]], rules: EmergencyRules, rule: Rule, message: str) -> None:
    with pytest.raises(ReferentialError, match=message):
        EmergencyDetector(situations, dataclasses.replace(rules, regles=(rule,)))


def test_a_situation_without_number_is_refused(situations: dict[str, tuple[str, ...]], rules: EmergencyRules) -> None:
    with pytest.raises(ReferentialError, match="incendie"):
        EmergencyDetector({**situations, "incendie": ()}, rules)


def test_numbers_come_from_outside(situations: dict[str, tuple[str, ...]], rules: EmergencyRules) -> None:
    other = EmergencyDetector({**situations, "incendie": ("999",)}, rules)
    assert other.detect("ma cuisine est en feu") == Emergency("incendie", ("999",), "en feu")
