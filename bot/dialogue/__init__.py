"""From a decision to plain French words, and the thread of a conversation."""
