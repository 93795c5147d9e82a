"""Category sets (`commonplace taxonomy ...`), and the review of verdicts that nobody is sure of."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from commonplace.archive.core import Archive
from commonplace.cli.options import Json
from commonplace.cli.output import Output, aside, cells, errors_for_people, people, print_json, table, tell
from commonplace.config import Settings
from commonplace.errors import Refused
from commonplace.session import open_session

app = typer.Typer(help="Category sets: list, show, create, edit, import, export.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The taxonomy, by name.")]


def register(root: typer.Typer) -> None:
    root.command("review")(review)


@app.command("list")
def list_command(json: Json = False) -> None:
    """Every taxonomy that can be used."""
    from commonplace.stages.categorizing.taxonomies import list_taxonomies

    with errors_for_people(), open_session() as (settings, _, archive):
        found = list_taxonomies(archive)
        if Output.as_json:
            print_json({"taxonomies": found, "used": settings.categorize.taxonomy})
            return
        grid = table("", "name", "categories", "")
        for line in found:
            used = "*" if line.name == settings.categorize.taxonomy else ""
            grid.add_row(*cells(used, line.name, line.categories, "yours" if line.is_own else "shipped"))
        people.print(grid)


@app.command()
def show(name: Name, json: Json = False) -> None:
    """The categories of a taxonomy."""
    from commonplace.stages.categorizing.taxonomies import taxonomy_named

    with errors_for_people(), open_session() as (_, _, archive):
        found = taxonomy_named(archive, name)
        if Output.as_json:
            print_json({"name": found.name, "hash": found.hash, "categories": found.categories})
            return
        grid = table("", "category", "what belongs there", title=found.title or found.name)
        for category in found.categories:
            grid.add_row(*cells(category.emoji, category.name, category.description))
        people.print(grid)


@app.command("import")
def import_command(path: Annotated[Path, typer.Argument(exists=True)], json: Json = False) -> None:
    """Keep a taxonomy from a TOML, YAML or JSON file; one of the same name is replaced."""
    from commonplace.stages.categorizing.taxonomies import import_taxonomy

    with errors_for_people(), open_session() as (_, _, archive):
        found = import_taxonomy(archive, path)
        if Output.as_json:
            print_json({"name": found.name, "categories": len(found.categories), "hash": found.hash})
        tell(f"Kept {found.name} with {len(found.categories)} categories.")


@app.command()
def export(
    name: Name, output: Annotated[Path | None, typer.Option(help="The file; standard output without it.")] = None
) -> None:
    """Write a taxonomy as TOML, to be edited and imported again."""
    from commonplace.categorize.definitions import to_toml
    from commonplace.stages.categorizing.taxonomies import taxonomy_named

    with errors_for_people(), open_session() as (_, _, archive):
        text = to_toml(taxonomy_named(archive, name))
        if output is None:
            typer.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name of letters, digits and dashes.")],
    category: Annotated[list[str], typer.Option("--category", help="'Name: what belongs there'; repeatable.")],
    json: Json = False,
) -> None:
    """Make a taxonomy."""
    from commonplace.stages.categorizing.taxonomies import create as create_taxonomy

    with errors_for_people(), open_session() as (_, _, archive):
        found = create_taxonomy(archive, name, category)
        if Output.as_json:
            print_json({"name": found.name, "categories": found.names})
        tell(f"Made {found.name}. Use it with [categorize] taxonomy = {name!r}, or --taxonomy {name}.")


@app.command()
def edit(name: Name) -> None:
    """Open a taxonomy in your editor, and keep what you save."""
    from commonplace.categorize.definitions import parse, to_toml
    from commonplace.stages.categorizing.taxonomies import keep, taxonomy_named

    with errors_for_people(), open_session() as (_, _, archive):
        edited = _edited(to_toml(taxonomy_named(archive, name)))
        if edited is None:
            tell("Nothing was changed.")
            return
        keep(archive, parse(edited))
        tell("Kept. `commonplace categorize` judges again what the change concerns.")


def _edited(text: str) -> str | None:
    """What a person made of a text in their editor; None when they changed nothing."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="commonplace-") as folder:
        file = Path(folder) / "taxonomy.toml"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*editor, str(file)], check=True)
        except (OSError, subprocess.CalledProcessError) as exc:
            raise Refused(f"The editor {editor[0]!r} did not work.", hint="Set EDITOR, or export and import.") from exc
        after = file.read_text(encoding="utf-8")
    return after if after != text else None


@app.command()
def rename(
    name: Name,
    old: Annotated[str, typer.Argument(help="The category.")],
    new: Annotated[str, typer.Argument(help="Its new name.")],
    json: Json = False,
) -> None:
    """Give a category another name, everywhere."""
    from commonplace.stages.categorizing.taxonomies import rename_category

    with errors_for_people(), open_session() as (_, _, archive):
        renamed = rename_category(archive, name, old, new)
        if Output.as_json:
            print_json({"renamed": renamed})
        tell(f"Renamed; {renamed} conversations follow.")


