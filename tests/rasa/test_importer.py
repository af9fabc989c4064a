"""The importer: the referential is the only list of intents, and Rasa's paths are obeyed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.modele

from rasa.shared.core.events import ActionExecuted, UserUttered  # noqa: E402
from rasa.shared.importers.importer import TrainingDataImporter  # noqa: E402
from rasa.validator import Validator  # noqa: E402

from bot.base.errors import ReferentialError  # noqa: E402
from bot.base.paths import ProjectPaths  # noqa: E402
from bot.rasa.importer import ReferentialImporter  # noqa: E402
from bot.referential import load_referential  # noqa: E402


def importer_of(tree: ProjectPaths) -> TrainingDataImporter:
    return TrainingDataImporter.load_from_config(str(tree.config), str(tree.root / "domain.yml"), [str(tree.root / "data")])


def rules_of(importer: TrainingDataImporter) -> dict[str, str]:
    found = {}
    for step in importer.get_stories().story_steps:
        intents = [e.intent["name"] for e in step.events if isinstance(e, UserUttered)]
        done = [e.action_name for e in step.events if isinstance(e, ActionExecuted) and str(e.action_name).startswith("action_")]
        found[intents[0]] = next(a for a in done if a != "action_listen")
    return found


def test_every_topic_and_act_has_its_intent(tree: ProjectPaths) -> None:
    importer = importer_of(tree)
    referential = load_referential(tree.referential)
    assert {*referential.topics, *referential.acts, "choisir"} <= set(importer.get_domain().intents)


def test_rules_are_those_of_the_files(tree: ProjectPaths) -> None:
    assert rules_of(importer_of(tree)) == {"choisir": "action_choisir", "nlu_fallback": "action_incompris"}


def test_what_is_written_in_the_domain_stays(tree: ProjectPaths) -> None:
    domain = importer_of(tree).get_domain()
    assert {s.name for s in domain.slots} >= {"destination", "choix", "en_attente", "profil", "commune", "echecs"}
    assert domain.session_config.session_expiration_time == 30
    assert not domain.session_config.carry_over_slots


def test_messages_come_from_the_paths_given(tree: ProjectPaths) -> None:
    assert importer_of(tree).get_nlu_data().intent_examples
    other = ReferentialImporter(str(tree.config), str(tree.root / "domain.yml"), [str(tree.root / "data" / "rules")])
    assert not other.get_nlu_data().intent_examples
    assert other.get_config()["assistant_id"] == "assistant-lot"


def test_without_a_domain_nothing_is_derived(tree: ProjectPaths) -> None:
    bare = ReferentialImporter(str(tree.config), None, [str(tree.corpus)])
    assert bare.get_domain().is_empty()
    assert bare.get_stories().is_empty()


def test_a_wrong_referential_says_so(tree: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "referentiel").mkdir(parents=True)
    monkeypatch.setenv("BOT_RACINE", str(tmp_path))
    with pytest.raises(ReferentialError):
        ReferentialImporter(str(tree.config), str(tree.root / "domain.yml"), []).get_domain()


def test_rasa_finds_nothing_to_say(tree: ProjectPaths) -> None:
    validator = Validator.from_importer(importer_of(tree))
    assert validator.verify_domain_validity()
    assert validator.verify_actions_in_stories_rules()
    assert validator.verify_slot_mappings()
