"""Projects: what they are called and hold, which may be one, what is suggested for them; all can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.core import Archive
from commonplace.archive.projects import lookup, registry
from commonplace.archive.projects.assignments import suggestions as suggestions_for
from commonplace.archive.projects.assistants import Assistant, assistant_of
from commonplace.errors import Refused
from commonplace.web.arriving.meanwhile import ONE_AT_A_TIME, marks, typed_beside
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.wording import say

router = APIRouter(prefix="/projects")

Long = Annotated[str, Form(max_length=4_000)]
Several = Annotated[list[str], Form(max_length=1_000)]
LIKELY = 0.05
"""Two that are less likely one are not asked about."""
MOST_SHOWN = 300
"""Characters of what somebody else wrote meanwhile."""
SHARES = (0.9, 0.8, 0.7, 0.6, 0.5)
"""How sure suggestions can be asked to be that are accepted together."""


@router.get("")
def list_page(request: Request, session: Person, merges: bool = False) -> Response:
    """All of them, and what waits for a word. Which may be one is computed when it is asked for."""
    return _list(request, session.owner, merges=merges)


@router.get("/{id}")
def page(request: Request, session: Person, id: str) -> Response:
    """One of them."""
    return _one(request, session.owner, id)


@router.post("/create", dependencies=[Guarded])
def create(request: Request, session: Person, name: Typed) -> Response:
    """A new one."""
    from commonplace.stages.mapping import projects

    try:
        made = projects.create(archive_of(request, session.owner), name)
    except Refused as refused:
        return _list(request, session.owner, problem=str(refused))
    return done(f"/projects/{made['id']}", "kept")


@router.post("/suggestions", dependencies=[Guarded])
def suggestions(
    request: Request,
    session: Person,
    answer: Typed,
    id: Typed = "",
    project: Typed = "",
    above: Annotated[float, Form(ge=0, le=1)] = 1.0,
) -> Response:
    """Yes or no to one suggestion as it was shown, or yes to all that are this sure."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    try:
        with ONE_AT_A_TIME:
            if answer == "all":
                projects.accept(archive, above=above)
            elif project and not _is_suggested(archive, id, project):
                raise Refused(say("again.newer", now=_project_of(archive, id) or say("conversation.no_project")))
            else:
                (projects.accept if answer == "yes" else projects.reject)(archive, [id])
    except Refused as refused:
        return _list(request, session.owner, problem=str(refused))
    return done("/projects", "kept")


@router.post("/merge", dependencies=[Guarded])
def merge(request: Request, session: Person, source: Typed, target: Typed, answer: Typed = "yes") -> Response:
    """One becomes part of the other, or they are never taken for one again."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    try:
        if answer == "no":
            projects.reject_merge(archive, [source, target])
        else:
            projects.merge(archive, source, target)
    except Refused as refused:
        return _list(request, session.owner, problem=str(refused))
    return done("/projects", "kept")


@router.post("/{id}/rename", dependencies=[Guarded])
def rename(
    request: Request, session: Person, id: str, name: Typed, description: Long = "", seen: Typed = ""
) -> Response:
    """A person's name for it, and what it is about."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    typed = {"name": name, "description": description}
    with ONE_AT_A_TIME:
        now = _named(projects.show(archive, id))
        beside = typed_beside(seen, now, typed)
        if beside is not None:
            problem = say("again.changed", now=" · ".join(text for text in now.values() if text))
            return _one(request, session.owner, id, problem=problem, typed=now | beside)
        try:
            projects.rename(archive, id, name, description=description if description or now["description"] else None)
        except Refused as refused:
            return _one(request, session.owner, id, problem=str(refused), typed=typed)
    return done(f"/projects/{id}", "kept")


