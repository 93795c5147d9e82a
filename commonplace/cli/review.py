"""`commonplace review`: what the judges were not sure of, in a sitting at a terminal or by name in scripts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer

from commonplace.archive.core import Archive
from commonplace.cli.options import Json, Project, Since, Until, Yes, moment
from commonplace.cli.output import Output, cells, errors_for_people, people, print_json, table, tell
from commonplace.cli.output import confirm as is_yes
from commonplace.config import Settings
from commonplace.errors import Refused
from commonplace.session import open_session


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of conversations."""

    category: str | None = None
    tags: list[str] | None = None
    title: str | None = None
    confirm: bool = False

    def __bool__(self) -> bool:
        return bool(self.category or self.tags is not None or self.title is not None or self.confirm)


def register(root: typer.Typer) -> None:
    root.command("review")(review)


def review(
    conversations: Annotated[
        list[str] | None, typer.Argument(help="Conversations to correct; without them, what waits.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="The right category.")] = None,
    tags: Annotated[str | None, typer.Option(help="The right tags, separated by commas.")] = None,
    add_tags: Annotated[
        str | None, typer.Option("--add-tags", help="Tags to add to those that each has, separated by commas.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="A better title.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="The verdict is right.")] = False,
    undo: Annotated[
        str | None, typer.Option(help="Take back what was said of several, by the name that was told then.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take your corrections back.")] = False,
    field: Annotated[
        list[str] | None, typer.Option(help="Take back only this one: category, tags or title; repeatable.")
    ] = None,
    new_category: Annotated[
        str | None, typer.Option(help="Take a category into the taxonomy, for what you gave it before.")
    ] = None,
    judged: Annotated[str | None, typer.Option(help="Of what waits, only what the judge put in this category.")] = None,
    since: Since = None,
    until: Until = None,
    project: Project = None,
    as_list: Annotated[bool, typer.Option("--list", help="Show what waits, and ask nothing.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many in a list.")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Which page of the list.")] = 1,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Verdicts that nobody is sure of; your word wins and teaches the judges. At a terminal, one after the other."""
    from commonplace.archive.scope import Scope

    wanted = _parts(tags) if tags is not None else None
    words = Words(category=category, tags=wanted, title=title, confirm=confirm)
    with errors_for_people(), open_session() as (settings, _, archive):
        if new_category is not None:
            _add_category(archive, settings.categorize.taxonomy, new_category)
            return
        if undo is not None:
            _undo(archive, settings, undo)
            return
        if add_tags is not None:
            _say_of_several(archive, settings, conversations or (), words, added=_parts(add_tags))
            return
        own = _own_name(archive, settings, judged)
        scope = Scope(since=moment(since, settings), until=moment(until, settings), project=project, category=own)
        if withdraw:
            _withdraw(archive, settings, conversations or (), field or ())
        elif conversations or words:
            ids = conversations or _waiting_ids(archive, scope, is_agreed=yes)
            _correct(archive, settings, ids, words, is_one=len(conversations or ()) == 1)
        elif as_list or page > 1 or Output.as_json or not _is_terminal():
            _show_queue(archive, settings.categorize.taxonomy, scope, limit, page)
        else:
            from commonplace.cli.sitting import sit

            sit(archive, settings, scope)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _say_of_several(
    archive: Archive, settings: Settings, conversations: Sequence[str], words: Words, *, added: Sequence[str]
) -> None:
    from commonplace.archive.conversations.reading import find_conversation
    from commonplace.stages import several

    if not conversations:
        raise Refused("Which conversations are meant?", hint="Give their ids first.")
    if words.tags is not None or words.title is not None or words.confirm:
        raise Refused("Only --category goes with --add-tags.", hint="Say the rest in a command of its own.")
    ids = [find_conversation(archive, each) for each in conversations]
    chosen = several.choose(settings.home, archive.owner, ids)
    choice = msgspec.structs.replace(chosen, category=words.category or "", tags=tuple(added))
    kept = several.say(settings.home, archive, choice, taxonomy=settings.categorize.taxonomy, origin="cli")
    if Output.as_json:
        print_json({"name": kept.name, "conversations": len(ids), "words": len(kept.said)})
    tell(f"Kept for {len(ids)} conversations. `commonplace review --undo {kept.name}` takes it back.")


def _undo(archive: Archive, settings: Settings, name: str) -> None:
    from commonplace.stages import several

    choice = several.find(settings.home, archive.owner, name)
    count = several.undo(settings.home, archive, choice, review_below=settings.categorize.review_below)
    if Output.as_json:
        print_json({"taken_back": count})
    tell(f"Taken back for {count} conversations.")


def _is_terminal() -> bool:
    return sys.stdin.isatty() and people.is_terminal


def _own_name(archive: Archive, settings: Settings, category: str | None) -> str | None:
    from commonplace.stages.categorizing.reviewing import own_name

    return None if category is None else own_name(archive, settings.categorize.taxonomy, category)


def _waiting_ids(archive: Archive, scope: Any, *, is_agreed: bool) -> list[str]:
    """All that waits in a scope. What a person did not name one by one has to be agreed to."""
    from commonplace.archive.verdicts.verdicts import review_queue

    ids = [item.id for item in review_queue(archive, scope, limit=None)]
    if not ids:
        raise Refused("Nothing waits there.", hint="`commonplace review --list` shows what does.")
    if not is_agreed and (scope.is_open or not _is_terminal() or not is_yes(f"All {len(ids)} that wait there?")):
        raise Refused(f"{len(ids)} conversations are meant.", hint="Name them, or say --yes for all that wait there.")
    return ids


def _correct(archive: Archive, settings: Settings, conversations: Sequence[str], words: Words, *, is_one: bool) -> None:
    from commonplace.stages.categorizing.reviewing import correct_conversations

    told = correct_conversations(
        archive, conversations, taxonomy=settings.categorize.taxonomy, origin="cli", **msgspec.structs.asdict(words)
    )
    if Output.as_json:
        print_json(told[0] if is_one else {"kept": told})
    tell(f"Kept{f' for {len(told)} conversations' if len(told) > 1 else ''}. Your word wins from now on.")


def _withdraw(archive: Archive, settings: Settings, conversations: Sequence[str], fields: Sequence[str]) -> None:
    from commonplace.stages.categorizing.reviewing import withdraw_corrections

    if not conversations:
        raise Refused("Which conversation is meant?", hint="Give its id first.")
    below = settings.categorize.review_below
    told = [withdraw_corrections(archive, each, only=fields, review_below=below) for each in conversations]
    if Output.as_json:
        print_json(told[0] if len(told) == 1 else {"withdrawn": told})
    for each in told:
        tell(f"Taken back: {', '.join(each['withdrawn'])}. The judges' verdict counts again.")


def _add_category(archive: Archive, taxonomy: str, name: str) -> None:
    from commonplace.stages.categorizing.reviewing import add_category

    told = add_category(archive, taxonomy, name, origin="cli")
    if Output.as_json:
        print_json(told)
    tell(
        f"{taxonomy} has it now, and {told['given_to']} conversations. The next `commonplace categorize` considers it."
    )


def _show_queue(archive: Archive, taxonomy: str, scope: Any, limit: int, page: int) -> None:
    from commonplace.archive.verdicts.verdicts import count_waiting, review_queue
    from commonplace.cli.sitting import offer, proposed

    waiting = review_queue(archive, scope, limit=limit, offset=(page - 1) * limit)
    total = count_waiting(archive, scope)
    if Output.as_json:
        print_json({"total": total, "waiting": waiting, "proposed": proposed(archive, taxonomy)})
        return
    offer(archive, taxonomy)
    grid = table("conversation", "title", "category", "or", "sure", title=f"{total} to review")
    for item in waiting:
        grid.add_row(*cells(item.id, item.title, item.category, item.runner_up, f"{item.confidence:.0%}"))
    people.print(grid)
    if waiting:
        tell("`commonplace review ID --confirm`, or --category NAME.")
