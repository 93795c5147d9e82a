"""How commands speak: one JSON object for programs, tables and bars for people, and errors that say what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from commonplace.errors import CommonplaceError, Halt


class Terminal(Console):
    """Where text for people goes."""

    def on_broken_pipe(self) -> None:
        """Nobody reads any more, because `head` has seen enough or the terminal was closed: the work goes on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


people = Terminal(highlight=False)
aside = Terminal(stderr=True, highlight=False)
"""Progress and errors go to standard error: standard output holds the result and nothing else."""


INTERRUPTED = 130
"""The exit code that shells know for Ctrl-C."""


class Output:
    """Whether this command speaks to a program or a person."""

    as_json = False


def plain(value: Any) -> Any:
    """Structs as dictionaries, ready for JSON."""
    return msgspec.to_builtins(value, enc_hook=str)


def print_json(value: Any) -> None:
    from commonplace.archive.rows import to_json  # a file's name need not be UTF-8, JSON has to

    sys.stdout.write(to_json(plain(value), order=None) + "\n")


def tell(text: str) -> None:
    """A line for a person; nothing when a program listens."""
    if not Output.as_json:
        people.print(text)


def table(*headings: str, title: str | None = None) -> Table:
    """An empty table as all commands show theirs."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for heading in headings:
        grid.add_column(heading)
    return grid


def cells(*values: Any) -> list[str]:
    """Values as table cells; what people wrote is not taken for markup."""
    return [escape("" if value is None else str(value)) for value in values]


def show_counts(title: str, counts: dict[str, Any]) -> None:
    """A short table of numbers."""
    grid = table("", "", title=title)
    grid.columns[1].justify = "right"
    for name, value in counts.items():
        grid.add_row(*cells(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value))
    people.print(grid)


@contextmanager
def errors_for_people() -> Iterator[None]:
    """An error of ours becomes a sentence (for programs, an object) and exit code 1; Ctrl-C one and 130."""
    try:
        yield
    except CommonplaceError as error:
        fail(error)
    except KeyboardInterrupt:
        fail(Halt("Interrupted.", hint="What was done is kept; the same command does the rest."), code=INTERRUPTED)


def fail(error: CommonplaceError, *, code: int = 1) -> None:
    if Output.as_json:
        print_json({"error": error.message, "hint": error.hint})
    else:
        aside.print(f"[bold red]{escape(error.message)}[/]", soft_wrap=True)
        if error.hint:
            aside.print(escape(error.hint), soft_wrap=True)
    raise typer.Exit(code)


def exit_with(code: int) -> None:
    """End the command here, unless all went well."""
    if code:
        raise typer.Exit(code)
