"""Importing: look into a file (cached by its content), then merge it into the archive (never cached)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from commonplace.errors import Refused
from commonplace.sources.registry import readers_version
from commonplace.stages.importing import inspection
from commonplace.stages.importing.accounts import Accounts
from commonplace.stages.importing.file import Importing, import_file
from commonplace.stages.importing.report import FileReport
from tasks.policy import Steps, asking, recording
from tasks.session import session


def _inspection_key(parameters: dict[str, Any]) -> str:
    return f"inspect-{readers_version()}-{parameters['sha256']}"


@asking(name="inspect export", key=_inspection_key, run_name="inspect-{sha256:.8}")
def inspect_export(path: str, sha256: str) -> dict[str, Any]:
    """Look into a file: what kind of export it is, how much is in it, and what of it is unknown."""
    return inspection.inspect(Path(path))


@recording(name="import export", run_name="import-{sha256:.8}")
def merge_export(
    path: str, sha256: str, keep_exports: bool, account: str, together: list[str], lease: str
) -> FileReport:
    """Merge one export into the archive. What is there already changes nothing."""
    with session(lease) as opened:
        accounts = Accounts(known=opened.settings.accounts, named=account)
        using = Importing(
            archive=opened.archive, keep_exports=keep_exports, accounts=accounts, together=frozenset(together)
        )
        return import_file(using, path=path)


def import_export(path: str, keep_exports: bool, account: str, together: list[str], lease: str) -> FileReport:
    """Both for one file. Why it was refused is in the report."""
    sha256 = inspection.fingerprint(Path(path)) if Path(path).exists() else "absent"
    with suppress(Refused):
        inspect_export(path, sha256)
    return merge_export(path, sha256, keep_exports, account, together, lease)


STEPS: Steps = {import_file: import_export}
