"""How commands speak: one JSON object for programs, tables and bars for people, and errors that say what to do.

Everything that reaches the terminal goes through here, because most of it was written by strangers: control characters
are shown, never obeyed, and nothing is read as markup.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from commonplace.cli.foreign import explained
from commonplace.errors import CommonplaceError, Halt

_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
"""What terminals obey instead of showing it: control characters, and marks that turn the direction of writing."""
_OBEYED_IN_JSON = re.compile(r"[\x7f-\x9f\u202a-\u202e]")
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")


def visible(text: str) -> str:
    """A text as it may be shown: what a terminal would obey has become a picture of itself."""
    return _OBEYED.sub(lambda found: _picture(ord(found[0])), text)


def _picture(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


class Terminal(Console):
    """Where text for people goes."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Every piece of text on its way to the terminal."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def on_broken_pipe(self) -> None:
        """Nobody reads any more, because `head` has seen enough or the terminal was closed: the work goes on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


people = Terminal()
aside = Terminal(stderr=True)
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
    """One line of JSON, in ASCII where the other side may not understand more."""
    from commonplace.archive.rows import to_json  # a file's name need not be UTF-8, JSON has to

    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    escaped = _OBEYED_IN_JSON if is_unicode else _NOT_ASCII
    sys.stdout.write(escaped.sub(_as_number, to_json(plain(value), order=None)) + "\n")


def _as_number(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1].replace("\x7f", "\\u007f")


def print_text(text: str) -> None:
    """A text as it is, for a file or another program; on a terminal what may be shown of it."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)


def tell(text: str | Text) -> None:
    """A line for a person; nothing when a program listens."""
    if not Output.as_json:
        people.print(text)


def confirm(question: str, *, default: bool = False, abort: bool = False) -> bool:
    """A question that a person answers with yes or no."""
    return typer.confirm(visible(question), default=default, abort=abort, err=True)


def ask(question: str, *, default: str | None = None, is_secret: bool = False, twice: bool = False) -> str:
    """What a person types; with a default, Enter alone is an answer too."""
    told = typer.prompt(
        visible(question),
        default=default,
        show_default=False,
        hide_input=is_secret,
        confirmation_prompt=twice,
        err=True,
    )
    return str(told)


def table(*headings: str, title: str | None = None) -> Table:
    """An empty table as all commands show theirs."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for heading in headings:
        grid.add_column(heading)
    return grid


def cells(*values: Any) -> list[str]:
    """Values as table cells."""
    return [visible("" if value is None else str(value)) for value in values]


def show_counts(title: str, counts: dict[str, Any]) -> None:
    """A short table of numbers."""
    grid = table("", "", title=title)
    grid.columns[1].justify = "right"
    for name, value in counts.items():
        grid.add_row(*cells(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value))
    people.print(grid)


@contextmanager
def errors_for_people(codes: Mapping[type[CommonplaceError], int] | None = None) -> Iterator[None]:
    """An error becomes a sentence (for programs, an object) and exit code 1, or the code of its kind; Ctrl-C 130."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        fail(Halt("Interrupted.", hint="What was done is kept; the same command does the rest."), code=INTERRUPTED)
    except Exception as error:
        told = explained(error)
        fail(told, code=next((code for kind, code in (codes or {}).items() if isinstance(told, kind)), 1))


def fail(error: CommonplaceError, *, code: int = 1) -> None:
    if Output.as_json:
        print_json({"error": error.message, "hint": error.hint})
    else:
        aside.print(error.message, style="bold red", soft_wrap=True)
        if error.hint:
            aside.print(error.hint, soft_wrap=True)
    raise typer.Exit(code)


def exit_with(code: int) -> None:
    """End the command here, unless all went well."""
    if code:
        raise typer.Exit(code)
