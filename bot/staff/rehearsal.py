"""Talk to a version that waits, beside the one that answers the public: the same words to both, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.base.errors import ModelError
from bot.base.paths import ProjectPaths
from bot.dialogue.dialogue import HUMAN_CHOICE, NONE_CHOICE, WRONG_DOOR, ConversationState, Dialogue
from bot.dialogue.wording import Reply
from bot.learning.loading import bare_router, lessons_of
from bot.learning.store import StoredModel, load_model

MOST_TURNS = 20
"""Turns of a rehearsal that are played again at each message."""
NO_SUCH_BUTTON = "Ce bouton n'existe pas dans cette version."
_ALWAYS = frozenset({NONE_CHOICE, HUMAN_CHOICE, WRONG_DOOR})


@dataclass(frozen=True)
class Said:
    """What staff send in a rehearsal.

    Args:
        words: typed; empty for a button.
        button: id of the button pressed, or empty.
    """

    words: str
    button: str = ""


@dataclass(frozen=True)
class Pair:
    """The two answers to one message.

    Args:
        said: the message.
        shown: it as people read it: a button has its label.
        public: what the public is answered now.
        tried: what it would be answered.
    """

    said: Said
    shown: str
    public: Reply
    tried: Reply

    @property
    def same(self) -> bool:
        """Whether the public would see no difference."""
        return self.public == self.tried


def version_of(paths: ProjectPaths, model: Path, read: Callable[[Path], StoredModel] = load_model) -> Dialogue:
    """Return the dialogue of a tree and a model, with the phrases just taught; without a usable model, emergencies and these alone.

    Args:
        paths: the tree.
        model: folder of the model.
        read: reads it; the live one is in memory already (:func:`bot.learning.loading.shared_model`).

    Raises:
        ReferentialError: the files have mistakes.
    """
    lessons_of(paths.corpus).follow()
    router = bare_router(paths)
    try:
        stored = read(model)
    except ModelError:
        return Dialogue(router)
    return Dialogue(router.with_model(stored.model, stored.thresholds))


def rehearse(public: Dialogue, tried: Dialogue, turns: Sequence[Said]) -> list[Pair]:
    """Say the same things to two versions, from the start of a conversation; a button that neither offered is left out.

    Args:
        public: the version that answers now.
        tried: the one that waits.
        turns: what is said, in order; the last :data:`MOST_TURNS` are played.
    """
    pairs: list[Pair] = []
    states = [ConversationState(), ConversationState()]
    offered: dict[str, str] = {}
    for said in turns[-MOST_TURNS:]:
        if said.button and said.button not in offered:
            continue
        replies = []
        for place, (version, other) in enumerate(((public, tried), (tried, public))):
            button = _button(said.button, version, other)
            if said.button and not button:
                replies.append(Reply(NO_SUCH_BUTTON))
                continue
            turn = version.choose(button, states[place]) if button else version.reply(said.words, states[place])
            states[place] = turn.state
            replies.append(turn.reply)
            offered |= {choice.id: choice.label for choice in turn.reply.choices}
        pairs.append(Pair(said, offered[said.button] if said.button else said.words, *replies))
    return pairs


def _button(button: str, version: Dialogue, other: Dialogue) -> str:
    """Return the same button as a version names it, renamings and merges followed both ways; "" when it has none."""
    named = [button, version.referential.aliases.get(button, "")]
    named += [former for former, now in other.referential.aliases.items() if now == button]
    return next((name for name in named if name in version.doors or name in _ALWAYS), "")
