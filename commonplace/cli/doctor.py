"""What is set up, what is not, and how to put it right. Looks, and changes nothing but who may read the home."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from commonplace.archive.engine import database_url, sqlite_module
from commonplace.archive.memory import known_mark_of
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import conversations
from commonplace.config import Environment, Settings
from commonplace.config.files import find_files
from commonplace.errors import CommonplaceError
from commonplace.private import make_private, open_to_others
from commonplace.stack import schedules, server
from commonplace.stack.api import Api
from commonplace.stages.syncing import destinations
from commonplace.stages.watching.listing import watched_folders

GIGABYTE = 1 << 30
VARIABLES = ("COMMONPLACE_", "NOTION_", "OMI_", "OPENAI_", "POKE_", "PREFECT_API_", "SECRET_KEY", "TASK_RUNNER")
"""How the variables that we read begin."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    subject: str
    is_well: bool
    finding: str
    remedy: str = ""
    is_optional: bool = False


def examine(settings: Settings, environment: Environment) -> list[Check]:
    """Every check, whatever the others found."""
    parts: list[Callable[[Settings, Environment], Iterator[Check]]] = [
        _machine,
        _settings,
        _archive,
        _places,
        watched,
        _prefect,
        _judge,
        _home,
    ]
    found: list[Check] = []
    for part in parts:
        try:
            found.extend(part(settings, environment))
        except CommonplaceError as error:
            subject = part.__name__.strip("_").capitalize()
            found.append(Check(subject=subject, is_well=False, finding=error.message, remedy=error.hint or ""))
    return found


def _machine(settings: Settings, _environment: Environment) -> Iterator[Check]:
    version = platform.python_version()
    yield Check(subject="Python", is_well=sys.version_info >= (3, 11), finding=version)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(settings.home).free
    yield Check(
        subject="Disk",
        is_well=free > GIGABYTE,
        finding=f"{free / GIGABYTE:.0f} GB free under {settings.home}",
        remedy="" if free > GIGABYTE else "Make room, or set COMMONPLACE_HOME to a larger disk.",
    )


def _settings(settings: Settings, environment: Environment) -> Iterator[Check]:
    """Where each value came from. Values are not shown: some are secrets."""
    files = find_files(os.environ)
    finding = "defaults (no commonplace.toml found)"
    if settings.config_file:
        named = ", ".join(_keys(tomllib.loads(settings.config_file.read_text(encoding="utf-8"))))
        finding = f"{settings.config_file} sets {named or 'nothing'}"
    remedy = f"{files.unused} is not read: the home has one. Name it in COMMONPLACE_CONFIG to use it."
    yield Check(subject="Settings", is_well=True, finding=finding, remedy=remedy if files.unused else "")
    places: dict[str, list[str]] = {}
    for name in sorted(environment.names()):
        if name.startswith(VARIABLES) and (place := environment.place_of(name)):
            places.setdefault(place, []).append(name)
    for place, names in places.items():
        yield Check(subject="Variables", is_well=True, finding=f"{place} sets {', '.join(names)}")


def _keys(values: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{above}{key}.")
        else:
            yield f"{above}{key}"


def _archive(settings: Settings, _environment: Environment) -> Iterator[Check]:
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    kind = database_url(settings.database_url).get_backend_name()
    if kind == "sqlite":
        yield Check(subject="SQLite", is_well=True, finding=str(sqlite_module().sqlite_version))
    try:
        with (
            open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive,
            archive.read() as connection,
        ):
            count = connection.execute(select(func.count()).select_from(conversations)).scalar_one()
            mark = known_mark_of(archive)
        named = f", mark {mark}" if mark else ""
        yield Check(subject="Archive", is_well=True, finding=f"{kind}, {count:,} conversations{named}")
    except SQLAlchemyError as error:
        yield Check(
            subject="Archive",
            is_well=False,
            finding=f"The {kind} database cannot be used ({type(error).__name__}).",
            remedy="Check COMMONPLACE_DATABASE_URL and that the server is up.",
        )


def _places(settings: Settings, environment: Environment) -> Iterator[Check]:
    with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
        for name in destinations.names(settings, archive):
            obstacles = destinations.obstacles(settings, environment, archive, name)
            finding = " ".join(obstacles) or "ready"
            yield Check(subject=f"Destination {name}", is_well=not obstacles, finding=finding)


def watched(settings: Settings, environment: Environment) -> Iterator[Check]:
    """Whether each watched folder is there and can be looked into. A history that is not there yet may come."""
    for folder in watched_folders(settings, environment):
        try:
            os.scandir(folder.path).close()
            finding, remedy = "can be read", ""
        except FileNotFoundError:
            finding, remedy = "It is not there.", "Make it, or take it out of the settings ([watch], [accounts])."
        except OSError as error:
            finding = f"It cannot be read ({error.strerror})."
            remedy = "Let whoever runs commonplace read it, or take it out of the settings."
        is_awaited = folder.is_history and not folder.path.exists()
        yield Check(
            subject=f"Watched {folder.path}",
            is_well=not remedy,
            finding=finding,
            remedy="It comes with the agent's first session." if is_awaited else remedy,
            is_optional=is_awaited,
        )


def _prefect(settings: Settings, environment: Environment) -> Iterator[Check]:
    if url := environment.get("PREFECT_API_URL"):
        api = Api(url, environment.get("PREFECT_API_AUTH_STRING") or "")
        reachable = api.is_healthy()
        remedy = "" if reachable else "Start it, or unset PREFECT_API_URL to use the local server."
        yield Check(subject="Prefect server", is_well=reachable, finding=url, remedy=remedy)
        if reachable:
            yield from _scheduler(api, "the server's log")
        return
    running = server.running(settings)
    yield Check(
        subject="Prefect server",
        is_well=running is not None,
        finding=server.api_url(running) if running else "The local server is not running.",
        remedy="" if running else "`commonplace up` starts it; commands that do work start it by themselves.",
        is_optional=True,
    )
    if running:
        yield from _scheduler(server.api(running, settings), str(server.folder(settings) / "server.log"))


def _scheduler(api: Api, log: str) -> Iterator[Check]:
    """Schedules that are active and no run in the future: a scheduler may fail and say so in its log alone."""
    silent = schedules.without_runs(api)
    if silent is None:
        return
    yield Check(
        subject="Schedules",
        is_well=not silent,
        finding=f"No run is planned for {', '.join(silent)}, although its schedule is active."
        if silent
        else "runs are planned",
        remedy=f"The reason is in {log}. Prefect 3.9 needs whenever 0.11 or newer." if silent else "",
    )


def _judge(settings: Settings, environment: Environment) -> Iterator[Check]:
    from commonplace.categorize.registry import kind_named

    name = settings.categorize.judge
    obstacles = kind_named(name).problems(settings, environment)
    yield Check(subject=f"Judge {name}", is_well=not obstacles, finding=" ".join(obstacles) or "ready")


def _home(settings: Settings, _environment: Environment) -> Iterator[Check]:
    """What others may read in the home, from now on no longer."""
    opened = list(open_to_others(settings.home))
    try:
        for path in opened:
            make_private(path)
    except OSError:
        finding, remedy = "Others may read some of it.", f"Its owner can help: chmod -R go= {settings.home}"
        yield Check(subject="Home", is_well=False, finding=finding, remedy=remedy)
        return
    done = f"{len(opened)} files and folders could be read by others; now they are yours alone."
    yield Check(subject="Home", is_well=True, finding=done if opened else "yours alone")
