"""Dangers told in another language: seen in every state, on messages nobody learnt from, and French left alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.base.errors import ReferentialError
from bot.base.paths import project_paths
from bot.emergency.abroad import WEIGHTS, WORDS, AbroadDetector, Weights, load_abroad, readings
from bot.emergency.detector import CALL, EmergencyDetector
from bot.emergency.rules import Rules
from bot.emergency.situations import load_situations
from bot.language.lexicon import Lexicon, tokens_of
from bot.language.spelling import COMMON_WORDS, load_speller
from bot.learning.abroad import learn, read_messages
from bot.learning.emergencies import HELD_OUT, read_danger_messages
from bot.measure.abroad import BLIND, measure, read_rows
from bot.understanding.encoders import meaning

PATHS = project_paths()
SITUATIONS = load_situations(PATHS.referential / "urgences.yml")
CRIES = {
    "quiero suicidarme": ("es", "suicide"),
    "kocam beni dövüyor": ("tr", "violences_conjugales"),
    "voglio uccidermi": ("it", "suicide"),
    "ik wil dood": ("nl", "idees_suicidaires"),
    "intihar etmek istiyorum": ("tr", "suicide"),
    "救命": ("zh", "appel_a_l_aide"),
    "मेरा पति मुझे मारता है": ("hi", "violences_conjugales"),
    "بيتي يحترق": ("ar", "incendie"),
    "3awnouni dari kat7re9": ("ar-Latn", "incendie"),
    "мій чоловік мене б'є": ("uk", None),
    "MI CASA SE QUEMA!!!": ("es", "incendie"),
    "aiutoooo": ("it", None),
}
FRENCH = ("je veux un passeport pour mon fils", "mon mari me frappe", "permis", "bonjour", "12 !", "", "slt jveu ma cart grise svp")


@pytest.fixture(scope="module")
def abroad() -> AbroadDetector:
    """Both voices."""
    return load_abroad(
        PATHS.referential, SITUATIONS, CALL, load_speller(PATHS.referential / COMMON_WORDS), lambda text: meaning(text).tolist()
    )


@pytest.fixture(scope="module")
def alone() -> AbroadDetector:
    """The first voice, as when the encoder cannot be had."""
    return load_abroad(PATHS.referential, SITUATIONS, CALL, load_speller(PATHS.referential / COMMON_WORDS), lambda text: None)


@pytest.mark.parametrize(("text", "told"), CRIES.items())
def test_a_cry_is_heard_in_its_language(abroad: AbroadDetector, alone: AbroadDetector, text: str, told: tuple[str, str | None]) -> None:
    for detector in (abroad, alone):
        found = detector.sense(text)
        assert found is not None and found.alarm and found.language == told[0]
        assert told[1] in (None, found.situation)


@pytest.mark.parametrize("text", ["der Dachstuhl steht lichterloh, wir kommen nicht mehr raus", "wypił płyn do chłodnic zamiast soku"])
def test_a_danger_without_a_word_of_ours_is_heard_by_its_meaning(abroad: AbroadDetector, alone: AbroadDetector, text: str) -> None:
    first, both = alone.sense(text), abroad.sense(text)
    assert both is not None and both.alarm and not (first and first.alarm)


@pytest.mark.parametrize("text", ["accident", "incendie", "police", "tank", "la bombe"])
def test_words_that_french_shares_are_french(abroad: AbroadDetector, text: str) -> None:
    assert abroad.sense(text) is None


@pytest.mark.parametrize("text", FRENCH)
def test_french_is_left_to_the_french_detector(abroad: AbroadDetector, text: str) -> None:
    found = abroad.sense(text)
    assert found is None or not found.alarm
    assert abroad.language(text) == ""


def test_french_messages_raise_no_alarm_here(abroad: AbroadDetector) -> None:
    calm = [m.text for m in read_danger_messages(PATHS.tuning / HELD_OUT) if not m.situation]
    assert [text for text in calm if (found := abroad.sense(text)) and found.alarm] == []


def test_the_numbers_begin_with_the_one_of_all_languages(abroad: AbroadDetector) -> None:
    detector = EmergencyDetector(SITUATIONS, Rules([]), abroad=abroad)
    for text in CRIES:
        found = detector.detect(text)
        assert found is not None and found.numeros[0] == SITUATIONS[CALL][0] and set(SITUATIONS[found.situation]) <= set(found.numeros)


def test_most_dangers_of_messages_nobody_learnt_from_are_seen(abroad: AbroadDetector) -> None:
    rows = read_rows(PATHS.test_sets / BLIND)
    found = measure(EmergencyDetector(SITUATIONS, Rules([]), abroad=abroad), rows)
    assert len(found) >= 20
    for language, (seen, dangers, alarms, calm) in found.items():
        assert seen >= 0.75 * dangers and alarms <= 0.25 * calm, language
    totals = [sum(column) for column in zip(*found.values(), strict=True)]
    assert totals[0] >= 0.95 * totals[1] and totals[2] <= 0.05 * totals[3]


@pytest.mark.parametrize("text", ["where is the police", "I live in Figeac", "goodbye", "jetoj ne Gramat", "polis karakolu nerede", "شكرا"])
def test_ordinary_words_raise_no_alarm(abroad: AbroadDetector, text: str) -> None:
    found = abroad.sense(text)
    assert found is None or not found.alarm


def test_nothing_blind_is_learnt() -> None:
    learnt = {row["texte"].casefold() for row in read_messages(PATHS)}
    blind = [PATHS.test_sets / BLIND, *PATHS.test_sets.glob("etrangers_aveugles_*.jsonl")]
    assert not [row for path in blind for row in read_rows(path) if row["texte"].casefold() in learnt]
    assert {row["situation"] for row in read_messages(PATHS)} - {""} <= set(SITUATIONS)


def test_the_weights_are_those_of_the_messages_and_words() -> None:
    kept = Weights(**json.loads((PATHS.referential / WEIGHTS).read_text(encoding="utf-8")))
    again = learn(PATHS.referential / WORDS, read_messages(PATHS))
    assert again.niveaux == pytest.approx(kept.niveaux, abs=0.05) and set(again.poids) == set(kept.poids), (
        "python -m scripts.urgences_langues"
    )
    assert again.mots == kept.mots
    assert max(abs(again.poids[name] - worth) for name, worth in kept.poids.items()) < 0.05


def test_words_are_bare_in_every_alphabet() -> None:
    assert tokens_of("L'été, б'є! أنقِذونا… 救命。") == ["l", "ete", "бє", "انقذونا", "救命"]
    lexicon = Lexicon({"es": {"feu": ["fuego", "incendi*", "se_quema"]}, "zh": {"feu": ["火"]}})
    for text, notions in (("FUEGO", {"feu"}), ("incendios", {"feu"}), ("se quema", {"feu"}), ("quema", None), ("我家着火了", {"feu"})):
        sign = lexicon.read(tokens_of(text))
        assert (sign and set(sign.notions)) == notions, text


def test_a_long_message_is_read_to_its_end_at_a_cost_that_grows_as_it(abroad: AbroadDetector) -> None:
    found = abroad.sense("quiero renovar mi pasaporte. " * 500 + "mi casa se quema")
    assert found is not None and found.alarm and found.situation == "incendie"
    words = [f"mot{i}" for i in range(300)]
    assert {w for part in readings(" ".join(words)) for w in part} == set(words)

    def seconds(size: int) -> float:
        started = time.process_time()
        abroad.sense("kocam evde çocuk pasaport " * size)
        return time.process_time() - started

    assert min(seconds(800) for _ in range(3)) < 10 * max(min(seconds(200) for _ in range(3)), 0.002)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "- 1\n",
        lambda text: text.replace("neutres: >\n  pas", "neutres: >\n  nulle_part pas", 1),
        lambda text: text.replace("situation: suicide", "situation: inconnue", 1),
        lambda text: text.replace("situations:", "autre:", 1),
    ],
)
def test_wrong_words_are_explained(tmp_path: Path, change: Callable[[str], str]) -> None:
    (tmp_path / WORDS).write_text(change((PATHS.referential / WORDS).read_text(encoding="utf-8")), encoding="utf-8")
    (tmp_path / WEIGHTS).write_text((PATHS.referential / WEIGHTS).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ReferentialError, match=r"urgences_langues\.yml"):
        load_abroad(tmp_path, SITUATIONS, CALL)


def test_missing_weights_are_explained(tmp_path: Path) -> None:
    (tmp_path / WORDS).write_text((PATHS.referential / WORDS).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ReferentialError, match=r"urgences_poids\.json"):
        load_abroad(tmp_path, SITUATIONS, CALL)
