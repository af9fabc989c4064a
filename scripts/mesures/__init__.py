"""Measures that are too long for ``bot evaluate``: other ways to understand a message, and the errors read one by one."""
