"""Dangers: what the short list must see alone, what was learnt must see on held-out messages, and nothing that breaks or slows it."""

from __future__ import annotations

import dataclasses
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import bot.emergency
from bot.base.errors import ModelCorrupt, ModelMissing, ReferentialError
from bot.base.paths import ProjectPaths, project_paths
from bot.base.yaml_lines import load_located
from bot.emergency.detector import EmergencyDetector
from bot.emergency.learnt import CALM, MANIFEST_FILE, MODEL_FILE, STRETCH, load_learnt, readings
from bot.emergency.rules import Rules, compiled, load_rules, sentences
from bot.emergency.situations import Emergency, load_situations
from bot.language.cleaning import strip_accents
from bot.learning.emergencies import HELD_OUT, DangerMessage, fit, levels, read_danger_messages, save

PATHS = project_paths()
NUMBERS, WORDS = PATHS.referential / "urgences.yml", PATHS.referential / "urgences_mots.yml"
SITUATIONS = load_situations(NUMBERS)
HELD = read_danger_messages(PATHS.tuning / HELD_OUT)
DANGERS, LOOK_ALIKES = [m for m in HELD if m.situation], [m for m in HELD if not m.situation]
CRIES = {
    "y a le feu chez le voisin": "incendie",
    "ma cuisine est en feu": "incendie",
    "IL Y A LE FEU": "incendie",
    "mon père ne respire plus": "detresse_vitale",
    "mon bébé ne respire plus": "bebe_en_detresse",
    "mon mari me frappe": "violences_conjugales",
    "je veux mourir": "idees_suicidaires",
    "je vais me pendre": "suicide",
    "ça sent le gaz": "fuite_gaz",
    "un homme est tombé dans la rivière": "noyade",
    "quelqu'un essaie de rentrer chez moi": "intrus",
    "je veux tuer mon voisin": "violence_en_cours",
    "il manque un enfant depuis l'appel": "enfant_disparu",
    "je suis sourde et mon mari me frappe": "parole_impossible",
    "au secours": "appel_a_l_aide",
    "Feuer! Hilfe!": "appel_a_l_aide",
    "help": "appel_a_l_aide",
    "urgence": "appel_a_l_aide",
}
CALM_WORDS = (
    "la rivière est interdite à la baignade ?",
    "dossier déposé depuis 2 ans",
    "mon père est mort et je veux garder son fusil",
    "mon ado fume",
    "le feu au rouge",
    "débroussaillement",
    "ma mère est morte hier",
    "il y a le feu dans la salle des fêtes : quelle réglementation ?",
    "je me noie dans les papiers",
    "hébergement d'urgence, quel agrément",
    "ma grange a brûlé l'an dernier, que dit l'assurance",
    "au secours populaire, quels horaires",
)
LONG = 20_000
RECALL, RIGHT_NUMBER, INSIDE = 0.83, 0.92, 0.71
"""Least shares on the held-out messages, some points under what was measured: see docs/adr/0020-urgences-apprises.md."""


@pytest.fixture(scope="module")
def quick() -> EmergencyDetector:
    """A detector learnt on a few messages: the machinery, not the quality."""
    dangers = read_danger_messages(PATHS.dangers)[::25]
    learnt = fit([m.text for m in dangers], [m.situation or CALM for m in dangers])
    return EmergencyDetector(SITUATIONS, load_rules(WORDS, SITUATIONS), learnt)


# --- The short list, alone


@pytest.mark.parametrize(("text", "situation"), CRIES.items())
def test_a_plain_cry_needs_no_model(detector: EmergencyDetector, text: str, situation: str) -> None:
    assert detector.detect(text) == Emergency(situation, SITUATIONS[situation], sure=True)


@pytest.mark.parametrize("text", CALM_WORDS)
def test_words_of_danger_alone_are_no_cry(detector: EmergencyDetector, text: str) -> None:
    assert detector.detect(text) is None


def test_the_short_list_is_short_and_seldom_wrong(detector: EmergencyDetector) -> None:
    assert len(WORDS.read_text(encoding="utf-8").splitlines()) <= 400
    alarms = [m.text for m in LOOK_ALIKES if detector.detect(m.text)]
    assert len(alarms) / len(LOOK_ALIKES) < 0.01, alarms


@pytest.mark.parametrize("retype", [str.upper, strip_accents, lambda t: f"{t} !!!", lambda t: f"Bonjour.\n\n{t}\n\nMerci."])
def test_the_way_of_typing_changes_nothing(detector: EmergencyDetector, retype: Any) -> None:
    assert [text for text in CRIES if text not in {"help", "urgence"} and detector.detect(retype(text)) is None] == []


def test_an_exception_holds_for_its_sentence_only() -> None:
    rules = Rules([], None)
    assert rules.find(["au feu"]) is None
    both = load_rules(WORDS, SITUATIONS)
    assert both.find(sentences("j'ai une assurance. ma maison brûle")) == "incendie"
    assert both.find(sentences("j'ai une assurance, ma maison brûle")) is None


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("brul*", " ca brulait ", " ca bru "),
        ("feu|flammes ici", " des flammes ici ", " feu la "),
        ("il .. tombe", " il est encore tombe ", " il a b c d e tombe "),
        ("ne? respire plus", " respire plus ", " respire "),
        ("^ aide $", " aide ", " une aide "),
        ("@qui crie", " papa crie ", " chat crie "),
    ],
)
def test_patterns(pattern: str, yes: str, no: str) -> None:
    expression = compiled(pattern, {"qui": "papa|maman"})
    assert re.search(expression, yes) and not re.search(expression, no)


