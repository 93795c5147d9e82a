"""Flows and servers write to one archive at the same time, from processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select, text

from commonplace.archive import schema
from commonplace.archive.conversations.reading import load_conversation
from commonplace.archive.opening import open_archive
from tests.archive.writer import OWN, SHARED

WRITERS = 8


def test_eight_processes_write_at_once_and_no_row_is_lost(archive_url: str) -> None:
    with open_archive(archive_url) as archive:
        commands = [[sys.executable, "-m", "tests.archive.writer", archive_url, str(n)] for n in range(WRITERS)]
        root = Path(__file__).parents[2]
        writers = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE) for command in commands]
        failures = [writer.communicate()[1].decode() for writer in writers]
        assert [writer.returncode for writer in writers] == [0] * WRITERS, failures
        with archive.read() as connection:
            conversations = connection.execute(select(func.count()).select_from(schema.conversations)).scalar_one()
            messages = connection.execute(select(func.count()).select_from(schema.messages)).scalar_one()
            if archive.is_sqlite:
                assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
        assert conversations == WRITERS * OWN + SHARED
        assert messages == WRITERS * OWN * 2 + SHARED * (1 + WRITERS)
        for number in range(SHARED):
            shared = load_conversation(archive, f"chatgpt:shared-{number}")
            assert shared is not None
            assert (shared.title, shared.updated_at) == (f"of {WRITERS - 1}", 100 + WRITERS - 1)
