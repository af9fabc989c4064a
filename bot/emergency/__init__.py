"""Dangers, found before anything else and without the topic model."""
