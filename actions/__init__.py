"""The actions of the assistant, for ``rasa run actions`` and for the in-process agent."""

from actions.actions import ACTIONS, share_dialogue, slots_of

__all__ = ["ACTIONS", "share_dialogue", "slots_of"]
