"""Import what is named, or what lies in the inbox."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.config import Settings, load
from commonplace.errors import Halt
from commonplace.moments import now, to_iso
from commonplace.stages.importing import inspection
from commonplace.stages.importing.report import Tally
from flows import reports
from flows.running import RUNNER, conclude, describe, say
from tasks.import_exports import import_export, inspect_export

COUNTS = ("read", "new", "changed", "unchanged", "empty", "failed", "messages", "attachments")
SETTLED_SECONDS = 2
AFTERWARDS = ("done", "failed")


@flow(name="import-exports", flow_run_name="import-exports", task_runner=RUNNER)
def import_exports(paths: list[str] | None = None, keep_exports: bool | None = None) -> dict[str, Any]:
    """Take exports into the archive: the files that are named, or whatever lies in the inbox folder.

    Files of the inbox are moved to its `done` or `failed` folder afterwards, each with its report beside it.

    Args:
        paths: Zips, folders or files of exports, as paths on the machine that runs this. None: the inbox.
        keep_exports: Keep a copy of each file, so that conversations can be rebuilt. None: as the settings say.
    """
    report, errors = import_now(paths, keep_exports=keep_exports)
    publish(report)
    emit_completed(report, origin="alone")
    name = f"import: {report['new']} new, {report['changed']} changed of {report['read']}"
    name = name if report["files"] else "import: nothing new"
    return conclude(
        report,
        name=name,
        handled=report["read"],
        failed=report["failed"],
        errors=errors,
    )


def import_now(paths: Sequence[str] | None, *, keep_exports: bool | None) -> tuple[dict[str, Any], list[Exception]]:
    """Import every file; a file that cannot be used is reported and leaves the others alone."""
    settings, _ = load()
    keep = settings.imports.keep_exports if keep_exports is None else keep_exports
    from_inbox = paths is None
    total, seconds, files = Tally(), 0.0, list[dict[str, Any]]()
    errors: list[Exception] = []
    for path in waiting_in(settings) if paths is None else [Path(path).expanduser().absolute() for path in paths]:
        try:
            single = _import_one(path, keep)
        except Halt:
            raise
        except Exception as error:
            errors.append(error)
            single = {"failed_file": path.name, "reason": describe(error)}
        else:
            total.include(msgspec.convert(single, Tally))
            seconds += single["seconds"]
        files.append({"file": path.name, **{key: single.get(key) for key in (*COUNTS, "reason")}})
        if from_inbox:
            _move_on(path, settings.inbox / ("failed" if "failed_file" in single else "done"), single)
    report: dict[str, Any] = msgspec.to_builtins(total)
    return {**report, "seconds": round(seconds, 3), "files": files}, errors


def _import_one(path: Path, keep: bool) -> dict[str, Any]:
    sha256 = inspection.fingerprint(path)
    say("import: %s (%s)", path.name, sha256[:8])
    inspect_export(str(path), sha256)
    return import_export(str(path), sha256, keep)


def waiting_in(settings: Settings) -> list[Path]:
    """What lies in the inbox and has stopped growing, oldest first."""
    inbox = settings.inbox
    inbox.mkdir(parents=True, exist_ok=True)
    settled_before = now() / 1e6 - SETTLED_SECONDS
    found = [path for path in inbox.iterdir() if path.name not in AFTERWARDS and path.name[0] != "."]
    return sorted(
        (path for path in found if path.stat().st_mtime < settled_before), key=lambda path: path.stat().st_mtime
    )


def _move_on(path: Path, folder: Path, report: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    if target.exists():
        target = folder / f"{path.stem}-{(to_iso(now()) or '').replace(':', '')}{path.suffix}"
    shutil.move(path, target)
    target.with_name(target.name + ".report.json").write_text(json.dumps(report, indent=2, ensure_ascii=False))


def publish(report: dict[str, Any]) -> None:
    """The run's artifacts: counts, one line per file, every defect with its reason, and what was left out."""
    defects = [(d["file"], d["item"], d["reason"]) for d in report["defects"]]
    left_out = [(one["name"], one["reason"]) for one in report["left_out"] if one["name"]]
    files = [[entry.get(key) for key in ("file", *COUNTS, "reason")] for entry in report["files"]]
    reports.publish(
        "import",
        {key: report[key] for key in (*COUNTS, "seconds")},
        [
            *reports.problems("Files", files, ["file", *COUNTS, "problem"]),
            reports.chart("Conversations", {key: report[key] for key in COUNTS[1:6]}),
            *reports.problems(
                "Defects", defects, ["file", "item", "reason"], total=len(defects) + report["more_defects"]
            ),
            *reports.problems(
                "Left out", left_out, ["name", "reason"], total=sum(one["count"] for one in report["left_out"])
            ),
            *reports.problems("Not familiar to this version", list(report["unfamiliar"].items()), ["where", "count"]),
        ],
    )


def emit_completed(report: dict[str, Any], *, origin: str) -> None:
    """Tell other flows and automations. `origin` is `alone`, or `pipeline` for an import that is part of one."""
    changed = report["new"] + report["changed"]
    emit_event(
        "commonplace.import.completed",
        resource={
            "prefect.resource.id": "commonplace.archive",
            "prefect.resource.name": "archive",
            "commonplace.origin": origin,
            "commonplace.brought-something": "yes" if changed else "no",
        },
        payload={key: report[key] for key in COUNTS},
    )
