"""An import is killed at any point: the archive opens cleanly, and importing again completes it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from benchmarks.generated.export import generate
from commonplace.archive import schema
from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.stages.importing.stage import import_paths
from tests.archive.builders import contents
from tests.conftest import DIALECTS

ROOT = Path(__file__).parents[2]


def run(url: str, files: Path, export: Path, *step: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.stages.importing.importer", url, str(files), str(export), *step]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def everything(archive: Archive) -> dict[str, Any]:
    with archive.read() as connection:
        items = sorted(tuple(row) for row in connection.execute(select(schema.source_items)))
        kept = sorted(row.sha256 for row in connection.execute(select(schema.files)))
    return {**contents(archive), "items": items, "files": kept}


def check_kills(new_database: Callable[[str], str], dialect: str, folder: Path, kills: int) -> None:
    export = folder / "export.zip"
    generate(export, size=1_000_000, container="zip", shape="mixed", seed=11)
    whole = new_database(dialect)
    undisturbed = run(whole, folder / "whole", export)
    assert undisturbed.returncode == 0, undisturbed.stderr
    steps = int(undisturbed.stdout)
    with open_archive(whole, files=folder / "whole") as archive:
        wanted = everything(archive)
    assert len(wanted["conversations"]) > 15
    for fatal_step in random.Random(f"{dialect} {kills}").sample(range(1, steps), kills):
        url, files = new_database(dialect), folder / f"killed-{fatal_step}"
        killed = run(url, files, export, str(fatal_step))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        with open_archive(url, files=files) as archive:
            if archive.is_sqlite:
                with archive.read() as connection:
                    assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            report = import_paths(archive, [export])
            assert report.is_balanced
            assert everything(archive) == wanted, f"killed before step {fatal_step} of {steps}"
            statuses = [record.status for record in imports.history(archive)]
            assert statuses in (["completed"], ["completed", "interrupted"], ["completed", "completed"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_four_kills(new_database: Callable[[str], str], dialect: str, tmp_path: Path) -> None:
    check_kills(new_database, dialect, tmp_path, 4)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_twenty_kills(new_database: Callable[[str], str], dialect: str, tmp_path: Path) -> None:
    check_kills(new_database, dialect, tmp_path, 20)
