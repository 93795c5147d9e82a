"""`commonplace ask`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from commonplace.cli.options import Json, Project, Since, Until, moment
from commonplace.cli.output import INTERRUPTED, Output, aside, errors_for_people, people, print_json, tell
from commonplace.session import Session, open_session

if TYPE_CHECKING:
    from commonplace.archive.search.filters import Filters
    from commonplace.stages.asking import Answer

SHOWN = 600
"""Characters of a source that a person is shown; `show ID` has the rest."""

SPEAKERS = {"user": "you", "assistant": "the assistant"}


def register(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    question: Annotated[list[str], typer.Argument(help="What you want to know, in your own words.")],
    project: Project = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    about: Annotated[str | None, typer.Option(help="Only this conversation, by its id.")] = None,
    since: Since = None,
    until: Until = None,
    model: Annotated[str | None, typer.Option(help="Who answers; `none`: what was found is quoted.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="US dollars the answer may cost.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation, by its id.")] = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Do not keep question and answer.")] = False,
    json: Json = False,
) -> None:
    """Find what answers a question in your archive: quoted, or told by a model, with where it is from."""
    from commonplace.archive.conversations.reading import find_conversation
    from commonplace.archive.search.filters import Filters
    from commonplace.stages import answering, asking

    with errors_for_people(), open_session() as session:
        first, end = moment(since, session.settings), moment(until, session.settings)
        only = find_conversation(session.archive, about) if about else None
        filters = Filters(conversation=only, project=project, category=category, since=first, until=end)
        asked, wanted = " ".join(question), answering.model_for(session, model, project)
        if conversation:
            told = _continued(session, wanted, conversation, asked, max_cost, is_kept=not no_save)
        elif wanted:
            told = _from_model(session, wanted, asked, filters, max_cost, is_kept=not no_save)
        else:
            told = _quoted(session, asked, filters)
        if told.error:
            aside.print(told.error, style="bold red", soft_wrap=True)
            raise typer.Exit(INTERRUPTED if told.error == asking.INTERRUPTED else 1)


def _quoted(session: Session, asked: str, filters: Filters) -> Answer:
    from commonplace.stages import asking
    from commonplace.stages.searching import Searcher

    with closing(Searcher(session)) as searcher:
        told = asking.quote(session, searcher, asked, filters=filters)
    _show(told, lambda text: text[:SHOWN] + (" …" if len(text) > SHOWN else ""), said=told.answer)
    return told


def _from_model(
    session: Session, model: str, asked: str, filters: Filters, max_cost: float | None, *, is_kept: bool
) -> Answer:
    from commonplace.stages import answering
    from commonplace.stages.searching import Searcher

    with (
        closing(Searcher(session)) as searcher,
        answering.open_answering(session, model, project=filters.project, max_cost=max_cost) as using,
    ):
        told = answering.answer(session, searcher, using, asked, filters=filters, heard=_heard, is_kept=is_kept)
    if told.model and not Output.as_json:
        people.print()
    _show(told, lambda text: "", said="" if told.model else told.answer)
    return told


def _continued(
    session: Session, model: str, conversation: str, asked: str, max_cost: float | None, *, is_kept: bool
) -> Answer:
    from commonplace.archive.conversations.reading import find_conversation
    from commonplace.stages import continuing
    from commonplace.stages.answering import open_answering

    conversation = find_conversation(session.archive, conversation)
    project = continuing.project_of(session, conversation)
    with open_answering(session, model, project=project, max_cost=max_cost) as using:
        told = continuing.go_on(session, using, conversation, asked, heard=_heard, is_kept=is_kept)
    if not Output.as_json:
        people.print()
    _show(told, lambda text: "", said="")
    return told


def _heard(piece: str) -> None:
    """As it is spoken; programs get the whole at the end."""
    if not Output.as_json:
        people.print(piece, end="", soft_wrap=True)


def _show(told: Answer, shown: Callable[[str], str], *, said: str) -> None:
    """What was said, unless that was heard already, and what it stands on."""
    if Output.as_json:
        print_json(told)
        return
    if told.note:
        tell(Text(told.note, "yellow"))
    if said:
        tell(said)
    for source in told.sources:
        heading = (f"\n[{source.number}] {source.title}", "bold")
        where = ", ".join(
            filter(None, (source.date, " and ".join(SPEAKERS.get(each, each) for each in source.said_by)))
        )
        people.print(Text.assemble(heading, "  ", (where, "dim")))
        if text := shown(source.text):
            people.print(text)
        people.print(source.id, style="dim")
    if told.cost_usd:
        people.print(f"\n{told.model}, ${told.cost_usd:.4f}", style="dim")
