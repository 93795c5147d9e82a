"""`commonplace ask`."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.markup import escape

from commonplace.cli.options import Json, Project, Since, Until, moment
from commonplace.cli.output import Output, errors_for_people, people, print_json, tell
from commonplace.session import open_session

SHOWN = 600
"""Characters of a source that a person is shown; `show ID` has the rest."""


def register(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    question: Annotated[list[str], typer.Argument(help="What you want to know, in your own words.")],
    project: Project = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    since: Since = None,
    until: Until = None,
    json: Json = False,
) -> None:
    """Find what answers a question in your archive, quoted, with where it is from."""
    from commonplace.archive.search.filters import Filters
    from commonplace.stages import asking
    from commonplace.stages.searching import Searcher

    with errors_for_people(), open_session() as session, closing(Searcher(session)) as searcher:
        first, end = moment(since, session.settings), moment(until, session.settings)
        filters = Filters(project=project, category=category, since=first, until=end)
        answer = asking.quote(session, searcher, " ".join(question), filters=filters)
        if Output.as_json:
            print_json(answer)
            return
        if answer.note:
            tell(f"[yellow]{escape(answer.note)}[/]")
        if answer.answer:
            tell(escape(answer.answer))
        for source in answer.sources:
            people.print(f"\n[bold]\\[{source.number}] {escape(source.title)}[/]  [dim]{source.date}[/]")
            people.print(escape(source.text[:SHOWN] + (" …" if len(source.text) > SHOWN else "")))
            people.print(f"[dim]{source.id}[/]")
