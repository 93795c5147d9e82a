"""Commands as programs run them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run() -> Run:
    """Runs a command with `--json`; its exit code and what it printed."""

    def run_command(*arguments: str | Path, typed: str | None = None) -> tuple[int, dict[str, Any]]:
        Output.as_json = False
        ended = CliRunner().invoke(app, [*map(str, arguments), "--json"], input=typed, catch_exceptions=False)
        Output.as_json = False
        return ended.exit_code, json.loads(ended.stdout)

    return run_command
