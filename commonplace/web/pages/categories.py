"""The sets of categories: what each is for, how many it has, and how it is changed; what a change would cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Form, Request
from starlette.responses import PlainTextResponse, Response

from commonplace.archive.core import Archive
from commonplace.archive.figures.statistics import count_by
from commonplace.categorize.definitions import parse, to_toml
from commonplace.categorize.taxonomy import Category, Colour, Taxonomy
from commonplace.errors import CommonplaceError, Refused
from commonplace.stages.categorizing import taxonomies
from commonplace.stages.categorizing.reviewing import add_category
from commonplace.web.arriving.meanwhile import ONE_AT_A_TIME, mark, marks, typed_beside
from commonplace.web.pages.rendering import done, render
from commonplace.web.security.csrf import Guarded, Typed
from commonplace.web.security.people import Person, archive_of
from commonplace.web.server import server_of
from commonplace.web.wording import say

router = APIRouter(prefix="/categories")

Long = Annotated[str, Form(max_length=200_000)]
COLOURS = get_args(Colour)


@router.get("")
def page(request: Request, session: Person, set: str = "", preview: bool = False, check: bool = False) -> Response:
    """One set, the one in use unless another is named. `preview` counts what the next run would judge again, `check`
    tries how well the local judge can tell the categories apart."""
    return _page(request, session.owner, set, preview=preview, check=check)


@router.get("/export")
def export(request: Request, session: Person, set: str) -> Response:
    """A set as a file, to be edited and brought back."""
    text = to_toml(taxonomies.taxonomy_named(archive_of(request, session.owner), set))
    return PlainTextResponse(
        text, media_type="application/toml", headers={"content-disposition": "attachment; filename=categories.toml"}
    )


@router.post("/add", dependencies=[Guarded])
def add(request: Request, session: Person, set: Typed, name: Typed) -> Response:
    """A new category."""
    try:
        add_category(archive_of(request, session.owner), set, name, origin="web")
    except Refused as refused:
        return _page(request, session.owner, set, problem=str(refused))
    return done(f"/categories?set={set}", "kept")


@router.post("/change", dependencies=[Guarded])
def change(
    request: Request,
    session: Person,
    set: Typed,
    old: Typed,
    name: Typed,
    description: Long = "",
    examples: Long = "",
    emoji: Typed = "",
    colour: Typed = "default",
    seen: Typed = "",
    look: Typed = "",
) -> Response:
    """What a category is called and what belongs there. A new name goes to every verdict and correction. `look` only
    tells what that would change."""
    archive = archive_of(request, session.owner)
    said: dict[str, Any] = {
        "description": description.strip(),
        "examples": tuple(line.strip() for line in examples.splitlines() if line.strip()),
        "emoji": emoji.strip() or None,
        "colour": colour,
    }
    typed = {"name": name, "description": description, "examples": examples, "emoji": emoji, "colour": colour}
    with ONE_AT_A_TIME:
        now = taxonomies.taxonomy_named(archive, set).get(old)
        beside = typed_beside(seen, _shown(now) if now else {}, typed)
        if beside is not None:
            problem = say("again.changed", now=now.name) if now else say("categories.gone")
            return _page(request, session.owner, set, problem=problem, typed={old: beside})
        try:
            if colour not in COLOURS:
                raise Refused(f"{colour!r} is no colour.", hint=f"Use one of: {', '.join(COLOURS)}.")
            proposed = _with(archive, set, old, said) if look else None
            if proposed is None:
                _change(archive, set, old, " ".join(name.split()), said)
        except Refused as refused:
            return _page(request, session.owner, set, problem=str(refused), typed={old: typed})
    if proposed is not None:
        return _page(request, session.owner, set, proposed=proposed, typed={old: typed})
    return done(f"/categories?set={set}", "kept")


@router.post("/merge", dependencies=[Guarded])
def merge(request: Request, session: Person, set: Typed, source: Typed, target: Typed, look: Typed = "") -> Response:
    """One becomes part of another, with everything that is in it. `look` only tells what that would change."""
    archive = archive_of(request, session.owner)
    try:
        if look:
            proposed = taxonomies.merged(taxonomies.taxonomy_named(archive, set), source, target)
            moved = _counts(archive).get(source, 0)
            return _page(request, session.owner, set, proposed=proposed, moved=moved)
        with ONE_AT_A_TIME:
            taxonomies.merge_categories(archive, set, source, target)
    except Refused as refused:
        return _page(request, session.owner, set, problem=str(refused))
    return done(f"/categories?set={set}", "kept")


@router.post("/merge/undo", dependencies=[Guarded])
def undo(request: Request, session: Person, set: Typed, seen: Typed = "") -> Response:
    """Take the last merge of a set back, if it is the one that was shown."""
    archive = archive_of(request, session.owner)
    try:
        with ONE_AT_A_TIME:
            last = taxonomies.merge_to_undo(archive, set)
            if seen and last and seen != mark(last.at):
                raise Refused(say("again.newer", now=f"{last.source} → {last.target}"))
            taxonomies.undo_merge(archive, set)
    except Refused as refused:
        return _page(request, session.owner, set, problem=str(refused))
    return done(f"/categories?set={set}", "undone")


@router.post("/import", dependencies=[Guarded])
def take(request: Request, session: Person, definition: Long, look: Typed = "", seen: Typed = "") -> Response:
    """A set from the text of its file; one of the same name is replaced. `look` only tells what that would change."""
    archive = archive_of(request, session.owner)
    try:
        kept = parse(definition)
        if look:
            return _page(request, session.owner, kept.name, proposed=kept, definition=definition)
        with ONE_AT_A_TIME:
            kept_since = taxonomies.moments(archive)
            if seen and seen != mark(kept_since) and kept.name in kept_since:
                now = taxonomies.taxonomy_named(archive, kept.name)
                raise Refused(say("again.changed", now=", ".join(now.names)))
            taxonomies.keep(archive, kept)
    except Refused as refused:
        return _page(request, session.owner, "", problem=str(refused), definition=definition)
    return done(f"/categories?set={kept.name}", "kept")


@router.post("/remove", dependencies=[Guarded])
def remove(request: Request, session: Person, set: Typed, seen: Typed = "") -> Response:
    """Forget one's own set as it was shown; the one that ships, if there is one of its name, takes its place."""
    archive = archive_of(request, session.owner)
    try:
        with ONE_AT_A_TIME:
            if seen and seen != mark(taxonomies.moments(archive).get(set)):
                now = taxonomies.taxonomy_named(archive, set)
                raise Refused(say("again.newer", now=", ".join(now.names)))
            taxonomies.remove(archive, set)
    except Refused as refused:
        return _page(request, session.owner, set, problem=str(refused))
    return done("/categories", "removed")


