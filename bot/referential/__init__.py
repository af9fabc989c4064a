"""The referential: the only place with a name, an address or a phone number."""

from bot.referential.loader import load_referential
from bot.referential.models import (
    Audience,
    ConversationAct,
    Delegation,
    EntryPoint,
    Referential,
    Service,
    Topic,
)

__all__ = [
    "Audience",
    "ConversationAct",
    "Delegation",
    "EntryPoint",
    "Referential",
    "Service",
    "Topic",
    "load_referential",
]
