"""The referential: the only place with a name, an address or a phone number."""

from bot.referential.loader import load_referential
from bot.referential.models import (
    Audience,
    ConversationAct,
    Delegation,
    EntryPoint,
    Facts,
    Referential,
    Service,
    Sheet,
    Topic,
)

__all__ = [
    "Audience",
    "ConversationAct",
    "Delegation",
    "EntryPoint",
    "Facts",
    "Referential",
    "Service",
    "Sheet",
    "Topic",
    "load_referential",
]
