"""The inbox: a folder whose files are imported and moved on, each with its report beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from commonplace.moments import now, to_iso
from commonplace.stages.importing.report import FileReport

SETTLED_SECONDS = 2
DONE, FAILED = "done", "failed"


def waiting_in(inbox: Path) -> list[Path]:
    """What lies there and has stopped growing, oldest first."""
    inbox.mkdir(parents=True, exist_ok=True)
    settled_before = now() / 1e6 - SETTLED_SECONDS
    found = [path for path in inbox.iterdir() if path.name not in (DONE, FAILED) and path.name[0] != "."]
    return sorted(
        (path for path in found if path.stat().st_mtime < settled_before), key=lambda path: path.stat().st_mtime
    )


def move_on(path: Path, inbox: Path, report: FileReport) -> None:
    """Out of the inbox, to what went well or to what did not."""
    folder = inbox / (FAILED if report.refusal else DONE)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    if target.exists():
        target = folder / f"{path.stem}-{(to_iso(now()) or '').replace(':', '')}{path.suffix}"
    shutil.move(path, target)
    told = msgspec.json.format(msgspec.json.encode(report), indent=2)
    target.with_name(target.name + ".report.json").write_bytes(told)