def _shown(one: Category) -> dict[str, str]:
    """A category as its form shows it."""
    examples = "\n".join(one.examples)
    told = {"name": one.name, "description": one.description, "examples": examples}
    return {**told, "emoji": one.emoji or "", "colour": one.colour}


def _change(archive: Archive, set: str, old: str, name: str, said: dict[str, Any]) -> None:
    if name != old:
        taxonomies.rename_category(archive, set, old, name)
    changed = _with(archive, set, name, said)
    if changed != taxonomies.taxonomy_named(archive, set):
        taxonomies.keep(archive, changed)


def _with(archive: Archive, set: str, name: str, said: dict[str, Any]) -> Taxonomy:
    """A set with something else said of one of its categories."""
    known = taxonomies.taxonomy_named(archive, set)
    meant = known.get(name)
    if meant is None:
        raise Refused(f"{set} has no category {name!r}.")
    changed = tuple(msgspec.structs.replace(one, **said) if one is meant else one for one in known.categories)
    return msgspec.structs.replace(known, categories=changed)


def _counts(archive: Archive) -> dict[str | None, int]:
    return {count.value: count.conversations for count in count_by(archive, "category")}


def _page(
    request: Request,
    owner: str,
    set: str,
    *,
    preview: bool = False,
    check: bool = False,
    proposed: Taxonomy | None = None,
    moved: int = 0,
    typed: Mapping[str, Mapping[str, str]] = {},
    problem: str = "",
    definition: str = "",
) -> Response:
    server = server_of(request)
    archive = archive_of(request, owner)
    in_use = server.settings.categorize.taxonomy
    sets = taxonomies.list_taxonomies(archive)
    is_new = proposed is not None and proposed.name not in {one.name for one in sets}
    known = proposed if proposed and is_new else taxonomies.taxonomy_named(archive, set or in_use)
    plan: Any = None
    if preview or proposed is not None:
        from commonplace.stages.categorizing import stage

        try:
            plan = stage.preview(server.session_of(owner), taxonomy=known.name, proposed=proposed)
        except CommonplaceError as error:
            problem = str(error)
    advice: list[str] = []
    if check:
        from commonplace.stages.categorizing import checking

        advice = checking.advice(checking.check(server.session_of(owner), known.name))
    return render(
        request,
        "categories.html",
        status=400 if problem else 200,
        problem=problem,
        sets=sets,
        known=known,
        in_use=in_use,
        counts=_counts(archive),
        plan=plan,
        advice=advice,
        is_proposed=proposed is not None,
        moved=moved,
        typed=typed,
        lost=[one for name, one in typed.items() if known.get(name) is None],
        colours=COLOURS,
        definition=definition,
        merged=None if is_new else taxonomies.merge_to_undo(archive, known.name),
        shown=lambda one: {**_shown(one), **typed.get(one.name, {})},
        seen=lambda one: marks(_shown(one)),
        moments=(moments := taxonomies.moments(archive)),
        set_seen=mark(moments.get(known.name)),
        mark=mark,
    )
