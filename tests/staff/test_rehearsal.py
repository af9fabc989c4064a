"""A version that waits is talked to beside the public one: its texts, its new requests, its merged topics; nothing is public."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from trees import make_tree

from bot.base.paths import ProjectPaths
from bot.dialogue.dialogue import ConversationState, Dialogue, Turn
from bot.dialogue.wording import Reply
from bot.referential import load_referential
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.rehearsal import MOST_TURNS, NO_SUCH_BUTTON, Pair, Said, rehearse, version_of

DRONE = "un drone survole ma terrasse tous les soirs"
SHEET = {
    "libelle": "Un drone au-dessus de chez moi",
    "public": ["citoyen"],
    "premier_geste": "appelez la gendarmerie.",
    "source": "Note du 3 mars",
    "verifie_le": date(2026, 11, 20),
}


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path)


def versions(tree: ProjectPaths) -> tuple[Dialogue, Dialogue]:
    return version_of(tree, tree.router_model), version_of(Drafts(tree).tree, tree.router_model)


def ask(tree: ProjectPaths, *turns: Said) -> list[Pair]:
    return rehearse(*versions(tree), turns)


def test_a_new_request_and_a_new_text_are_answered_by_the_draft_only(tree: ProjectPaths) -> None:
    drafts = Drafts(tree)
    editor = TopicEditor(drafts.open("Drones"))
    assert ask(tree, Said(DRONE))[0].same
    editor.create("drones", "police_gendarmerie", SHEET, (DRONE,), "Zoé")
    editor.edit("passeport", {"premier_geste": "prenez rendez-vous en mairie."}, editor.read("passeport").version, "Zoé")
    passport = next(iter(drafts.tree.corpus.glob("titres.yml"))).read_text(encoding="utf-8").split("- intent: passeport", 1)[1]
    taught = passport.split("    - ", 2)[1].splitlines()[0]
    danger, new, text = ask(tree, Said("Mon fils ne respire plus"), Said(f"Bonjour, {DRONE} !"), Said(taught))
    assert danger.same and danger.tried.calls
    assert not new.public.cards and new.tried.cards[0].step == "Appelez la gendarmerie." and not new.same
    assert text.public.cards[0].step != text.tried.cards[0].step == "Prenez rendez-vous en mairie."
    assert "drones" not in load_referential(tree.referential).topics and drafts.is_open


class Told(Dialogue):
    """A version that answers any words with the choices given."""

    offers: tuple[str, ...] = ()

    def reply(self, text: str, state: ConversationState) -> Turn:
        return Turn(Reply(text, choices=self._labels(self.offers)), state)


def test_a_button_is_pressed_in_both_whatever_it_is_called_there(tree: ProjectPaths) -> None:
    editor = TopicEditor(Drafts(tree).open("Ranger"))
    editor.rename("permis_construire", "construire", "Zoé")
    editor.merge("carte_identite", "passeport", "Zoé")
    editor.create("drones", "police_gendarmerie", SHEET, (DRONE,), "Zoé")
    public, tried = (Told(version.router) for version in versions(tree))
    public.offers, tried.offers = ("permis_construire", "carte_identite", "aucun"), ("construire", "drones")

    def press(button: str) -> Pair:
        pair = rehearse(public, tried, [Said("travaux"), Said("", button)])[1]
        assert pair.shown and pair.shown != button
        return pair

    for button in ("permis_construire", "construire", "aucun"):
        pair = press(button)
        assert pair.public.text == pair.tried.text != NO_SUCH_BUTTON, button
    assert [r.cards[0].topic_id for r in (press("carte_identite").public, press("carte_identite").tried)] == ["carte_identite", "passeport"]
    assert press("drones").public.text == NO_SUCH_BUTTON and press("drones").tried.cards


def test_buttons_that_nobody_offered_are_left_out_and_old_turns_forgotten(tree: ProjectPaths) -> None:
    Drafts(tree).open("Rien")
    assert ask(tree, Said("", "passeport")) == []
    assert len(ask(tree, *[Said(DRONE)] * (MOST_TURNS + 3))) == MOST_TURNS
