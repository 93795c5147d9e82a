"""Keeping the archive well: a backup, a check, and the removal of what has had its time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from commonplace.archive.care.backup import backup
from commonplace.archive.care.verify import verify
from commonplace.archive.core import Archive
from commonplace.archive.files.files import delete_unreferenced
from commonplace.config import Settings
from commonplace.moments import now, to_iso
from commonplace.session import Session
from commonplace.stages import embedding

DAY_SECONDS = 86_400
SUFFIX = ".commonplace"


def back_up(archive: Archive, settings: Settings) -> dict[str, Any]:
    """Write a backup under the home, and remove the oldest beyond the number that is kept."""
    path = backup_path(settings.home)
    manifest = backup(archive, path)
    removed = 0
    for old in sorted(path.parent.glob(f"*{SUFFIX}"))[: -max(1, settings.maintain.keep_backups)]:
        old.unlink()
        removed += 1
    return {"backed_up_rows": sum(manifest.rows.values()), "backups_removed": removed}


def backup_path(home: Path) -> Path:
    """Where a backup that is made now belongs; by their names, backups are in the order of their age."""
    return home / "backups" / f"{(to_iso(now()) or '').replace(':', '')}{SUFFIX}"


def check(archive: Archive) -> dict[str, Any]:
    """What `verify` finds, each with what to do about it."""
    report = verify(archive)
    return {"findings": [str(finding) for finding in report.findings]}


def prune(archive: Archive, settings: Settings) -> dict[str, Any]:
    """Remove task results that are older than the settings keep them, and files that nothing refers to."""
    results = settings.home / "prefect" / "results"
    oldest = time.time() - settings.maintain.keep_results_days * DAY_SECONDS
    removed = 0
    for path in _files_in(results):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            removed += 1
    return {"results_removed": removed, "files_removed": len(delete_unreferenced(archive))}


def tidy(session: Session) -> dict[str, Any]:
    """Drop vectors of a model that another one took the place of."""
    return {"kinds_of_vectors_removed": embedding.tidy(session)}


def _files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
