"""What `connect` saves is what the flows' runs find where the environment is silent."""

from __future__ import annotations

import json

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

import blocks
from blocks.lookup import BlockEnvironment
from commonplace import runs
from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.errors import Halt
from commonplace.stack import server
from commonplace.stack.processes import Process
from tests.fakes.notion import FakeNotion
from tests.fakes.prefect_api import FakePrefectApi


def test_a_connected_destination_is_found_in_its_block(prefect_api: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server.api_url(prefect_api))
    with FakeNotion(per_window=100_000) as notion:
        database = notion.database_of(notion.add_database())
        for name, value in {"TOKEN": notion.token, "BASE_URL": notion.base_url, "DATABASE_ID": database}.items():
            monkeypatch.setenv(f"NOTION_{name}", value)
        Output.as_json = False
        ended = CliRunner().invoke(app, ["connect", "notion", "--json"], catch_exceptions=False)
        Output.as_json = False
    try:
        assert json.loads(ended.stdout)["block"] == "commonplace-notion/default"
        assert BlockEnvironment({}).get("NOTION_TOKEN") == notion.token
        assert BlockEnvironment({}).get("NOTION_DATABASE_ID") == database
        assert BlockEnvironment({}).get("COMMONPLACE_MARKDOWN_FOLDER") is None
    finally:
        blocks.ALL["notion"].delete("default")


def test_a_server_that_does_not_keep_a_block_is_told_without_what_was_in_it() -> None:
    with FakePrefectApi() as prefect, temporary_settings({PREFECT_API_URL: prefect.url}), pytest.raises(Halt) as told:
        runs.save_block("notion", {"token": "ntn_secret"})
    assert str(told.value).startswith("Prefect did not keep the block (")
    assert "ntn_secret" not in str(told.value)
