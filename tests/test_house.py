"""The shape of the house: who may import whom, read from the source."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from commonplace.sources.registry import SOURCES

ROOT = Path(__file__).parents[1]
ROOMS = ("sources", "archive", "categorize", "projects", "meaning", "answers", "destinations")
FOUNDATION = {"model", "errors", "config", "moments", "answer_file", "openai"}
STARTS_RUNS = {"commonplace.runs"}
MOST_FILES = 20
CROWDED = {"commonplace/destinations/notion"}
OURS = ("commonplace", "blocks", "tasks", "flows", "deployments")


def _modules() -> dict[str, Path]:
    found = {}
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _imports(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    return names


def _room(module: str) -> str:
    """The room a module of ours lives in: a folder or a file right under `commonplace`, or another package."""
    parts = module.split(".")
    return parts[1] if parts[0] == "commonplace" and len(parts) > 1 else parts[0]


def _may_import(room: str) -> set[str]:
    everything_below = FOUNDATION | set(ROOMS) | {"session", "stages", "commonplace"}
    allowed = {
        "model": {"errors"},
        "errors": set(),
        "moments": {"errors", "model"},
        "config": {"errors", "model", "moments"},
        "answer_file": set(),
        "openai": {"model", "errors", "config", "moments"},
        "meaning": {"model", "errors", "config", "moments", "openai"},
        "answers": {"model", "errors", "config", "moments", "openai"},
        "session": FOUNDATION | set(ROOMS) | {"logs"},
        "stages": FOUNDATION | set(ROOMS) | {"session"},
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


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str) -> None:
    room = _room(module)
    ours = {name for name in _imports(MODULES[module]) if name.split(".")[0] in OURS} - {"commonplace"}
    strangers = {name for name in ours if _room(name) not in _may_import(room) and name != "commonplace.__version__"}
    if room == "stages":
        return _assert_none(module, {n for n in strangers if n.split(".")[0] == "commonplace"} | _outside(ours))
    return _assert_none(module, strangers)


def _outside(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] != "commonplace"}


def _assert_none(module: str, names: set[str]) -> None:
    assert not names, f"{module} must not import {sorted(names)}"


def _needs(module: str) -> set[str]:
    """The files of ours that a file loads: those it imports, and the revisions, which Alembic loads by their folder."""
    names = {name for name in _imports(MODULES[module]) if name in MODULES}
    needed = {name for name in names if not any(other.startswith(f"{name}.") for other in names)}
    if module == "commonplace.archive.migrate":
        needed |= {name for name in MODULES if name.startswith("commonplace.archive.migrations.")}
    return needed - {module}


def test_no_files_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({module: _needs(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("commonplace.archive.migrations.")])
def test_a_revision_imports_nothing_of_ours(module: str) -> None:
    _assert_none(module, {name for name in _imports(MODULES[module]) if name.split(".")[0] in OURS})


def test_no_folder_holds_more_than_twenty_files() -> None:
    files = Counter(path.parent.relative_to(ROOT).as_posix() for path in MODULES.values() if path.stem != "__init__")
    assert {folder for folder, count in files.items() if count > MOST_FILES} <= CROWDED


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("commonplace")])
def test_only_the_module_that_starts_runs_imports_prefect(module: str) -> None:
    if module not in STARTS_RUNS:
        prefect = {name for name in _imports(MODULES[module]) if name.split(".")[0] == "prefect"}
        _assert_none(module, prefect)


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("commonplace")])
def test_the_library_reaches_flows_through_one_module(module: str) -> None:
    if module not in STARTS_RUNS:
        _assert_none(module, {name for name in _imports(MODULES[module]) if name.split(".")[0] in OURS[1:]})


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("commonplace.openai")])
def test_openai_is_reached_through_one_door(module: str) -> None:
    """Neither the SDK nor its exceptions are named elsewhere, not even for a type."""
    _assert_none(module, {name for name in _imports(MODULES[module]) if name.split(".")[0] == "openai"})


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


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("commonplace")])
def test_slow_packages_load_only_where_they_are_used(module: str) -> None:
    """Commands that only read must start within a second."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    at_import_time: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            at_import_time.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            at_import_time.add(node.module.split(".")[0])
    if module not in STARTS_RUNS:
        _assert_none(module, at_import_time & SLOW_PACKAGES)


ABOUT_EVERY_SOURCE = {"contents", "contract", "limits", "registry"}
WRITES_THE_SAMPLE = {"commonplace.cli.system"}


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("commonplace.sources")])
def test_no_source_is_known_by_name_outside_the_room_of_sources(module: str) -> None:
    """A new one is a folder and a line of the registry."""
    reached = {name.split(".")[2] for name in _imports(MODULES[module]) if name.startswith("commonplace.sources.")}
    if module not in WRITES_THE_SAMPLE:
        _assert_none(module, reached - ABOUT_EVERY_SOURCE)
    nodes = ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    _assert_none(module, {str(node.value) for node in nodes if isinstance(node, ast.Constant)} & set(SOURCES))