@router.post("/{id}/split", dependencies=[Guarded])
def split(
    request: Request,
    session: Person,
    id: str,
    name: Typed = "",
    conversation: Several = [],  # noqa: B006
    ref: Several = [],  # noqa: B006
) -> Response:
    """A new project of what was ticked."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    try:
        event = projects.split(archive, id, name, ids=conversation, refs=ref)
    except Refused as refused:
        return _one(
            request, session.owner, id, problem=str(refused), typed={"split": name}, ticked=[*conversation, *ref]
        )
    return done(f"/projects/{event['detail']['new']}", "kept")


@router.post("/{id}/assistant", dependencies=[Guarded])
def assistant(
    request: Request,
    session: Person,
    id: str,
    model: Typed = "",
    temperature: Typed = "",
    instructions: Annotated[str, Form(max_length=20_000)] = "",
    reset: Typed = "",
    seen: Typed = "",
) -> Response:
    """Who answers questions about it, and how."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    typed = {"model": model, "temperature": temperature, "instructions": instructions}
    with ONE_AT_A_TIME:
        now = _answering(assistant_of(archive, lookup.find_project(archive, id)))
        beside = typed_beside(seen, now, typed)
        if beside is not None:
            told = " · ".join(text for text in now.values() if text)[:MOST_SHOWN]
            problem = say("again.changed", now=told or say("projects.as_settings"))
            return _one(request, session.owner, id, problem=problem, typed=now | beside)
        try:
            warmth = float(temperature.replace(",", ".")) if temperature.strip() else None
            wanted = Assistant(model=model.strip(), instructions=instructions.strip(), temperature=warmth)
            projects.set_assistant(archive, id, None if reset else wanted)
        except ValueError:
            return _one(request, session.owner, id, problem=say("projects.no_number"), typed=typed)
        except Refused as refused:
            return _one(request, session.owner, id, problem=str(refused), typed=typed)
    return done(f"/projects/{id}", "kept")


@router.post("/undo", dependencies=[Guarded])
def undo(request: Request, session: Person, event: Typed = "", back: Typed = "") -> Response:
    """Undo one thing that was done to projects."""
    from commonplace.stages.mapping import projects

    try:
        projects.undo(archive_of(request, session.owner), event or None)
    except Refused as refused:
        return _list(request, session.owner, problem=str(refused))
    return done(f"/projects/{back}" if back else "/projects", "undone")


def _is_suggested(archive: Archive, id: str, project: str) -> bool:
    return any(one.conversation_id == id for one in suggestions_for(archive, project_id=project))


def _project_of(archive: Archive, id: str) -> str | None:
    return next((filed.project_name for filed in load_filed(archive, [id])), None)


def _named(project: dict[str, Any]) -> dict[str, str]:
    """What a project is called and is about, as its form shows it."""
    return {"name": project["name"], "description": project["description"] or ""}


def _answering(assistant: Assistant) -> dict[str, str]:
    """An assistant, as its form shows it."""
    warmth = "" if assistant.temperature is None else str(assistant.temperature)
    return {"instructions": assistant.instructions, "model": assistant.model, "temperature": warmth}


def _list(request: Request, owner: str, *, merges: bool = False, problem: str = "") -> Response:
    from commonplace.stages.mapping import projects

    archive = archive_of(request, owner)
    return render(
        request,
        "projects.html",
        status=400 if problem else 200,
        problem=problem,
        projects=projects.list_projects(archive),
        suggestions=projects.suggest(archive),
        precisions=projects.precisions(archive, SHARES),
        merges=projects.suggest_merges(archive, above=LIKELY) if merges else None,
        events=_events(archive),
    )


def _one(
    request: Request,
    owner: str,
    id: str,
    *,
    problem: str = "",
    typed: dict[str, str] | None = None,
    ticked: Sequence[str] = (),
) -> Response:
    from commonplace.stages.mapping import projects

    archive = archive_of(request, owner)
    found = lookup.find_project(archive, id)
    project = projects.show(archive, found)
    named, answering = _named(project), _answering(assistant_of(archive, found))
    return render(
        request,
        "project.html",
        status=400 if problem else 200,
        problem=problem,
        shown={**named, **answering, "split": "", **(typed or {})},
        is_about_assistant="instructions" in (typed or {}),
        ticked=ticked,
        project=project,
        assistant_seen=marks(answering),
        seen=marks(named),
        others=_others(archive, project["id"]),
    )


def _others(archive: Archive, id: str) -> list[tuple[str, str]]:
    """The ids and names of the other projects, as in an index."""
    found = sorted(registry.names(archive).items(), key=lambda one: one[1].casefold())
    return [(other, name) for other, name in found if other != id]


def _events(archive: Any) -> list[dict[str, Any]]:
    """What was done to projects lately."""
    from commonplace.archive.projects import history

    return [
        {"id": one.id, "kind": one.kind, "happened_at": one.happened_at, "is_undone": one.undone_at is not None}
        for one in history.history(archive, limit=8)
    ]
