"""Messages that staff wrote down: word for word, after the cries, before what was learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base.errors import ReferentialError
from bot.emergency.detector import EmergencyDetector
from bot.emergency.known import load_known
from bot.emergency.rules import load_rules
from bot.emergency.situations import load_situations

FOLDER = Path(__file__).resolve().parents[2] / "data" / "referentiel"
SITUATIONS = load_situations(FOLDER / "urgences.yml")
RULES = load_rules(FOLDER / "urgences_mots.yml", SITUATIONS)


def test_a_message_written_down_is_known_word_for_word_and_a_cry_is_heard_before_it(tmp_path: Path) -> None:
    (tmp_path / "urgences_phrases.yml").write_text(
        'phrases:\n- {texte: "Le matou est parti, en vrille !", situation: accident}\n'
        '- {texte: "mon fils ne respire plus"}\n- {texte: "mon ordi fume"}\n',
        encoding="utf-8",
    )
    detector = EmergencyDetector(SITUATIONS, RULES, known=load_known(tmp_path, SITUATIONS))
    found = detector.detect("le matou est parti en vrille")
    assert found is not None and (found.situation, found.numeros) == ("accident", SITUATIONS["accident"])
    assert detector.detect("le matou est parti en vrille hier") is None
    assert detector.detect("mon ordi fume") is None
    assert detector.detect("mon fils ne respire plus") is not None
    assert [(c.part, c.situation, c.alarm) for c in detector.clues("Mon fils ne respire plus.")] == [
        ("mots", "detresse_vitale", True),
        ("phrases", "", False),
    ]


@pytest.mark.parametrize("word", ["Incendie", "noyade !", "SUICIDE", "AVC", "accident", "viol", "violences conjugales", "etouffement"])
def test_a_danger_named_in_one_word_shows_its_numbers(word: str) -> None:
    assert EmergencyDetector(SITUATIONS, RULES, known=load_known(FOLDER, SITUATIONS)).detect(word) is not None


def test_the_file_may_be_absent_and_tells_its_mistakes(tmp_path: Path) -> None:
    assert load_known(tmp_path, SITUATIONS) == {}
    (tmp_path / "urgences_phrases.yml").write_text('phrases:\n- {texte: "a", situation: inconnue}\n', encoding="utf-8")
    with pytest.raises(ReferentialError, match="inconnue"):
        load_known(tmp_path, SITUATIONS)
    (tmp_path / "urgences_phrases.yml").write_text("phrases: 3\n", encoding="utf-8")
    with pytest.raises(ReferentialError, match="mal écrite"):
        load_known(tmp_path, SITUATIONS)
