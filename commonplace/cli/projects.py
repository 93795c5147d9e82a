"""Projects (`commonplace projects ...`): naming, merging, assigning."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from commonplace.archive.core import Archive
from commonplace.cli import assistants
from commonplace.cli.options import Json
from commonplace.cli.output import Output, aside, cells, errors_for_people, people, print_json, print_text, table, tell
from commonplace.errors import Refused
from commonplace.session import open_session

app = typer.Typer(help="Projects: list, show, rename, merge, split, assign, suggestions, names.", no_args_is_help=True)
assistants.register(app)
ProjectName = Annotated[str, typer.Argument(help="A project, by name or id.")]
Ids = Annotated[list[str], typer.Argument(help="Conversations, by id.")]
SomeIds = Annotated[list[str] | None, typer.Argument(help="Conversations, by id.")]
OneProject = Annotated[str | None, typer.Option("--project", help="All for this project.")]


def _do(act: Callable[[Archive], Any], said: Callable[[Any], str]) -> None:
    """Do something with the open archive and tell what came of it."""
    with errors_for_people(), open_session() as (_, _, archive):
        told = act(archive)
        if Output.as_json:
            print_json(told)
        else:
            tell(said(told))


def _changes(told: dict[str, Any]) -> str:
    """Numbers and words as they are, of lists how long they are. What is neither is for programs."""
    shown = {
        key: len(value) if isinstance(value, list) else value
        for key, value in told.items()
        if key != "changed" and isinstance(value, int | str | list)
    }
    return ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in shown.items())


def _event(told: dict[str, Any]) -> str:
    """What happened to projects, and how to take it back."""
    name = told["detail"].get("name")
    done = f"{told['kind'].capitalize()}{f' to {name}' if name else ''}"
    if told["undone_at"]:
        return f"{done}: undone."
    return f"{done}: done. `commonplace projects undo {told['id'][:8]}` takes it back."


@app.command("list")
def list_command(json: Json = False) -> None:
    """Every project with its counts and where its name is from."""
    from commonplace.stages.mapping.projects import list_projects

    with errors_for_people(), open_session() as (_, _, archive):
        found = list_projects(archive)
        if Output.as_json:
            print_json({"projects": found})
            return
        grid = table("id", "name", "from", "conversations", "newest titles")
        for one in found:
            titles = " · ".join(one["sample_titles"][:2])
            grid.add_row(*cells(one["id"], one["name"], one["name_source"], one.get("conversations"), titles))
        people.print(grid)


@app.command()
def show(project: ProjectName, limit: Annotated[int, typer.Option(min=1)] = 20, json: Json = False) -> None:
    """A project, its newest conversations, its ids and its history."""
    from commonplace.stages.mapping.projects import show as show_project

    with errors_for_people(), open_session() as (_, _, archive):
        told = show_project(archive, project, limit=limit)
        if Output.as_json:
            print_json(told)
            return
        grid = table("conversation", "title", "updated", "category", title=told["name"])
        for one in told["newest"]:
            grid.add_row(*cells(one["id"], one["title"], (one["updated_at"] or "")[:10], one["category"]))
        people.print(grid)
        tell(f"Known as {', '.join([told['id'], *told['refs']])}.")
        for event in told["history"]:
            state = "undone" if event["undone_at"] else f"`commonplace projects undo {event['id'][:8]}` takes it back"
            tell(f"{event['happened_at'][:10]} {event['kind']}: {state}")


@app.command()
def rename(
    project: ProjectName,
    name: Annotated[str | None, typer.Argument(help="The new name; without it, the old one is confirmed.")] = None,
    description: Annotated[str | None, typer.Option(help="A line about it.")] = None,
    json: Json = False,
) -> None:
    """Name a project, everywhere; or confirm the name it has."""
    from commonplace.stages.mapping import projects

    _do(lambda archive: projects.rename(archive, project, name, description=description), _event)


@app.command()
def merge(
    source: ProjectName, target: Annotated[str, typer.Argument(help="What it becomes part of.")], json: Json = False
) -> None:
    """Make everything of one project the other's."""
    from commonplace.stages.mapping import projects

    _do(lambda archive: projects.merge(archive, source, target), _event)


