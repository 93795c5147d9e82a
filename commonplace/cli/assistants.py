"""`commonplace projects assistant`: who answers questions about a project, and how."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commonplace.cli.editing import edited
from commonplace.cli.options import Json
from commonplace.cli.output import Output, errors_for_people, people, plain, print_json, tell
from commonplace.errors import Refused
from commonplace.session import open_session

if TYPE_CHECKING:
    from commonplace.archive.projects.assistants import Assistant

HEAD = """\
# Who answers `commonplace ask --project`, and how. Empty: as the settings say, and our own rules alone.
"""


def register(app: typer.Typer) -> None:
    app.command("assistant")(assistant)


def assistant(
    project: Annotated[str, typer.Argument(help="A project, by name or id.")],
    edit: Annotated[bool, typer.Option("--edit", help="Change it in your editor ($EDITOR).")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="As the project's own instructions make it.")] = False,
    json: Json = False,
) -> None:
    """Who answers questions about a project: model, instructions, temperature."""
    from commonplace.archive.projects import history, lookup
    from commonplace.archive.projects.assistants import assistant_of
    from commonplace.stages.stores.known import store_of

    with errors_for_people(), open_session() as session:
        archive = session.archive
        found = lookup.find_project(archive, project)
        if edit and reset:
            raise Refused("Both to edit and to reset it is too much at once.")
        wanted = _edited(assistant_of(archive, found)) if edit else None
        event = history.set_assistant(archive, found.id, wanted) if wanted or reset else None
        now, store = assistant_of(archive, found), store_of(session, found.id)
        if Output.as_json:
            print_json(
                {"project": found.id, **plain(now), "event": event and event.id, "store": store and store.store_id}
            )
            return
        people.print(_text(now))
        if store is not None:
            tell(f"It searches {len(store.conversation_of):,} conversations in its vector store at OpenAI.")
        if event is not None:
            tell(f"Changed. `commonplace projects undo {event.id[:8]}` takes it back.")


def _edited(before: Assistant) -> Assistant | None:
    """What came back from the editor; None where nothing was changed."""
    text = edited(HEAD + _text(before), name="assistant.toml")
    after = before if text is None else _read(text)
    return None if after == before else after


def _text(one: Assistant) -> str:
    """As a person reads and edits it."""
    import tomlkit

    document = tomlkit.document()
    document["model"] = one.model
    if one.temperature is not None:
        document["temperature"] = one.temperature
    document["instructions"] = tomlkit.string(f"\n{one.instructions}" if one.instructions else "", multiline=True)
    return tomlkit.dumps(document)


def _read(text: str) -> Assistant:
    import msgspec

    from commonplace.archive.projects.assistants import Assistant

    try:
        known: dict[str, Any] = tomllib.loads(text)
        read = msgspec.convert(known, Assistant)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise Refused(
            f"What was edited cannot be read ({exc}).", hint="It has model, temperature and instructions, as TOML."
        ) from exc
    return msgspec.structs.replace(read, instructions=read.instructions.strip())
