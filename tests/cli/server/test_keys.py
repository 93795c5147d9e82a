"""`commonplace keys`: shown once, listed by their beginning, ended."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "keys")


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
