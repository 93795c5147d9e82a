"""One session a run: settings and archive are opened once, secrets come from the environment, else from blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.variables import Variable
from pydantic import SecretStr

from blocks import ALL, ArchiveBlock
from blocks.lookup import BlockEnvironment
from commonplace import config
from commonplace import session as opening
from commonplace.archive import opening as archives
from commonplace.archive.access import lending, sessions
from commonplace.secret_keys import secret_keys
from commonplace.session import open_session
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack.processes import Process
from flows.import_exports import import_exports
from flows.sync import sync
from tasks.session import session


def test_the_environment_wins_and_blocks_fill_in_what_it_lacks(prefect_api: Process, tmp_path: Path) -> None:
    ArchiveBlock(url=SecretStr(f"sqlite:///{tmp_path}/there/a.db")).save("default", overwrite=True)
    ALL["notion"](token=SecretStr("hush")).save("default", overwrite=True)
    try:
        silent = BlockEnvironment({})
        spoken = BlockEnvironment({"COMMONPLACE_DATABASE_URL": "x", "NOTION_TOKEN": "mine"})
        assert silent.get("COMMONPLACE_DATABASE_URL") == f"sqlite:///{tmp_path}/there/a.db"
        assert silent.get("COMMONPLACE_FILES") == f"{tmp_path}/there/files"
        assert (silent.get("NOTION_TOKEN"), spoken.get("NOTION_TOKEN")) == ("hush", "mine")
        assert spoken.get("COMMONPLACE_FILES") is None, "those are another archive's files"
    finally:
        ArchiveBlock.delete("default")
        ALL["notion"].delete("default")


def test_a_machine_without_a_settings_file_works_as_the_prefect_variable_says(
    prefect_api: Process, tmp_path: Path
) -> None:
    Variable.set("commonplace_settings", '[destinations.papers]\nkind = "markdown"\n', overwrite=True)
    try:
        settings, _ = config.load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path, kind=BlockEnvironment)
        assert settings.destinations == {"papers": {"kind": "markdown"}}
        (tmp_path / "commonplace.toml").write_text("")
        settings, _ = config.load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path, kind=BlockEnvironment)
        assert settings.destinations == {}
    finally:
        Variable.unset("commonplace_settings")


def test_a_run_looks_for_the_key_that_was_lent_where_it_was_asked_for(
    prefect_api: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_session() as opened:
        token = sessions.begin(opened.archive, opened.settings.owner, address="", agent="", days=1)
        lender = sessions.find(opened.archive, token, idle_hours=1)
        assert lender is not None
        lending.lend(opened.archive, secret_keys(opened.settings, opened.environment).fernet(), lender, "sk-somebodys")
    monkeypatch.setenv("COMMONPLACE_LENT", lender.id)
    with session() as running:
        assert running.environment.get("OPENAI_API_KEY") == "sk-somebodys"


def test_a_run_reads_the_settings_once_and_opens_the_archive_once(
    prefect_api: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path / "sample.zip", conversations=12)
    import_exports(paths=[str(tmp_path / "sample.zip")])
    calls: list[str] = []

    def counted(name: str, called: Callable[..., Any]) -> None:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return called(*args, **kwargs)

        monkeypatch.setattr(opening, name, call)

    counted("load", config.load)
    counted("open_archive", archives.open_archive)
    assert sync(destination="markdown")["created"] == 12
    assert sorted(calls) == ["load", "open_archive"]