@app.command()
def remove(name: Name, json: Json = False) -> None:
    """Forget a taxonomy of yours; its verdicts stay."""
    from commonplace.stages.categorizing.taxonomies import remove as remove_taxonomy

    with errors_for_people(), open_session() as (_, _, archive):
        remove_taxonomy(archive, name)
        if Output.as_json:
            print_json({"removed": name})
        tell(f"Removed {name}.")


@app.command()
def learn(
    name: Annotated[str | None, typer.Argument(help="The taxonomy; the one in use without it.")] = None,
    json: Json = False,
) -> None:
    """Teach the local judge your corrections now; a run of `categorize` does it too."""
    from commonplace.stages.categorizing.stage import learn as learn_corrections

    with errors_for_people(), open_session() as session, aside.status("Learning"):
        learned = learn_corrections(session, name)
        if Output.as_json:
            print_json(learned)
        tell(
            f"Learned from {learned.new_lessons} new corrections; {learned.judged_again} doubtful verdicts were judged"
            f" again, {learned.changed} changed."
        )


def review(
    conversation: Annotated[
        str | None, typer.Argument(help="A conversation to correct; without it, the queue.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="The right category.")] = None,
    tags: Annotated[str | None, typer.Option(help="The right tags, separated by commas.")] = None,
    title: Annotated[str | None, typer.Option(help="A better title.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="The verdict is right.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take your corrections back.")] = False,
    field: Annotated[
        list[str] | None, typer.Option(help="Take back only this one: category, tags or title; repeatable.")
    ] = None,
    new_category: Annotated[
        str | None, typer.Option(help="Take a category into the taxonomy, for what you gave it at a destination.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    json: Json = False,
) -> None:
    """Verdicts that nobody is sure of; a person's word wins and teaches the judges."""
    with errors_for_people(), open_session() as (settings, _, archive):
        if new_category is not None:
            _add_category(archive, settings.categorize.taxonomy, new_category)
            return
        if withdraw and conversation is not None:
            _withdraw(archive, conversation, field or (), settings)
            return
        if conversation is not None:
            from commonplace.stages.categorizing.reviewing import correct_conversation

            wanted = [part.strip() for part in tags.split(",") if part.strip()] if tags is not None else None
            told = correct_conversation(
                archive,
                conversation,
                taxonomy=settings.categorize.taxonomy,
                category=category,
                tags=wanted,
                title=title,
                confirm=confirm,
                origin="cli",
            )
            if Output.as_json:
                print_json(told)
            tell("Kept. Your word wins from now on.")
            return
        if category or tags or title or confirm or withdraw:
            raise Refused("Which conversation is meant?", hint="Give its id first.")
        _show_queue(archive, settings.categorize.taxonomy, limit, page)


def _add_category(archive: Archive, taxonomy: str, name: str) -> None:
    from commonplace.stages.categorizing.reviewing import add_category

    told = add_category(archive, taxonomy, name, origin="cli")
    if Output.as_json:
        print_json(told)
    tell(
        f"{taxonomy} has it now, and {told['given_to']} conversations. The next `commonplace categorize` considers it."
    )


def _withdraw(archive: Archive, conversation: str, fields: Sequence[str], settings: Settings) -> None:
    from commonplace.stages.categorizing.reviewing import withdraw_corrections

    below = settings.categorize.review_below
    told = withdraw_corrections(archive, conversation, only=fields, review_below=below)
    if Output.as_json:
        print_json(told)
    tell(f"Taken back: {', '.join(told['withdrawn'])}. The judges' verdict counts again.")


def _show_queue(archive: Archive, taxonomy: str, limit: int, page: int) -> None:
    from commonplace.archive.verdicts.proposals import proposals
    from commonplace.archive.verdicts.verdicts import count_waiting, review_queue

    waiting = review_queue(archive, limit=limit, offset=(page - 1) * limit)
    total = count_waiting(archive)
    proposed = {name: len(ids) for name, ids in proposals(archive, taxonomy).items()}
    if Output.as_json:
        print_json({"total": total, "waiting": waiting, "proposed": proposed})
        return
    for name, count in proposed.items():
        tell(
            escape(f'You gave {count} conversations the category {name}. `commonplace review --new-category "{name}"`')
        )
    grid = table("conversation", "title", "category", "or", "sure", title=f"{total} to review")
    for item in waiting:
        sure = f"{item.confidence:.0%}"
        grid.add_row(*cells(item.id, item.title, item.category, item.runner_up, sure))
    people.print(grid)
    if waiting:
        tell("`commonplace review ID --confirm`, or --category NAME.")
