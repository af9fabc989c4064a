"""The actions of the assistant, for ``rasa run actions`` and for the in-process agent."""

from actions.actions import ACTIONS, SLOTS, share_dialogue

__all__ = ["ACTIONS", "SLOTS", "share_dialogue"]
