"""The base of the management commands: one clear error line, a table or one JSON object."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from argparse import SUPPRESS, Action
from collections.abc import Sequence
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from tqdm import tqdm

from apps.core.errors import Problem
from ml.errors import MLError
from ml.files import file_problem


class TerminalProgress:
    """Draws a progress bar on standard error."""

    def __init__(self, title: str) -> None:
        self._bar: tqdm[Any] | None = None
        self._title = title

    def update(self, done: int, total: int, message: str = "") -> None:
        if self._bar is None or self._bar.total != total or done < self._bar.n:
            self.close()
            self._bar = tqdm(total=total, desc=self._title, file=sys.stderr, dynamic_ncols=True)
        if message:
            self._bar.set_postfix_str(message[:40], refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class DefaultsShown(DjangoHelpFormatter):
    """Shows the default of an option that has one and does not tell it in words."""

    def _get_help_string(self, action: Action) -> str | None:
        told = action.help is None or "default" in action.help
        given = isinstance(action.default, int | float | str) and action.default not in (
            "",
            SUPPRESS,
        )
        if told or action.default is False or not given:
            return action.help
        return f"{action.help} (default: %(default)s)"


class TrefoilCommand(ABC, BaseCommand):
    """A command with ``--json`` whose expected failures end it with exit status 1 and one line.

    A subclass implements :meth:`run`, writes its human output with ``self.stdout`` or
    :meth:`table`, and returns the object that ``--json`` prints as the last line.
    """

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        kwargs["allow_abbrev"] = False  # or "--set" would be "--settings", and do nothing
        kwargs["conflict_handler"] = "resolve"  # a model's --version, in the place of Django's
        kwargs["formatter_class"] = DefaultsShown
        parser = super().create_parser(*args, **kwargs)
        parser.add_argument("--json", action="store_true", help="print one JSON object last")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet = bool(options.get("json"))
        self._warned: set[str] = set()
        try:
            result = self.run(**options)
        except (Problem, MLError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(file_problem(error)) from error
        if options.get("json"):
            self.stdout.write(json.dumps(result, ensure_ascii=False, default=str))

    @abstractmethod
    def run(self, **options: Any) -> Any:
        """Do what the command is for; returns what ``--json`` prints."""

    def warn(self, words: str) -> None:
        """Write on standard error what is no failure but should be known, the same words once; a
        progress bar is drawn anew below it."""
        if words not in self._warned:
            self._warned.add(words)
            with tqdm.external_write_mode(file=sys.stderr):
                self.stderr.write(words, self.style.WARNING)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write an aligned table for people."""
        cells = [[str(value) for value in row] for row in [header, *rows]]
        widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
        for index, row in enumerate(cells):
            line = "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True))
            self.stdout.write(line.rstrip())
            if index == 0:
                self.stdout.write("  ".join("-" * width for width in widths))
