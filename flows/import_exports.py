"""Import what is named, or what lies in the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace import whose
from commonplace.session import Session
from commonplace.stages.importing import stage
from flows import assets, reports
from flows.forms import Account, Owner, Paths, titled
from flows.hooks.noting import note
from flows.runner import RUNNER
from flows.running import conclude, named, working_for
from flows.work import ByTasks
from tasks.import_exports import STEPS

COUNTS = ("read", "new", "changed", "unchanged", "empty", "failed", "messages", "attachments")


@flow(name="import-exports", flow_run_name=named("import"), task_runner=RUNNER)
def import_exports(
    paths: Paths = None,
    keep_exports: Annotated[bool | None, titled("Keep a copy of each file")] = None,
    account: Account = "",
    owner: Owner = None,
) -> dict[str, Any]:
    """Take exports into the archive: the files that are named, or whatever lies in the inbox folder.

    Files of the inbox are moved to its `done` or `failed` folder afterwards, each with its report beside it.

    Args:
        paths: Zips, folders or files of exports, as paths on the machine that runs this. None: the inbox.
        keep_exports: Keep a copy of each file, so that conversations can be rebuilt. None: as the settings say.
        account: The account of the settings that they are of, where they do not say it by themselves.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
    """
    with working_for(owner) as opened:
        report = run(opened, paths, keep_exports=keep_exports, account=account, origin="alone")
        name = f"import: {report['new']} new, {report['changed']} changed of {report['read']}"
        return conclude(
            opened,
            report,
            name=name if report["files"] else "import: nothing new",
            handled=report["read"],
            failed=report["failed"],
        )


def run(
    session: Session,
    paths: Sequence[str] | None,
    *,
    keep_exports: bool | None = None,
    account: str = "",
    origin: str,
) -> dict[str, Any]:
    """The stage by tasks, its artifacts and its event. `origin` is `alone`, or `pipeline` for a part of one."""
    files = None if paths is None else [Path(path).expanduser().absolute() for path in paths]
    ended = stage.import_exports(
        session, files, keep_exports=keep_exports, account=account, work=ByTasks(session, STEPS)
    )
    report: dict[str, Any] = msgspec.to_builtins(ended)
    publish(report)
    emit_completed(session, report, origin)
    return report


def publish(report: dict[str, Any]) -> None:
    """The run's artifacts: counts, one line per file, every defect with its reason, and what was left out."""
    defects = [(d["file"], d["item"], d["reason"]) for d in report["defects"]]
    left_out = [(one["name"], one["reason"]) for one in report["left_out"] if one["name"]]
    files = [[entry[key] for key in ("file", *COUNTS, "refusal")] for entry in report["files"]]
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
            *reports.problems(
                "Exports of one date differ, both are kept",
                [(conversation_id,) for conversation_id in report["conflicting"]],
                ["conversation"],
                total=report["conflicts"],
            ),
        ],
    )


def emit_completed(session: Session, report: dict[str, Any], origin: str) -> None:
    """Tell other flows and automations, and whose it is."""
    changed = report["new"] + report["changed"]
    if report["read"]:
        note(session, "import.completed", report)
    emit_event(
        "commonplace.import.completed",
        resource={
            "prefect.resource.id": "commonplace.archive",
            "prefect.resource.name": "archive",
            "commonplace.origin": origin,
            "commonplace.owner": whose.name_of(session.settings, session.archive),
            "commonplace.brought-something": "yes" if changed else "no",
        },
        payload={key: report[key] for key in COUNTS},
    )
    if changed:
        assets.made(assets.ARCHIVE, **{key: report[key] for key in COUNTS})
