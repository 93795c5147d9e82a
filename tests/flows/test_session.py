"""One session a run: settings and archive are opened once, secrets come from the environment, else from blocks."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from blocks import ALL, ArchiveBlock
from blocks.lookup import BlockEnvironment
from commonplace.stack.processes import Process


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
