"""Take in what OMI sent."""

from __future__ import annotations

from typing import Any

from prefect import flow

from commonplace import whose
from commonplace.session import Session
from commonplace.stages.selection import Selection
from flows import import_exports, pipeline, reports
from flows.runner import RUNNER
from flows.running import conclude, named, say
from tasks.receive_omi import receive_deliveries
from tasks.session import session

SORTING = ("embed", "categorize", "map")
SHOWN = ("read", "new", "changed", "unchanged", "empty", "failed", "replaced", "waiting", "seconds")


@flow(name="receive-omi", flow_run_name=named("receive"), task_runner=RUNNER)
def receive_omi() -> dict[str, Any]:
    """Take what OMI's webhooks brought into the archive, and sort it: a run that follows does the rest, syncs included.

    What cannot be used stays in the inbox with its reason (`commonplace inbox list`), and so do pieces of conversations
    that are still going on, and what belongs to nobody yet.
    """
    with session() as opened:
        report = receive_deliveries()
        publish(report)
        for owner, ids in report["came"].items():
            sort(whose.of(opened, owner), ids)
        tell(opened, report)
        name = f"receive: {report['new']} new, {report['changed']} changed of {report['read']}"
        name = name if report["read"] else "receive: nothing new"
        return conclude(opened, report, name=name, handled=report["read"], failed=report["failed"])


def sort(session: Session, ids: list[str]) -> None:
    """Category and project for a few conversations, now: another run would have to start first, which takes longer.

    What cannot be done now is done, or told, by that run.
    """
    if ids:
        _, errors = pipeline.run_stages(session, SORTING, selection=Selection(ids=tuple(ids)))
        for error in errors:
            say("Left to the run that follows: %s", error)


def tell(session: Session, report: dict[str, Any]) -> None:
    """Whose archives have more now, so that a run follows for each."""
    import_exports.emit_completed(session, report, "alone")
    for user in whose.others(session):
        if came := len(report["came"].get(user.owner, ())):
            counts = dict.fromkeys(import_exports.COUNTS, 0) | {"read": came, "changed": came}
            import_exports.emit_completed(whose.of(session, user.owner), counts, "alone")


def publish(report: dict[str, Any], *, called: str = "receive") -> None:
    """The run's artifacts: counts, what could not be used and why, and for whom nobody has spoken yet."""
    reports.publish(
        called,
        {key: report[key] for key in ("fetched", *SHOWN) if key in report},
        [
            *reports.problems(
                "Could not be used", [(one["item"], one["reason"]) for one in report["defects"]], ["item", "reason"]
            ),
            *reports.problems("Uids that nobody has claimed", [(uid,) for uid in report["unclaimed"]], ["uid"]),
            *reports.problems("Left for the next time: an import runs", [(who,) for who in report["busy"]], ["owner"]),
        ],
    )
