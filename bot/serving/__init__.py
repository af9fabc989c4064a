"""What answers while the server runs: engine, conversations, what is observed."""
