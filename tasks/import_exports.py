"""Importing: look into a file (cached by its content), then merge it into the archive (never cached)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from commonplace.sources.registry import readers_version
from commonplace.stages.importing import inspection, stage
from tasks.policy import asking, recording
from tasks.session import session


def _inspection_key(parameters: dict[str, Any]) -> str:
    return f"inspect-{readers_version()}-{parameters['sha256']}"


@asking(name="inspect export", key=_inspection_key, run_name="inspect-{sha256:.8}")
def inspect_export(path: str, sha256: str) -> dict[str, Any]:
    """Look into a file: what kind of export it is, how much is in it, and what of it is unknown."""
    return inspection.inspect(Path(path))


@recording(name="import export", run_name="import-{sha256:.8}")
def import_export(path: str, sha256: str, keep_export: bool) -> dict[str, Any]:
    """Merge one export into the archive. What is there already changes nothing."""
    with session() as house:
        report = stage.import_paths(house.archive, [Path(path)], keep_exports=keep_export)
        plain: dict[str, Any] = msgspec.to_builtins(report)
        return plain
