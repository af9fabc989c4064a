"""What the project wants to stay under, wherever it is measured."""

MEDIAN_MILLISECONDS = 15.0
"""Of one message."""
MEMORY_MEGABYTES, MEMORY_ALONE = 300.0, 200.0
"""Of the server, agent included, then without it."""
