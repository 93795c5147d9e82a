"""Reading the archive: search, similar, show, stats, export, attachments. None of these starts Prefect."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markdown import Markdown
from rich.text import Text

from commonplace.cli.options import Json, Project, Since, Until, moment
from commonplace.cli.output import Output, aside, cells, errors_for_people, people, print_json, show_counts, table, tell
from commonplace.errors import Refused
from commonplace.moments import to_iso
from commonplace.session import open_session

if TYPE_CHECKING:
    from commonplace.archive.core import Archive
    from commonplace.archive.figures.frames import Format
    from commonplace.archive.figures.statistics import Count
    from commonplace.archive.scope import Scope
    from commonplace.archive.search.search import SearchResult
    from commonplace.config import Settings
    from commonplace.session import Session
    from commonplace.stages.explaining import Why
    from commonplace.stages.transcripts.writing import Form

Category = Annotated[str | None, typer.Option(help="Only this category.")]
REASONS = {"meaning": "Near in meaning:", "some words": "Nothing has all of these words. These have some of them:"}
MARKS = ("\ue000", "\ue001")
"""Around highlighted words."""


def register(app: typer.Typer) -> None:
    app.command("search")(search)
    app.command("similar")(similar)
    app.command("show")(show)
    app.command("stats")(stats)
    app.command("export")(export)


def search(
    query: Annotated[list[str], typer.Argument(help='Words, "phrases", -exclusions, prefix*.')],
    project: Project = None,
    category: Category = None,
    source: Annotated[str | None, typer.Option(help="Only this source or account: claude, chatgpt@work ...")] = None,
    role: Annotated[str | None, typer.Option(help="Only what this side said: user, assistant, tool.")] = None,
    model: Annotated[str | None, typer.Option(help="Only conversations with this model.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only what has this tag.")] = None,
    language: Annotated[str | None, typer.Option(help="Only this language: en, de ...")] = None,
    since: Since = None,
    until: Until = None,
    has: Annotated[list[str] | None, typer.Option(help="Only with code, image or file; repeatable.")] = None,
    mode: Annotated[
        Literal["words", "meaning", "hybrid"], typer.Option(help="By words, by meaning, or by words and then meaning.")
    ] = "hybrid",
    newest: Annotated[bool, typer.Option("--newest", help="Newest first instead of best first.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Results on a page.")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    json: Json = False,
) -> None:
    """Find conversations."""
    from commonplace.archive.search.filters import Filters
    from commonplace.stages.searching import Searcher

    with errors_for_people(), open_session() as session, closing(Searcher(session)) as searcher:
        settings = session.settings
        filters = Filters(
            project=project,
            category=category,
            source=source,
            role=role,
            model=model,
            tag=tag,
            language=language,
            since=moment(since, settings),
            until=moment(until, settings),
            has=tuple(has or ()),
        )
        found = searcher.search(
            " ".join(query),
            mode=mode,
            filters=filters,
            newest_first=newest,
            limit=limit,
            offset=(page - 1) * limit,
            marks=("**", "**") if Output.as_json else MARKS,
        )
        if Output.as_json:
            told = dict(found.as_json())
            print_json(told)
            return
        _show_found(found, settings)


def similar(
    conversation: Annotated[str, typer.Argument(help="An id, its beginning, or the link of the conversation.")],
    project: Project = None,
    category: Category = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 10,
    json: Json = False,
) -> None:
    """Show the conversations that are nearest to one in meaning."""
    from commonplace.archive.conversations.reading import find_conversation
    from commonplace.archive.search.filters import Filters
    from commonplace.stages.searching import Searcher

    with errors_for_people(), open_session() as session, closing(Searcher(session)) as searcher:
        settings = session.settings
        first, end = moment(since, settings), moment(until, settings)
        found = searcher.similar(
            find_conversation(session.archive, conversation),
            filters=Filters(project=project, category=category, since=first, until=end),
            limit=limit,
            marks=("**", "**") if Output.as_json else MARKS,
        )
        if Output.as_json:
            print_json(dict(found.as_json()))
            return
        _show_found(found, settings)


def _show_found(found: SearchResult, settings: Settings) -> None:
    about = "" if found.total_is_exact else "about "
    tell(Text(f"{about}{found.total:,} conversations in {found.took_ms:.0f} ms", "dim"))
    if found.note:
        tell(Text(found.note, "yellow"))
    before = None
    for result in found.results:
        if result.why != before and result.why in REASONS:
            tell(Text(f"\n{REASONS[result.why]}", "dim"))
        before = result.why
        where = " · ".join(part for part in (result.project, result.category) if part)
        day = (to_iso(result.created_at, settings.zone) or "")[:10]
        people.print(Text.assemble("\n", (result.title or "Untitled", "bold"), "  ", (f"{day} {where}", "dim")))
        people.print(_marked(" ".join(result.snippet.split())))
        people.print(result.id, style="dim")
    if found.facets and found.results:
        _show_facets(found.facets)


def _marked(snippet: str) -> Text:
    """A snippet whose hits stand out."""
    text = Text()
    for index, part in enumerate(re.split("|".join(map(re.escape, MARKS)), snippet)):
        text.append(part, "yellow" if index % 2 else "")
    return text


def _show_facets(facets: dict[str, list[Any]]) -> None:
    people.print()
    for name in ("category", "project", "topic", "source", "model"):
        values = facets.get(name, [])[:6]
        if values:
            listed = [Text.assemble(f"{facet.value} ", (str(facet.count), "dim")) for facet in values]
            people.print(Text(f"{name}: ", "dim", end=""), Text(", ").join(listed), sep="")


def show(
    conversation: Annotated[str, typer.Argument(help="An id, its beginning, or the link of the conversation.")],
    branches: Annotated[bool, typer.Option("--branches", help="Also what is not on the active path.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Also hidden messages.")] = False,
    attachments: Annotated[
        Path | None, typer.Option(help="Extract the conversation's attachments into this folder.")
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Who said what of it, and where it was written.")] = False,
    json: Json = False,
) -> None:
    """Show a conversation."""
    from commonplace.archive.conversations.reading import find_conversation, load_filed
    from commonplace.stages import explaining
    from commonplace.stages.extraction import extract

    with errors_for_people(), open_session() as (settings, _, archive):
        filed = next(iter(load_filed(archive, [find_conversation(archive, conversation)])))
        written = extract(archive, filed.conversation, attachments) if attachments else []
        if Output.as_json:
            known = {"why": explaining.why(archive, filed.conversation.id)} if why else {}
            print_json({**_as_json(filed), **({"extracted": written} if attachments else {}), **known})
            return
        about = filed.conversation
        people.print(filed.title or "Untitled", style="bold")
        parts = [to_iso(about.created_at, settings.zone), filed.project_name, filed.category, ", ".join(filed.tags)]
        people.print(" · ".join(part for part in parts if part), style="dim")
        if filed.summary:
            people.print(filed.summary)
        for message in about.messages:
            if (message.is_active or branches) and (not message.is_hidden or hidden) and message.text.strip():
                aside = "" if message.is_active else " (another branch)"
                people.print(f"\n{message.role.capitalize()}{aside}", style="bold cyan")
                people.print(Markdown(message.text, hyperlinks=False))
        for path in written:
            tell(f"Wrote {path}")
        if why:
            _show_why(explaining.why(archive, about.id))


def _show_why(why: Why) -> None:
    for word in why.said:
        tell(f"\nYou said ({word.origin}): {word.field} {word.value}")
    for one in why.judged:
        nearly = f", nearly {one.verdict.runner_up}" if one.verdict.runner_up else ""
        tell(f"{one.verdict.judge}: {one.verdict.category}, {one.verdict.confidence:.0%} sure{nearly}")
        if one.verdict.evidence:
            tell(f"  For it spoke: {', '.join(one.verdict.evidence)}")
    if why.assigned is not None:
        tell(f"Project by {why.assigned.rule}: {why.assigned.project or 'none'}, {why.assigned.confidence:.0%} sure")
    for copy in why.copies:
        told = " ".join(part for part in (copy.url, copy.reason) if part)
        tell(f"{copy.destination}: {copy.state} {told}".rstrip())


def _as_json(filed: Any) -> dict[str, Any]:
    about = filed.conversation
    return {
        "id": about.id,
        "title": filed.title,
        "created_at": to_iso(about.created_at),
        "updated_at": to_iso(about.updated_at),
        "source": about.source,
        "account": about.account,
        "url": about.url,
        "model": about.model,
        "project": filed.project_name or filed.project_id,
        "category": filed.category,
        "confidence": filed.confidence,
        "tags": filed.tags,
        "summary": filed.summary,
        "language": filed.language,
        "insights": filed.insights,
        "messages": [
            {
                "id": message.id,
                "parent": message.parent_id,
                "role": message.role,
                "text": message.text,
                "created_at": to_iso(message.created_at),
                "active": message.is_active,
                "hidden": message.is_hidden,
                "model": message.model,
                "attachments": message.attachments,
            }
            for message in about.messages
        ],
    }


def stats(
    by: Annotated[
        str, typer.Option(help="month, weekday, hour, model, project, category, tag, topic, source, account or length.")
    ] = "month",
    since: Since = None,
    until: Until = None,
    most: Annotated[str | None, typer.Option(help="Instead, what stands out: longest or returned.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Also draw it into this .svg or .png file.")] = None,
    json: Json = False,
) -> None:
    """Count conversations by month, weekday, hour, model, project, category, tag, topic, source, account or length."""
    from commonplace.archive.figures import statistics
    from commonplace.archive.scope import Scope

    with errors_for_people(), open_session() as (settings, _, archive):
        if most is not None:
            if chart is not None:
                raise Refused("What stands out is no chart.", hint="Leave out --chart, or --most.")
            _show_leaders(archive, most, Scope(since=moment(since, settings), until=moment(until, settings)))
            return
        if by not in (known := (*statistics.DIMENSIONS, "topic")):
            raise Refused(f"There are no statistics by {by!r}.", hint=f"Use one of: {', '.join(known)}.")
        bounds = {"since": moment(since, settings), "until": moment(until, settings)}
        rows = _counted(archive, by, settings, bounds)
        totals = statistics.totals(archive, zone=settings.zone, **bounds)
        if chart is not None:
            from commonplace.archive.figures.charts import draw

            chart.write_bytes(draw(rows, by, chart.suffix.lstrip(".").lower()))
        if Output.as_json:
            print_json({"by": by, "totals": totals, "rows": rows})
            return
        show_counts("Archive", dict(totals))
        largest = max((row.conversations for row in rows), default=1)
        grid = table(by, "conversations", "messages", "")
        for row in rows:
            grid.add_row(
                *cells(row.value, f"{row.conversations:,}", f"{row.messages:,}"),
                "█" * round(30 * row.conversations / largest),
            )
        people.print(grid)


def _counted(archive: Archive, by: str, settings: Settings, bounds: Mapping[str, int | None]) -> Sequence[Count]:
    from commonplace.archive.figures import statistics
    from commonplace.archive.scope import Scope

    if by != "topic":
        return statistics.count_by(archive, by, zone=settings.zone, **bounds)
    from commonplace.stages.topics import find_topics

    return find_topics(archive, Scope(since=bounds["since"], until=bounds["until"])).as_counts()


def _show_leaders(archive: Archive, kind: str, scope: Scope) -> None:
    from commonplace.archive.figures.leaders import leaders

    found = leaders(archive, kind, scope)
    if Output.as_json:
        print_json({"most": kind, "rows": found})
        return
    grid = table("conversation", "title", "messages" if kind == "longest" else "days")
    for one in found:
        grid.add_row(*cells(one.id, one.title, f"{one.amount:,}"))
    people.print(grid)


def export(
    output: Annotated[Path, typer.Option(help="The file to write.")],
    conversation: Annotated[list[str] | None, typer.Argument(help="Only these: their ids, or their links.")] = None,
    format: Annotated[
        Literal["jsonl", "csv", "parquet", "markdown", "html", "openai-finetune", "sharegpt"],
        typer.Option(help="A table, a text to read, or lines that programs for training read."),
    ] = "jsonl",
    messages: Annotated[bool, typer.Option("--messages", help="Of a table: a row per message instead.")] = False,
    project: Project = None,
    category: Category = None,
    since: Since = None,
    until: Until = None,
    json: Json = False,
) -> None:
    """Write the archive as a table, or conversations as one text."""
    from commonplace.archive.figures.whole_file import is_standard_output
    from commonplace.archive.scope import Scope

    with errors_for_people(), open_session() as session:
        settings = session.settings
        scope = Scope(since=moment(since, settings), until=moment(until, settings), project=project, category=category)
        if format in ("parquet", "jsonl", "csv"):
            told = _export_table(session, output, format, scope, conversation, messages=messages)
        else:
            told = _export_texts(session, output, format, scope, conversation, messages=messages)
        said = ", ".join(
            f"{value:,} {name.replace('_', ' ')}" for name, value in told.items() if value or name == "rows"
        )
        if is_standard_output(output):
            aside.print(f"Wrote {said}.")
            return
        if Output.as_json:
            print_json({"path": str(output), "format": format, **told})
        tell(f"Wrote {said or 'nothing'} to {output}.")


def _export_table(
    session: Session, output: Path, format: Format, scope: Scope, wanted: list[str] | None, *, messages: bool
) -> dict[str, int]:
    from commonplace.archive.figures.frames import write_frame

    if wanted:
        raise Refused(
            "A table is of a selection, not of single conversations.",
            hint="Use --project, --category, --since or --until, or one of the formats for texts, such as html.",
        )
    formulas = session.settings.export.formulas
    rows = write_frame(session.archive, output, format, scope=scope, messages=messages, formulas=formulas)
    return {"rows": rows}


def _export_texts(
    session: Session, output: Path, format: str, scope: Scope, wanted: list[str] | None, *, messages: bool
) -> dict[str, int]:
    from commonplace.archive.conversations.reading import conversation_ids, find_conversation
    from commonplace.stages.transcripts.writing import write_transcripts

    if messages:
        raise Refused("--messages is for tables.", hint="Use --format jsonl, csv or parquet.")
    archive = session.archive
    if wanted and not scope.is_open:
        raise Refused("Either single conversations or a selection can be exported.", hint="Leave one of them out.")
    found = (find_conversation(archive, one) for one in wanted or ())
    ids = list(dict.fromkeys(found)) if wanted else conversation_ids(archive, scope)
    written = write_transcripts(archive, output, ids, _form(session, format))
    return {"conversations": written.conversations, "left_out": written.left_out}


def _form(session: Session, format: str) -> Form:
    """Only the one to print is made where pages are: to load these takes as long as all else."""
    if format == "html":
        from commonplace.web.pages import printed

        return printed.form_named(session, format)
    from commonplace.stages.transcripts.forms import form_named

    return form_named(format, session.settings.zone)
