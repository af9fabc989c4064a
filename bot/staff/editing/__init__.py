"""Phrases, topics and desks in the YAML files: one writer at a time, all or nothing."""
