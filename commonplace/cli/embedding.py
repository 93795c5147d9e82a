"""`commonplace embed`, and `topics`, which goes by what it made."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commonplace.cli.options import Direct, DryRun, Force, Json, Limit, Project, Since, Until, moment, selection
from commonplace.cli.output import Output, errors_for_people, people, plain, print_json, show_counts, tell
from commonplace.cli.working import as_run, directly, finish, show_report
from commonplace.session import open_session

KEYS = ("embedded", "unchanged", "passages", "cost_usd", "seconds")


def register(app: typer.Typer) -> None:
    app.command("embed")(embed)
    app.command("topics")(topics)


def embed(
    since: Since = None,
    until: Until = None,
    project: Project = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Force = False,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Make vectors of what was said, by which `search`, `similar` and `ask` find what is meant."""
    from commonplace.stages import embedding as stage

    with errors_for_people():
        bounds: dict[str, Any] = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        if dry_run:
            with open_session() as session:
                plan = plain(stage.preview(session, selection(session.settings, **bounds)))
            print_json(plan) if Output.as_json else show_counts(f"{plan['model']} would embed", plan)
            return
        if direct:
            report = directly(
                lambda session, work: stage.embed_pending(session, selection(session.settings, **bounds), work=work)
            )
        else:
            report = as_run("embed", bounds)
        finish(report, lambda: show_report("Embedded", report, KEYS))


def topics(
    project: Project = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    since: Since = None,
    until: Until = None,
    most: Annotated[int, typer.Option(min=1, max=100, help="At most so many topics.")] = 12,
    json: Json = False,
) -> None:
    """What conversations are about, whatever category they are in, with those nearest to the middle of each topic."""
    from commonplace.archive.scope import Scope
    from commonplace.stages.topics import find_topics

    with errors_for_people(), open_session() as (settings, _, archive):
        after, before = moment(since, settings), moment(until, settings)
        scope = Scope(project=project, category=category, since=after, until=before)
        found = find_topics(archive, scope, most=most)
        if Output.as_json:
            print_json(found)
            return
        for topic in found.topics:
            people.print(f"\n{topic.name} ({topic.conversations:,})", style="bold", markup=False)
            if topic.about:
                people.print(topic.about, style="dim", markup=False)
            for near in topic.nearest:
                people.print(f"  {near.title or 'Untitled'}  {near.id}", markup=False)
        unseen = f" {found.unseen:,} have no vector: run `commonplace embed`." if found.unseen else ""
        tell(f"{found.looked_at:,} conversations, {found.left:,} of them in no topic.{unseen}")
