"""One conversation: what was said, what is known of it and why, and the person's own word on it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from commonplace.archive.conversations.reading import Filed, load_filed
from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.errors import CommonplaceError, Refused
from commonplace.model import Attachment
from commonplace.stages.categorizing.reviewing import correct_conversation, withdraw_corrections
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.explaining import Assigned, Why, why
from commonplace.web.arriving.meanwhile import ONE_AT_A_TIME, mark, marks, typed_beside
from commonplace.web.errors import not_found
from commonplace.web.pages.rendering import done, render
from commonplace.web.reading import LONGEST, File, to_html
from commonplace.web.security.csrf import Guarded
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of
from commonplace.web.talk import anchor_of, cited, leaf_below, page_of, part, shown
from commonplace.web.wording import say

router = APIRouter()

Id = Annotated[str, Form(max_length=500)]
Words = Annotated[str, Form(max_length=4000)]
Maybe = Annotated[str | None, Form(max_length=4000)]
MOST_SIMILAR = 5


@router.get("/conversations/{id:path}/text")
def text(request: Request, session: Person, id: str, message: str) -> Response:
    """A message as it was written, whole."""
    filed = _filed(archive_of(request, session.owner), id)
    found = next((each for each in filed.conversation.messages if each.id == message), None)
    if found is None:
        raise not_found("message")
    return PlainTextResponse(found.text, headers={"content-security-policy": "default-src 'none'; sandbox"})


@router.get("/conversations/{id:path}/markdown")
def markdown(request: Request, session: Person, id: str) -> Response:
    """The active branch, to be copied or kept."""
    filed = _filed(archive_of(request, session.owner), id)
    said = [
        f"## {each.role.capitalize()}\n\n{each.text}"
        for each in shown(filed.conversation.messages, leaf=None, hidden=False)
    ]
    whole = "\n\n".join([f"# {filed.title or ''}".strip(), *said])
    name = "".join(char if char.isalnum() or char in " -_" else "_" for char in filed.title or "conversation")[:80]
    told = f"attachment; filename*=UTF-8''{quote(name.strip() or 'conversation')}.md"
    return PlainTextResponse(whole + "\n", media_type="text/markdown", headers={"content-disposition": told})


@router.get("/conversations/{id:path}")
def page(
    request: Request,
    session: Person,
    id: str,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    leaf: Annotated[str, Query(max_length=300)] = "",
    message: Annotated[str, Query(max_length=300)] = "",
    hidden: bool = False,
) -> Response:
    """A page of it. `message` leads to where that message is, on whichever branch."""
    archive = archive_of(request, session.owner)
    filed = _filed(archive, id)
    if message:
        return _to_message(filed, message, hidden=hidden)
    return _page(request, archive, filed, page=page, leaf=leaf, hidden=hidden)


@router.post("/correct", dependencies=[Guarded])
def correct(
    request: Request,
    session: Person,
    id: Id,
    title: Maybe = None,
    category: Maybe = None,
    tags: Maybe = None,
    project: Maybe = None,
    seen: Maybe = None,
) -> Response:
    """A person's word, which no judge and no rule takes back. Said of what somebody has changed meanwhile, it is shown
    beside that first."""
    archive = archive_of(request, session.owner)
    given = {"title": title, "category": category, "tags": tags, "project": project}
    # What is emptied comes as if it were not there: of our own form, everything is.
    typed = {name: text or "" for name, text in given.items() if text is not None or seen}
    with ONE_AT_A_TIME:
        filed = _filed(archive, id)
        beside = typed_beside(seen or "", _shown(filed), typed)
        if beside is not None:
            return _page(request, archive, filed, problem=say("again.changed", now=_now(filed)), typed=beside)
        try:
            _correct(archive, filed, typed, taxonomy=server_of(request).settings.categorize.taxonomy)
        except Refused as refused:
            return _page(request, archive, _filed(archive, id), problem=str(refused), typed=typed)
    return done(_address(id), "kept")


@router.post("/withdraw", dependencies=[Guarded])
def withdraw(request: Request, session: Person, id: Id, field: Words, seen: Words = "") -> Response:
    """Take a word back: what the judges or the rules say holds again. A word that somebody has said since stays."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    below = server_of(request).settings.categorize.review_below
    with ONE_AT_A_TIME:
        filed = _filed(archive, id)
        try:
            _must_be_as_shown(archive, filed, field, seen)
            if field == "project":
                projects.unassign(archive, [id], to_rules=True)
            else:
                withdraw_corrections(archive, id, only=[field], review_below=below)
        except Refused as refused:
            return _page(request, archive, filed, problem=str(refused))
    return done(_address(id), "undone")


@router.post("/suggestion", dependencies=[Guarded])
def suggestion(request: Request, session: Person, id: Id, answer: Words, seen: Words = "") -> Response:
    """Yes or no to the project that is suggested, as long as it is."""
    from commonplace.stages.mapping import projects

    archive = archive_of(request, session.owner)
    with ONE_AT_A_TIME:
        filed = _filed(archive, id)
        try:
            _must_be_as_shown(archive, filed, "project", seen)
            (projects.accept if answer == "yes" else projects.reject)(archive, [id])
        except Refused as refused:
            return _page(request, archive, filed, problem=str(refused))
    return done(_address(id), "kept")


