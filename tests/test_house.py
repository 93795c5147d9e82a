"""The shape of the house: who may import whom, read from the source."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from commonplace.sources.registry import SOURCES

ROOT = Path(__file__).parents[1]
ROOMS = ("sources", "archive", "categorize", "projects", "meaning", "answers", "destinations")
SERVICES = {"openai", "omi_api", "outgoing", "mailbox", "postbox"}
FOUNDATION = {
    "model",
    "errors",
    "bounds",
    "environment",
    "config",
    "moments",
    "answer_file",
    "private",
    "connections",
    "locked",
    "secret_keys",
} | SERVICES
STARTS_RUNS = {"commonplace.runs"}
MOST_FILES = 20
OURS = ("commonplace", "blocks", "tasks", "flows", "deployments")


def _modules() -> dict[str, Path]:
    found = {}
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> frozenset[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    return frozenset(names)


def _room(module: str) -> str:
    """The room a module of ours lives in: a folder or a file right under `commonplace`, or another package."""
    parts = module.split(".")
    return parts[1] if parts[0] == "commonplace" and len(parts) > 1 else parts[0]


def _may_import(room: str) -> set[str]:
    everything_below = FOUNDATION | set(ROOMS) | {"session", "lent", "whose", "stages", "commonplace"}
    allowed = {
        "model": {"errors"},
        "errors": set(),
        "moments": {"errors", "model"},
        "environment": {"errors"},
        "private": set(),
        "locked": set(),
        "connections": set(),
        "bounds": {"errors"},
        "config": {"errors", "bounds", "model", "moments", "environment", "locked"},
        "answer_file": {"errors"},
        "outgoing": {"errors"},
        "mailbox": {"errors", "outgoing"},
        "postbox": {"errors", "outgoing"},
        "openai": {"model", "errors", "config", "moments", "connections"},
        "omi_api": {"errors", "moments"},
        "secret_keys": {"errors", "config"},
        "lent": FOUNDATION | {"archive", "session"},
        "meaning": {"model", "errors", "config", "moments", "openai"},
        "answers": {"model", "errors", "config", "moments", "openai"},
        "session": FOUNDATION | set(ROOMS) | {"logs"},
        "whose": FOUNDATION | set(ROOMS) | {"session"},
        "stages": FOUNDATION | set(ROOMS) | {"session", "whose"},
        "commonplace": everything_below,
        "stack": FOUNDATION,
        "runs": everything_below | {"stack", "blocks", "flows", "deployments"},
        "web": everything_below | {"stack", "logs", "runs"},
        "cli": everything_below | {"stack", "logs", "runs", "web"},
        "logs": FOUNDATION,
        "__main__": {"cli"},
        "blocks": everything_below | {"stack"},
        "tasks": everything_below | {"stack", "logs", "blocks"},
        "flows": everything_below | {"stack", "logs", "blocks", "tasks"},
        "deployments": everything_below | {"stack", "logs", "blocks", "tasks", "flows"},
    }
    return allowed.get(room, FOUNDATION) | {room}


MODULES = _modules()


def _assert_none(found: dict[str, set[str]], what: str = "must not import") -> None:
    """What each module has that it must not have."""
    wrong = [f"{module} {what} {sorted(names)}" for module, names in found.items() if names]
    assert not wrong, "\n".join(wrong)


def _packages(module: str, *roots: str) -> set[str]:
    return {name for name in _imports(module) if name.split(".")[0] in roots}


def test_imports_run_one_way() -> None:
    def strangers(module: str) -> set[str]:
        ours = _packages(module, *OURS) - {"commonplace", "commonplace.__version__"}
        return {name for name in ours if _room(name) not in _may_import(_room(module))}

    _assert_none({module: strangers(module) for module in MODULES})


def _needs(module: str) -> set[str]:
    """The files of ours that a file loads: those it imports, and the revisions, which Alembic loads by their folder."""
    names = {name for name in _imports(module) if name in MODULES}
    needed = {name for name in names if not any(other.startswith(f"{name}.") for other in names)}
    if module == "commonplace.archive.migrate":
        needed |= {name for name in MODULES if name.startswith("commonplace.archive.migrations.")}
    return needed - {module}


def test_no_files_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({module: _needs(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_revision_imports_nothing_of_ours() -> None:
    revisions = [name for name in MODULES if name.startswith("commonplace.archive.migrations.")]
    _assert_none({module: _packages(module, *OURS) for module in revisions})


def test_no_folder_holds_more_than_twenty_files() -> None:
    files = [path for room in (*OURS, "benchmarks", "tests") for path in (ROOT / room).rglob("*.py")]
    counted = Counter(path.parent.relative_to(ROOT).as_posix() for path in files if path.stem != "__init__")
    assert {folder for folder, count in counted.items() if count > MOST_FILES} == set()


LIBRARY = [name for name in MODULES if name.startswith("commonplace") and name not in STARTS_RUNS]


def test_only_the_module_that_starts_runs_imports_prefect_or_flows() -> None:
    _assert_none({module: _packages(module, "prefect", *OURS[1:]) for module in LIBRARY})


def test_openai_is_reached_through_one_door() -> None:
    """Neither the SDK nor its exceptions are named elsewhere, not even for a type."""
    others = [name for name in MODULES if not name.startswith("commonplace.openai")]
    _assert_none({module: _packages(module, "openai") for module in others})


SLOW_PACKAGES = {
    "polars",
    "sklearn",
    "onnxruntime",
    "altair",
    "prefect",
    "openai",
    "notion_client",
    "vl_convert",
    "dask",
}


def _at_import_time(module: str) -> set[str]:
    """What loads together with a module: the imports that stand at its margin."""
    found: set[str] = set()
    for node in _tree(module).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _packages_of(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_slow_packages_load_only_where_they_are_used() -> None:
    """Commands that only read must start within a second."""
    _assert_none({module: _packages_of(_at_import_time(module)) & SLOW_PACKAGES for module in LIBRARY}, "loads at once")


def test_the_server_starts_without_what_few_of_its_callers_need() -> None:
    """MCP alone was a third of its start."""
    loaded: set[str] = set()
    waiting = {"commonplace.web.app"}
    while waiting:
        module = waiting.pop()
        loaded.add(module)
        if module in MODULES:
            waiting |= _at_import_time(module) - loaded
    assert "commonplace.web.mcp.endpoint" in loaded
    assert not _packages_of(loaded) & (SLOW_PACKAGES | {"mcp", "httpx", "httpx2", "numpy"})


ABOUT_EVERY_SOURCE = {"ahead", "contents", "contract", "getting", "limits", "registry"}
WRITES_THE_SAMPLE = {"commonplace.cli.system", "commonplace.web.pages.importing"}


def test_no_source_is_known_by_name_outside_the_room_of_sources() -> None:
    """A new one is a folder and a line of the registry."""

    def reached(module: str) -> set[str]:
        parts = {name.split(".")[2] for name in _imports(module) if name.startswith("commonplace.sources.")}
        return set() if module in WRITES_THE_SAMPLE else parts - ABOUT_EVERY_SOURCE

    def named(module: str) -> set[str]:
        constants = (node for node in ast.walk(_tree(module)) if isinstance(node, ast.Constant))
        return {str(node.value) for node in constants} & set(SOURCES)

    others = [name for name in MODULES if not name.startswith("commonplace.sources")]
    _assert_none({module: reached(module) for module in others})
    _assert_none({module: named(module) for module in others}, "names the sources")
