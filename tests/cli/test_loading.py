"""Commands load what they need and no more."""

from __future__ import annotations

import json
import os
import pkgutil
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from commonplace import cli
from commonplace.cli import COMMANDS, GROUPS
from tests.fakes.prefect_api import FakePrefectApi

PYTHON = [sys.executable, "-P"]
LOADED = (
    "import json, runpy, sys\nsys.argv = ['commonplace', *sys.argv[1:]]\n"
    "try:\n    runpy.run_module('commonplace', run_name='__main__')\n"
    "except SystemExit:\n    pass\n"
    "print(json.dumps(sorted(name for name in sys.modules if name.count('.') < 2)), file=sys.stderr)"
)
UNUSED_BY_READING = {"prefect", "polars", "sklearn", "altair", "openai", "scipy", "commonplace.categorize"}


def test_the_table_names_every_command_and_its_module() -> None:
    names = [found.name for found in pkgutil.walk_packages(cli.__path__, "commonplace.cli.")]
    modules = {name.removeprefix("commonplace.cli."): import_module(name) for name in names}
    apps = {
        name: module.app for name, module in modules.items() if isinstance(getattr(module, "app", None), typer.Typer)
    }
    groups = {name.rpartition(".")[2]: name for name in apps}
    in_groups = {command.callback for app in apps.values() for command in app.registered_commands}
    registered: dict[str, str] = {}
    for name, module in modules.items():
        if hasattr(module, "register"):
            app = typer.Typer()
            module.register(app)
            commands = [each for each in app.registered_commands if each.callback not in in_groups]
            registered |= {str(command.name): name for command in commands}
    assert registered == COMMANDS
    assert groups == GROUPS


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--version"], {"rich", "sqlalchemy", "prefect", "polars", "sklearn", "altair", "openai", "psutil"}),
        (["stats", "--json"], UNUSED_BY_READING),
        (["search", "anything", "--json"], UNUSED_BY_READING),
        (["export", "--format", "markdown", "--output", "-"], {"fastapi", "jinja2", *UNUSED_BY_READING}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_does_not_load_what_it_does_not_use(arguments: list[str], absent: set[str], tmp_path: Path) -> None:
    environment = os.environ | {"COMMONPLACE_HOME": str(tmp_path)}
    ended = subprocess.run(
        [*PYTHON, "-c", LOADED, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert not absent & set(json.loads(ended.stderr.splitlines()[-1]))


def test_the_version_is_told_in_thirty_times_a_bare_python() -> None:
    def seconds_of_cpu(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PYTHON, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds_of_cpu("-c", "pass") for _ in range(5))
    told = min(seconds_of_cpu("-m", "commonplace", "--version") for _ in range(5))
    assert told <= 30 * bare


def test_a_folder_with_packages_of_the_same_names_is_no_obstacle(tmp_path: Path) -> None:
    for name in ("blocks", "tasks", "flows", "deployments"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is theirs')")
    with FakePrefectApi() as prefect:
        environment = os.environ | {"COMMONPLACE_HOME": str(tmp_path / "book"), "PREFECT_API_URL": prefect.url}
        ended = subprocess.run(
            [sys.executable, "-m", "commonplace", "run", "maintain", "--param", "bakcup=true"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "has no parameter 'bakcup'" in ended.stderr
    assert ended.returncode == 2
