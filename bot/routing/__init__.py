"""From a message to a decision: the one flow."""
