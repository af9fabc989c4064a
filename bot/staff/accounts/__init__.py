"""Who may do what: people, keys, the journal, the rights of citizens."""