def _shown(filed: Filed) -> dict[str, str]:
    """What may be said of it, as its form shows it."""
    project = filed.project_name or filed.project_id or ""
    tags = ", ".join(filed.tags)
    return {"title": filed.title or "", "category": filed.category or "", "tags": tags, "project": project}


def _now(filed: Filed) -> str:
    return " · ".join(part for part in _shown(filed).values() if part)


def _words(known: Why) -> dict[str, str]:
    """A mark of what each field is by a person's word, and of how its project was found."""
    said: dict[str, str] = {word.field: mark(word.value, word.corrected_at) for word in known.said}
    if found := known.assigned:
        said["project"] = mark(found.rule, found.project, found.suggested)
    return said


def _must_be_as_shown(archive: Archive, filed: Filed, field: str, seen: str) -> None:
    """Refused where somebody has said something else of this field since the page was made."""
    if seen and seen != _words(why(archive, filed.conversation.id)).get(field):
        raise Refused(say("again.newer", now=_now(filed)))


def _correct(archive: Archive, filed: Filed, typed: dict[str, str], *, taxonomy: str) -> None:
    """Keep what is another than before."""
    id, said = filed.conversation.id, dict[str, Any]()
    title, category, project = (typed.get(name, "").strip() for name in ("title", "category", "project"))
    if title and title != filed.title:
        said["title"] = " ".join(title.split())
    if category and category != filed.category:
        said["category"] = category
    tags = [part.strip() for part in typed.get("tags", "").split(",") if part.strip()]
    if "tags" in typed and tags != filed.tags:
        said["tags"] = tags
    if said:
        correct_conversation(archive, id, taxonomy=taxonomy, origin="web", **said)
    if "project" in typed and project != _shown(filed)["project"]:
        _assign(archive, id, project)


def _assign(archive: Archive, id: str, project: str) -> None:
    from commonplace.stages.mapping import projects

    if project:
        projects.assign(archive, project, [id], new=True)
    else:
        projects.unassign(archive, [id])


def _to_message(filed: Filed, message_id: str, *, hidden: bool) -> Response:
    messages = filed.conversation.messages
    if all(each.id != message_id for each in messages):
        return RedirectResponse(_address(filed.conversation.id), 303)
    branch = shown(messages, leaf=None, hidden=hidden)
    leaf = ""
    if all(each.id != message_id for each in branch):
        leaf = leaf_below(messages, message_id)
        branch = shown(messages, leaf=leaf, hidden=hidden)
    where = {"leaf": leaf, "page": page_of(branch, message_id), "hidden": "true" if hidden else ""}
    told = urlencode({name: value for name, value in where.items() if value and value != 1})
    address = _address(filed.conversation.id) + (f"?{told}" if told else "")
    return RedirectResponse(f"{address}#{quote(anchor_of(message_id))}", 303)


def _page(
    request: Request,
    archive: Archive,
    filed: Filed,
    *,
    page: int = 1,
    leaf: str = "",
    hidden: bool = False,
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    server, about = server_of(request), filed.conversation
    messages = about.messages
    branch = shown(messages, leaf=leaf or None, hidden=hidden)
    files = {each.id: _file(each) for said in messages for each in said.attachments if each.sha256}
    shown_part = part(messages, branch, page)
    return render(
        request,
        "conversation.html",
        status=400 if problem else 200,
        problem=problem,
        shown=_shown(filed) | (typed or {}),
        filed=filed,
        about=about,
        part=shown_part,
        leaf=leaf,
        hidden=hidden,
        has_hidden=any(each.is_hidden for each in messages),
        bodies={turn.message.id: to_html(turn.message.text, files) for turn in shown_part.turns},
        is_long=lambda said: len(said.text) > LONGEST,
        cited=cited,
        file_address=lambda each: f"/files/{each.sha256}" if each.sha256 else "",
        categories=taxonomy_named(archive, server.settings.categorize.taxonomy).names,
        projects=registry.sorted_names(archive),
        seen=marks(_shown(filed)),
        why=(known := why(archive, about.id)),
        words=_words(known),
        evidence=_evidence,
        similar=_similar(request, archive.owner, about.id),
    )


def _similar(request: Request, owner: str, id: str) -> list[Any]:
    """What is near in meaning; nothing where nothing is embedded."""
    try:
        return server_of(request).readers.of(owner).searcher.similar(id, limit=MOST_SIMILAR).results
    except CommonplaceError:
        return []


def _file(each: Attachment) -> File:
    return File(f"/files/{each.sha256}", each.kind == "image")


def _evidence(assigned: Assigned) -> list[tuple[str, str]]:
    """What spoke for it, without what is kept only to undo it or is told by the rule."""
    told = {name: value for name, value in assigned.evidence.items() if name not in ("ref", "said_by")}
    plain = {name: value for name, value in told.items() if isinstance(value, str | int | float)}
    return [(name.replace("_", " "), str(value)[:300]) for name, value in plain.items()]


def _filed(archive: Archive, id: str) -> Filed:
    found = next(iter(load_filed(archive, [id])), None)
    if found is None:
        raise not_found("conversation")
    return found


def _address(id: str) -> str:
    return f"/conversations/{quote(id, safe=':')}"
