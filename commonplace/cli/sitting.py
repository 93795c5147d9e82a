"""A sitting at the terminal: one conversation after the other, one key for each answer."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.markup import escape
from rich.text import Text

from commonplace.archive.core import Archive
from commonplace.archive.scope import Scope
from commonplace.archive.verdicts.proposals import proposals
from commonplace.archive.verdicts.verdicts import Waiting, review_queue
from commonplace.cli.output import ask, confirm, people, tell
from commonplace.config import Settings
from commonplace.moments import to_iso
from commonplace.stages.categorizing.round import Round
from commonplace.stages.categorizing.taxonomies import taxonomy_named

ON_A_PAGE = 9
"""Choices that have a key."""
KEYS = "[bold]Enter[/] right  [bold]1-9[/] category  [bold]0[/] others  [bold]/[/] type it  [bold]a[/] all like this"
MORE_KEYS = "  [bold]s[/] skip  [bold]u[/] undo  [bold]q[/] end"


def _say(markup: str) -> None:
    """A line in our own styles; what others wrote is escaped."""
    people.print(Text.from_markup(markup, emoji=False))


def sit(archive: Archive, settings: Settings, scope: Scope) -> None:
    """Go through what waits until it is done or a person has had enough: what was said is kept at once."""
    taxonomy = settings.categorize.taxonomy
    offer(archive, taxonomy)
    waiting = review_queue(archive, scope, limit=None)
    round = Round(archive, taxonomy, waiting, review_below=settings.categorize.review_below)
    try:
        with _typing(by_line=False):
            while (item := round.current) is not None:
                _show(round, item, settings)
                if not _answer(round, archive, taxonomy):
                    break
    except (EOFError, KeyboardInterrupt, typer.Abort):
        people.print()
    _end(round)


def proposed(archive: Archive, taxonomy: str) -> dict[str, int]:
    """Categories that a person typed and the taxonomy does not have, and for how many conversations."""
    return {name: len(ids) for name, ids in proposals(archive, taxonomy).items()}


def offer(archive: Archive, taxonomy: str) -> None:
    """Say how what was typed becomes a category."""
    for name, count in proposed(archive, taxonomy).items():
        many = f"{count} conversations" if count > 1 else "a conversation"
        tell(f'You gave {many} the category {name}. `commonplace review --new-category "{name}"`')


def _show(round: Round, item: Waiting, settings: Settings) -> None:
    people.rule(f"{round.place} of {len(round)} · {len(round.sorted)} sorted", style="dim")
    _say(f"[bold]{escape(item.title or 'Untitled')}[/]  [dim]{to_iso(item.updated_at, settings.zone) or ''}[/]")
    first, last = round.excerpt()
    for text in filter(None, (first, last)):
        people.print(f"  “{text}”")
    nearly = f", or {item.runner_up}" if item.runner_up else ""
    judge = (item.judge or "").partition("/")[0]
    _say(f"[dim]{escape(f'{judge}: {item.confidence:.0%} {item.category}{nearly}')}[/]")
    spoke = f"for it spoke: {', '.join(item.evidence)}" if item.evidence else ""
    why = " · ".join(part for part in (spoke, item.summary, ", ".join(item.tags)) if part)
    if why:
        _say(f"[dim]{escape(why)}[/]")


def _answer(round: Round, archive: Archive, taxonomy: str) -> bool:
    """One step of the sitting; False where the person ends it."""
    key = _choose(round.choices(), KEYS + MORE_KEYS)
    if key == "q":
        return False
    if key == "s":
        round.skip()
    elif key == "u":
        people.print("Taken back." if round.undo() else "There is nothing to take back.")
    elif key == "a":
        _all_alike(round)
    elif key == "/":
        _typed(round, archive, taxonomy)
    else:
        _say_of(round, key)
    return True


def _say_of(round: Round, category: str, ids: list[str] | None = None) -> None:
    """Keep it, and tell that; of those that somebody else has sorted meanwhile, where they are."""
    theirs = round.say(category, ids or [])
    many = f", {len(ids) - len(theirs)} conversations" if ids else ""
    if many or not theirs:
        _say(f"[green]{escape(category)}[/]{many}")
    for id, word in theirs.items():
        _say(f"Somebody has sorted {escape(id)} meanwhile: {escape(word)}. That stays.")


def _choose(choices: list[str], keys: str) -> str:
    """The category that was chosen, or the key of something else."""
    start = 0
    while True:
        page = choices[start : start + ON_A_PAGE]
        _say("  ".join(f"[bold]{number}[/] {escape(name)}" for number, name in enumerate(page, 1)))
        _say(f"[dim]{keys}[/]")
        key = _known_key(len(page))
        if key != "0":
            return page[int(key) - 1] if key.isdigit() else choices[0] if key == "\r" else key
        start = start + ON_A_PAGE if start + ON_A_PAGE < len(choices) else 0


def _known_key(count: int) -> str:
    """The next key that means something. What was typed ahead counts."""
    while True:
        key = os.read(sys.stdin.fileno(), 1).decode(errors="replace").lower().replace("\n", "\r")
        if key in ("", "\x04"):
            raise EOFError
        if key in ("\r", "s", "u", "a", "/", "q", "0") or (key.isdecimal() and int(key) <= count):
            return key


@contextmanager
def _typing(*, by_line: bool) -> Iterator[None]:
    """The terminal hands over each key as it is pressed, or whole lines that can be edited."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    if by_line:
        wanted = termios.tcgetattr(terminal)
        wanted[3] |= termios.ICANON | termios.ECHO
        wanted[0] |= termios.ICRNL
        termios.tcsetattr(terminal, termios.TCSADRAIN, wanted)
    else:
        tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _all_alike(round: Round) -> None:
    alike = round.alike()
    people.print(f"All {len(alike)} that the judge was torn about in the same way. Which category? s: none of it")
    key = _choose(round.choices(), "[bold]Enter[/] right  [bold]1-9[/] category  [bold]0[/] others  [bold]s[/] none")
    if key in round.choices():
        _say_of(round, key, alike)


def _typed(round: Round, archive: Archive, taxonomy: str) -> None:
    with _typing(by_line=True):
        _by_name(round, archive, taxonomy)


def _by_name(round: Round, archive: Archive, taxonomy: str) -> None:
    typed = " ".join(ask("Category", default="").split())
    if not typed:
        return
    names = taxonomy_named(archive, taxonomy).names
    near = [name for name in names if name.casefold() == typed.casefold()]
    near = near or [name for name in names if name.casefold().startswith(typed.casefold())]
    if len(near) == 1:
        _say_of(round, near[0])
    elif near:
        people.print(f"That may be {' or '.join(near)}.")
    elif confirm(f"{taxonomy} has no {typed}. Make it a new category?"):
        round.take_in(typed)
    else:
        round.wish(typed)
        people.print("Remembered. It is offered as a new category, and the conversation waits on.")


def _end(round: Round) -> None:
    left = len(round) - len(round.sorted)
    people.print(f"{len(round.sorted)} sorted, {left} wait." if len(round) else "Nothing waits for you.")
    if round.sorted:
        _say("[dim]`commonplace taxonomy learn` teaches the local judge, and so does the next categorize.[/]")
