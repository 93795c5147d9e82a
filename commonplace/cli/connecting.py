"""`commonplace connect`: ask for what is missing, check it with the other side, and save it as a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from commonplace.cli import runs
from commonplace.cli.output import aside
from commonplace.config import Environment, Settings
from commonplace.errors import Halt, Refused


def connect_service(
    service: str, settings: Settings, environment: Environment, *, save: bool, ask: bool
) -> dict[str, Any]:
    """Check a service's credentials and prepare it; what was found, for the person or program."""
    services: dict[str, Callable[[Settings, Environment, bool], tuple[dict[str, Any], dict[str, Any]]]] = {
        "archive": _archive,
        "markdown": _markdown,
        "openai": _openai,
        "notion": _notion,
    }
    if service not in services:
        raise Refused(f"There is no service {service!r}.", hint=f"Use one of: {', '.join(services)}.")
    told, fields = services[service](settings, environment, ask)
    if save:
        runs.connect(settings, aside.print)
        told["block"] = runs.save_block(service, fields)
    return told


def _needed(environment: Environment, name: str, question: str, ask: bool, *, hidden: bool = True) -> str:
    value = environment.get(name)
    if not value and ask:
        value = str(typer.prompt(question, hide_input=hidden, err=True))
    if not value:
        raise Refused(f"{name} is not set.", hint="Put it into the environment or .env.")
    return value


def _archive(settings: Settings, _environment: Environment, _ask: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    from commonplace.archive.opening import open_archive

    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        kind = archive.engine.dialect.name
    fields = {"url": settings.database_url, "files": settings.files, "owner": settings.owner}
    return {"database": kind, "files": settings.files}, fields


def _markdown(settings: Settings, _environment: Environment, _ask: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    from commonplace.stages.syncing.destinations import place_of

    folder = place_of(settings, "markdown") or ""
    return {"folder": folder}, {"folder": folder}


def _openai(settings: Settings, environment: Environment, ask: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    from commonplace.categorize.openai import problems_with_model

    key = _needed(environment, "OPENAI_API_KEY", "OpenAI API key", ask)
    base_url = environment.get("OPENAI_BASE_URL")
    model = settings.categorize.model
    problems = problems_with_model(key=key, base_url=base_url, model=model)
    if problems:
        raise Halt(problems[0], hint=" ".join(problems[1:]) or None)
    return {"model": model, "address": base_url or "OpenAI"}, {"api_key": key, "base_url": base_url or ""}


def _notion(settings: Settings, environment: Environment, ask: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    from commonplace.destinations.notion import connect as connect_notion
    from commonplace.stages.syncing.destinations import notion_settings

    token = _needed(environment, "NOTION_TOKEN", "Notion token", ask)
    wanted = notion_settings(settings, environment, token=token)
    if ask and not (wanted.database_id or wanted.data_source_id or wanted.parent_page_id):
        page = str(typer.prompt("Id of the page that the database shall live under", err=True))
        wanted = notion_settings(settings, environment, token=token, parent_page_id=page)
    confirm = (lambda question: typer.confirm(question, err=True)) if ask else (lambda _question: True)
    connected = connect_notion(wanted, confirm=confirm)
    told = {
        "database": connected.database_id,
        "url": connected.url,
        "added": "the database" if connected.created else ", ".join(connected.added) or "nothing",
    }
    return told, {"token": token, "database_id": connected.database_id, "base_url": wanted.base_url}
