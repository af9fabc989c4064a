"""The registry of commands: each module of this room adds its own, with its help; what is said is in French."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

Run = Callable[[argparse.Namespace], int]

_SAID = (
    (r"the following arguments are required: (.*)", r"il manque : \1"),
    (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"\1 : \2 n'existe pas (au choix : \3)"),
    (r"argument (.*): invalid \w+ value: (.*)", r"\1 : \2 n'a pas la forme attendue"),
    (r"argument (.*): expected (?:one|at least one) argument", r"\1 : il manque la valeur"),
    (r"argument (.*): not allowed with argument (.*)", r"\1 ne va pas avec \2"),
    (r"unrecognized arguments: (.*)", r"option ou mot inconnu : \1"),
    (r"ambiguous option: (.*) could match (.*)", r"\1 est ambigu : \2 ?"),
)


class FrenchParser(argparse.ArgumentParser):
    """Helps and says mistakes in French; what argparse has no French for is answered by the usage alone.

    Args:
        prog: the command, as it is typed.
        description: what it does.
    """

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog, description=description, formatter_class=_FrenchFormatter, add_help=False)
        self._positionals.title = "arguments"
        self._optionals.title = "options"
        self.add_argument("-h", "--help", action="help", help="affiche cette aide")

    def error(self, message: str) -> NoReturn:
        """Print the usage and the mistake, and exit with 2."""
        self.print_usage(sys.stderr)
        for english, french in _SAID:
            match = re.fullmatch(english, message)
            if match:
                self.exit(2, f"{self.prog} : {match.expand(french)}.\n")
        self.exit(2, f"{self.prog} : ces arguments ne conviennent pas. Essayez « {self.prog} --help ».\n")


class _FrenchFormatter(argparse.HelpFormatter):
    def add_usage(self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "Usage : " if prefix is None else prefix)


class Registry:
    """Commands that can be typed after a word.

    Args:
        parser: of that word.
        title: what they are called in its help.
        choice: what they stand for in its usage.
        help_: what choosing one means.
    """

    def __init__(self, parser: argparse.ArgumentParser, title: str, choice: str, help_: str | None = None) -> None:
        self._choices = parser.add_subparsers(
            dest=choice, required=True, metavar=choice, title=title, help=help_, parser_class=FrenchParser
        )
        self.parsers: dict[str, argparse.ArgumentParser] = {}
        """Of each command, by name, in the order of the help."""

    def add(self, name: str, run: Run, help_: str) -> argparse.ArgumentParser:
        """Add a command; returns its parser, to be given its arguments.

        Args:
            name: what is typed.
            run: what it does; returns the exit code.
            help_: what it does, in French.
        """
        parser = self._parser(name, help_)
        parser.set_defaults(run=run)
        return parser

    def group(self, name: str, help_: str) -> Registry:
        """Add a word after which comes an action of its own."""
        return Registry(self._parser(name, help_), "actions", "action", "ce qu'il faut faire")

    def _parser(self, name: str, help_: str) -> argparse.ArgumentParser:
        self.parsers[name] = self._choices.add_parser(name, help=help_, description=help_)
        return self.parsers[name]


def say(sentence: str) -> None:
    """Tell the person who typed the command where it stands, apart from what it answers."""
    print(f"· {sentence}", file=sys.stderr, flush=True)