@pytest.mark.parametrize("pattern", ["", ".. feu", "feu ..", "(feu", "a+", "@nulle_part"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        compiled(pattern, {})


@pytest.mark.parametrize(
    "content", [None, "", "- 1\n", "regles: 3\n", "mots: {}\nsauf: []\nregles:\n- situation: incendie\n  motifs: ['(']\n"]
)
def test_wrong_rules_are_explained(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "urgences_mots.yml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ReferentialError, match=r"urgences_mots\.yml"):
        load_rules(path, SITUATIONS)


def test_a_rule_for_an_unknown_situation_is_refused() -> None:
    with pytest.raises(ReferentialError, match="incendie"):
        load_rules(WORDS, set(SITUATIONS) - {"incendie"})


# --- What was learnt, on messages never trained on


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


@pytest.mark.modele
def test_dangers_are_seen_and_look_alikes_are_not(learnt_detector: EmergencyDetector) -> None:
    seen = [(m, learnt_detector.detect(m.text)) for m in DANGERS]
    assert _share([found is not None for _, found in seen]) >= RECALL
    assert _share([found.numeros[0] in (m.numeros or SITUATIONS[m.situation]) for m, found in seen if found]) >= RIGHT_NUMBER
    assert _share([learnt_detector.detect(m.text) is not None for m in LOOK_ALIKES]) <= 0.06


@pytest.mark.modele
@pytest.mark.parametrize("text", CALM_WORDS)
def test_known_false_alarms_stay_away(learnt_detector: EmergencyDetector, text: str) -> None:
    assert learnt_detector.detect(text) is None


@pytest.mark.modele
@pytest.mark.parametrize(("text", "situation"), CRIES.items())
def test_a_cry_keeps_its_first_number_when_all_is_read(learnt_detector: EmergencyDetector, text: str, situation: str) -> None:
    found = learnt_detector.detect(text)
    assert found and set(SITUATIONS[situation][:2]) & set(found.numeros[:2])


@pytest.mark.modele
def test_a_danger_inside_a_request_is_seen(learnt_detector: EmergencyDetector) -> None:
    before = "Bonjour, j'ai fait ma demande de carte grise en ligne le mois dernier et mon dossier est bloqué depuis trois semaines. "
    after = " Sinon, pour la carte grise, faut-il refaire le paiement ou attendre le courrier de l'agence nationale des titres ? Merci."
    alone = [m for m in DANGERS if learnt_detector.detect(m.text)]
    assert _share([learnt_detector.detect(before * 2 + m.text + "." + after * 2) is not None for m in alone]) >= INSIDE


# --- The machinery


def test_the_same_messages_always_give_the_same_detector() -> None:
    texts, labels = ["y a le feu", "le feu ici", "un passeport", "mon passeport"], ["incendie", "incendie", CALM, CALM]
    first, again = fit(texts, labels), fit(texts, labels)
    assert first.labels == again.labels and (first.weights.values == again.weights.values).all() and (first.bias == again.bias).all()


def test_what_was_learnt_decides_and_tells_how_sure_it_is(quick: EmergencyDetector) -> None:
    learnt = quick._learnt
    assert learnt is not None
    text = "le monsieur du guichet est tout gris, il se tient le bras gauche et transpire"
    odds = learnt.sense(text).odds  # type: ignore[union-attr]
    before = learnt.alarm
    try:
        answers = []
        for seuil, sur in ((odds + 1, odds + 2), (odds - 1, odds + 1), (odds - 2, odds - 1)):
            learnt.alarm = dataclasses.replace(before, seuil=seuil, extrait=seuil, sur=sur)
            found = quick.detect(text)
            answers.append(found and found.sure)
        assert answers == [None, False, True]
    finally:
        learnt.alarm = before


def test_levels_leave_few_alarms(quick: EmergencyDetector) -> None:
    assert quick._learnt is not None
    alarm = levels(quick._learnt, [m.text for m in LOOK_ALIKES], ["un passeport svp", "ma carte grise"])
    assert alarm.seuil <= alarm.extrait and alarm.seuil <= alarm.sur


def test_a_long_message_is_read_to_its_end_and_by_stretches() -> None:
    words = [f"mot{i}" for i in range(3000)]
    wholes, stretches = readings(" ".join(words))
    assert " ".join(wholes).split() == words
    assert max(len(s.split()) for s in stretches) <= STRETCH
    assert {w for s in stretches for w in s.split()} == set(words)
    assert readings(" ".join(words[:STRETCH]))[1] == []
    assert readings("un passeport pour ma fille. il y a le feu ici. oui")[1] == ["un passeport pour ma fille", "il y a le feu ici"]
    assert readings("   ") == ([], [])


def test_a_danger_at_the_very_end_is_read(detector: EmergencyDetector, quick: EmergencyDetector) -> None:
    text = "bla " * 4_500 + ". il y a le feu chez le voisin"
    assert detector.detect(text) and quick.detect(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\n", "?", "...", "\x00", "🙂", "12345", "a", "\u200b", "_", "مرحبا", "你好", "-" * 500, "\ud800", "((((", "x" * LONG],
    ids=repr,
)
def test_nonsense_breaks_nothing(detector: EmergencyDetector, quick: EmergencyDetector, text: str) -> None:
    assert detector.detect(text) is None
    quick.detect(text)


@pytest.mark.parametrize("value", [None, 1, 1.5, b"feu", ["feu"], {}])
def test_what_is_not_text_is_refused(detector: EmergencyDetector, value: Any) -> None:
    with pytest.raises(TypeError, match="must be a str"):
        detector.detect(value)


UNITS = [
    "a ",
    "é",
    "! ",
    "mon mari ",
    "il a pas de il ",
    "ne ne ne pas plus ",
    "je suis sourd ",
    " ".join("".join(random.Random(seed).choices("aeioulmnrst", k=7)) for seed in range(LONG // 8)) + " ",
    " ".join(m.text for m in LOOK_ALIKES[:200]) + " ",
]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit[:12])
def test_the_cost_grows_no_faster_than_the_message(quick: EmergencyDetector, unit: str) -> None:
    short, long = ((unit * (n // len(unit) + 1))[:n] for n in (LONG // 4, LONG))
    ratio = min(_seconds(quick, long) for _ in range(3)) / max(min(_seconds(quick, short) for _ in range(3)), 0.01)
    assert ratio < 10


def _seconds(detector: EmergencyDetector, text: str) -> float:
    start = time.process_time()
    detector.detect(text)
    return time.process_time() - start


# --- On disk


def test_a_detector_is_written_and_read_again(tmp_path: Path, quick: EmergencyDetector) -> None:
    folder, learnt = tmp_path / "urgences", quick._learnt
    assert learnt is not None
    save(folder, learnt, {"empreinte": "x"})
    again = load_learnt(folder)
    assert [again.sense(m.text) for m in HELD[:50]] == [learnt.sense(m.text) for m in HELD[:50]]
    save(folder, learnt, {"empreinte": "y"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["urgences"]
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1] + b"!")
    with pytest.raises(ModelCorrupt):
        load_learnt(folder)
    (folder / MANIFEST_FILE).write_text("[")
    with pytest.raises(ModelCorrupt):
        load_learnt(folder)
    with pytest.raises(ModelMissing):
        load_learnt(tmp_path / "rien")


def test_without_what_was_learnt_the_short_list_answers(tmp_path: Path, paths: ProjectPaths, caplog: pytest.LogCaptureFixture) -> None:
    from bot.learning.loading import load_detector

    bare = load_detector(ProjectPaths(paths.root, tmp_path))
    assert bare.detect("ma maison brûle") and "no learnt" in caplog.text


# --- The data


def test_held_out_messages_are_many_and_never_trained_on() -> None:
    trained = {m.text for m in read_danger_messages(PATHS.dangers)}
    assert len(DANGERS) > 500 and len(LOOK_ALIKES) > 500
    assert not [m.text for m in HELD if m.text in trained]


def test_every_situation_is_learnt() -> None:
    assert {m.situation for m in read_danger_messages(PATHS.dangers) if m.situation} == set(SITUATIONS)


def test_the_numbers_are_documented_in_plain_words() -> None:
    document = load_located(NUMBERS)
    numbers = {row["numero"]: row for row in document.data["numeros"]}
    for row in numbers.values():
        assert set(row) >= {"numero", "nom", "sens", "source", "verifie_le"}
        assert len(re.findall(r"[\w']+", row["sens"])) <= 12, row["sens"]
    for row in document.data["situations"]:
        assert set(row["numeros"]) <= set(numbers) and len(set(row["numeros"])) == len(row["numeros"]), row["id"]
        assert 1 <= row["consigne"].count(".") <= 2, row["consigne"]
    assert {number for row in document.data["situations"] for number in row["numeros"]} == set(numbers)


def test_no_number_is_written_in_the_code() -> None:
    numbers = {row["numero"] for row in load_located(NUMBERS).data["numeros"]}
    for module in Path(bot.emergency.__file__).parent.glob("*.py"):
        assert not set(re.findall(r"[\"'](\d+)[\"']", module.read_text(encoding="utf-8"))) & numbers


@pytest.mark.parametrize("content", [None, "", "- 1\n", "situations: 3\n", "situations:\n- id: a\n"])
def test_wrong_situations_are_explained(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "urgences.yml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ReferentialError, match=r"urgences\.yml"):
        load_situations(path)


def test_messages_are_read_with_their_origin(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"texte": "x", "situation": "incendie", "numeros": ["18"], "origine": "o"}\n{"texte": "y"}\n')
    assert read_danger_messages(tmp_path) == [DangerMessage("x", "incendie", ("18",), "o"), DangerMessage("y", "", (), "a")]
