"""Category sets (`commonplace taxonomy ...`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commonplace.cli.editing import edited
from commonplace.cli.options import DryRun, Json, Yes
from commonplace.cli.output import (
    Output,
    aside,
    cells,
    confirm,
    errors_for_people,
    people,
    plain,
    print_json,
    print_text,
    table,
    tell,
)
from commonplace.session import open_session

app = typer.Typer(help="Category sets: list, show, check, create, edit, import, export.", no_args_is_help=True)
NOTHING_NEW = "Nothing to learn yet: it takes two corrections that are new."
Name = Annotated[str, typer.Argument(help="The taxonomy, by name.")]


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


@app.command()
def check(
    which: Annotated[str, typer.Argument(help="A taxonomy by name, or a file of one; the one in use without it.")] = "",
    json: Json = False,
) -> None:
    """Whether the local judge can tell the categories apart, and what would help it. Changes nothing."""
    from commonplace.stages.categorizing.checking import advice
    from commonplace.stages.categorizing.checking import check as check_set

    with errors_for_people(), open_session() as session:
        with aside.status("Trying the categories out"):
            found = check_set(session, which)
        if Output.as_json:
            print_json({**plain(found), "advice": advice(found)})
            return
        grid = table(
            "category", "examples", "corrections", "like it ships", "known as its own", "of yours", title=found.name
        )
        for each in found.categories:
            share = "" if each.recognised is None else f"{each.recognised:.0%}"
            topics = f"{each.topics} topics" if each.topics else ""
            grid.add_row(*cells(each.name, each.examples, each.corrections, topics, share, each.conversations))
        people.print(grid)
        for line in advice(found):
            tell(line)


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
            print_text(text)
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
        text = edited(to_toml(taxonomy_named(archive, name)), name="taxonomy.toml")
        if text is None:
            tell("Nothing was changed.")
            return
        keep(archive, parse(text))
        tell("Kept. `commonplace categorize` judges again what the change concerns.")


@app.command()
def merge(
    name: Name,
    source: Annotated[str, typer.Argument(help="The category that is to go.")] = "",
    target: Annotated[str, typer.Argument(help="The one that it becomes part of.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the last merge of this set back.")] = False,
    json: Json = False,
) -> None:
    """Make one category part of another, with everything that was sorted there."""
    from commonplace.stages.categorizing.taxonomies import merge_categories, undo_merge

    with errors_for_people(), open_session() as (_, _, archive):
        if undo:
            undone = undo_merge(archive, name)
            if Output.as_json:
                print_json({"undone": undone})
            return tell(f"Taken back; {undone} conversations are as they were.")
        merged = merge_categories(archive, name, source, target)
        if Output.as_json:
            print_json({"merged": merged})
        return tell(f"Merged; {merged} conversations follow. `taxonomy merge {name} --undo` takes it back.")


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
    dry_run: DryRun = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was learned last.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Teach the local judge your corrections now; a run of `categorize` does it too."""
    from commonplace.stages.categorizing import stage

    with errors_for_people(), open_session() as session:
        if undo:
            _unlearn(stage.unlearn(session, name))
            return
        if dry_run or _is_asked(yes):
            with aside.status("Looking at what would change"):
                told = stage.foreseen(session, name)
            _show_foreseen(told, is_all=dry_run)
            if dry_run or not told.new_lessons or not confirm("Learn it?", default=True):
                return
        with aside.status("Learning"):
            learned = stage.learn(session, name)
        if Output.as_json:
            print_json(learned)
        tell(
            f"Learned from {learned.new_lessons} new corrections; {learned.judged_again} verdicts of the local judge"
            f" were made again, {learned.changed} changed. --undo takes it back."
            if learned.new_lessons
            else NOTHING_NEW
        )


def _is_asked(yes: bool) -> bool:
    return not yes and not Output.as_json and sys.stdin.isatty() and people.is_terminal


def _unlearn(held_again: int) -> None:
    if Output.as_json:
        print_json({"verdicts": held_again})
    tell(f"Taken back; {held_again} verdicts of before hold again. Your own words stay.")


def _show_foreseen(told: Any, *, is_all: bool) -> None:
    if Output.as_json:
        print_json(told)
    about = "about " if told.is_estimate else ""
    tell(
        f"{told.new_lessons} corrections are new. Of {told.judged_again} verdicts of the local judge that nobody"
        f" corrected, {about}{told.would_change} would change."
        if told.new_lessons
        else NOTHING_NEW
    )
