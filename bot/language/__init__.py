"""French as people type it: cleaned, masked, spelt, readable; and messages in other languages."""
