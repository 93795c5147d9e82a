"""`commonplace keys`: shown once, listed by their beginning, ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run() -> Run:
    def run_command(*arguments: str) -> tuple[int, dict[str, Any]]:
        Output.as_json = False
        ended = CliRunner().invoke(app, ["keys", *arguments, "--json"], catch_exceptions=False)
        Output.as_json = False
        return ended.exit_code, json.loads(ended.stdout)

    return run_command


def test_a_key_is_made_listed_and_ended(run: Run) -> None:
    code, made = run("add", "my script", "--scope", "read:memories", "--days", "7")
    assert code == 0
    assert made["key"].startswith(made["id"])
    (listed,) = run("list")[1]["keys"]
    assert (listed["name"], listed["scopes"], listed["used_at"]) == ("my script", ["read:memories"], None)
    assert made["key"] not in json.dumps(listed)
    assert run("revoke", made["id"])[0] == 0
    assert run("list")[1]["keys"] == []
    assert run("revoke", made["id"])[0] == 1


def test_what_a_key_cannot_be_is_refused(run: Run) -> None:
    assert run("add", "--scope", "everything")[0] == 1
    assert run("add", "--days", "0")[0] == 1
    assert run("list", "--user", "nobody")[0] == 1