@app.command()
def split(
    project: ProjectName,
    name: Annotated[str, typer.Argument(help="The new project.")],
    ids: Annotated[list[str] | None, typer.Option("--id", help="A conversation; repeatable.")] = None,
    refs: Annotated[
        list[str] | None, typer.Option("--ref", help="An id that its source knows it by; repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a new project of some of a project's conversations or ids."""
    from commonplace.stages.mapping import projects

    _do(lambda archive: projects.split(archive, project, name, ids=ids or [], refs=refs or []), _event)


@app.command()
def undo(
    event: Annotated[str | None, typer.Argument(help="An event's id; without it, the newest.")] = None,
    json: Json = False,
) -> None:
    """Undo a merge, a split, a renaming or a change of an assistant."""
    from commonplace.stages.mapping import projects

    _do(lambda archive: projects.undo(archive, event), _event)


@app.command()
def assign(
    project: ProjectName,
    ids: Ids,
    new: Annotated[bool, typer.Option("--new", help="Make the project if there is none.")] = False,
    json: Json = False,
) -> None:
    """Put conversations into a project, whatever a rule says."""
    from commonplace.stages.mapping import projects

    _do(lambda archive: projects.assign(archive, project, ids, new=new), _changes)


@app.command()
def unassign(
    ids: Ids,
    to_rules: Annotated[bool, typer.Option("--to-rules", help="Let the rules decide again.")] = False,
    json: Json = False,
) -> None:
    """Take conversations out of their project."""
    from commonplace.stages.mapping import projects

    _do(lambda archive: projects.unassign(archive, ids, to_rules=to_rules), _changes)


@app.command()
def suggest(
    project: OneProject = None,
    above: Annotated[float, typer.Option(min=0, max=1, help="Only those at least this sure.")] = 0.0,
    merges: Annotated[
        bool, typer.Option("--merges", help="Which projects may be one under several ids, instead of conversations.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """What similarity suggests but is not sure enough of."""
    from commonplace.stages.mapping.projects import suggest as suggestions

    if merges:
        _suggest_merges(above, limit)
        return
    with errors_for_people(), open_session() as (_, _, archive):
        found = suggestions(archive, project=project, above=above, limit=limit)
        if Output.as_json:
            print_json({"suggestions": found})
            return
        grid = table("conversation", "title", "project", "sure")
        for one in found:
            name = one.get("project_name") or one.get("project_id")
            grid.add_row(*cells(one["conversation_id"], one["title"], name, f"{one['confidence']:.0%}"))
        people.print(grid)
        if found:
            tell("`commonplace projects accept ID`, or reject ID.")


def _suggest_merges(above: float, limit: int) -> None:
    from commonplace.stages.mapping.projects import suggest_merges

    with errors_for_people(), open_session() as (_, _, archive):
        found = suggest_merges(archive, above=above, limit=limit)
        if Output.as_json:
            print_json({"merges": found})
            return
        grid = table("project", "newest titles", "would become part of", "newest titles", "sure")
        for one in found:
            theirs, ours = (" · ".join(titles) for titles in one["titles"])
            names = f"{one['source_name']} ({one['source']})", f"{one['target_name']} ({one['target']})"
            grid.add_row(*cells(names[0], theirs, names[1], ours, f"{one['confidence']:.0%}"))
        people.print(grid)
        if found:
            tell("`commonplace projects merge A B`, `accept --merges --above 0.9`, or `reject --merges A B`.")


@app.command()
def accept(
    ids: SomeIds = None,
    project: OneProject = None,
    above: Annotated[float | None, typer.Option(min=0, max=1, help="All that are at least this sure.")] = None,
    merges: Annotated[
        bool, typer.Option("--merges", help="Merge the projects that are as sure as --above says.")
    ] = False,
    json: Json = False,
) -> None:
    """Suggestions that are right."""
    from commonplace.stages.mapping import projects

    if merges:
        _accept_merges(above)
        return
    _do(lambda archive: projects.accept(archive, ids or [], project=project, above=above), _changes)


def _accept_merges(above: float | None) -> None:
    from commonplace.stages.mapping import projects

    with errors_for_people(), open_session() as (_, _, archive):
        if above is None:
            raise Refused("How sure must they be?", hint="Say --above 0.9, or merge one: `projects merge A B`.")
        told = projects.accept_merges(archive, above=above)
        if Output.as_json:
            print_json(told)
        tell(f"{len(told['merged'])} projects became part of another. `commonplace projects undo` takes the last back.")


@app.command()
def reject(
    ids: SomeIds = None,
    project: OneProject = None,
    merges: Annotated[bool, typer.Option("--merges", help="The two projects that are named are not one.")] = False,
    json: Json = False,
) -> None:
    """Suggestions or assignments that are wrong; they are not made again."""
    from commonplace.stages.mapping import projects

    if merges:
        with errors_for_people(), open_session() as (_, _, archive):
            refused = projects.reject_merge(archive, ids or [])
            if Output.as_json:
                print_json(refused)
            tell("Kept. It is not proposed again.")
        return
    _do(lambda archive: projects.reject(archive, ids or [], project=project), _changes)


@app.command("import-names")
def import_names(
    path: Annotated[str, typer.Argument(help="The sidebar's JSON or a projects.toml; - for standard input.")],
    json: Json = False,
) -> None:
    """Take over project names from ChatGPT's sidebar or a file."""
    from commonplace.stages.mapping import projects

    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    _do(lambda archive: projects.import_names(archive, text), _changes)


@app.command("infer-names")
def infer_names(
    named: Annotated[list[str] | None, typer.Argument(help="Projects; without any, all that have no name.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also all whose name was only proposed.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Ask a paid namer again, though the titles are the same.")
    ] = False,
    json: Json = False,
) -> None:
    """Propose names from the conversations' titles."""
    from commonplace.stages.mapping import projects
    from commonplace.stages.mapping.naming import open_naming

    with (
        errors_for_people(),
        open_session() as (settings, environment, archive),
        open_naming(settings, environment) as using,
    ):
        told = projects.infer_names(archive, named or [], using=using, every=every, again=again)
        if Output.as_json:
            print_json(told)
        else:
            tell("\n".join(f"{one['id']}: {one['name']}" for one in told["named"]) or "Nothing to name.")
        for problem in told["problems"]:
            aside.print(problem)
    if told["problems"]:
        raise typer.Exit(1)


@app.command()
def export(
    form: Annotated[Literal["toml", "json"], typer.Option("--format", help="How it is written.")] = "toml",
    output: Annotated[Path | None, typer.Option(help="The file; standard output without it.")] = None,
) -> None:
    """Write the registry of projects, to be edited and imported again."""
    from commonplace.stages.mapping import projects

    with errors_for_people(), open_session() as (_, _, archive):
        text = projects.export(archive, form=form)
        if output is None:
            print_text(text)
        else:
            output.write_text(text, encoding="utf-8")
