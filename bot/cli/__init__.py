"""The command line: one command a file."""

from bot.cli.commands import main

__all__ = ["main"]
