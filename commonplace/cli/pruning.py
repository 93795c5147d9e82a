"""`commonplace sync NAME --prune`: what the rules let through no longer is shown, agreed to, and taken away there."""

from __future__ import annotations

from typing import Any

from commonplace.cli.output import Output, aside, confirm, plain
from commonplace.errors import Refused
from commonplace.session import open_session


def prune_destination(destination: str, *, dry_run: bool, is_agreed: bool) -> dict[str, Any]:
    """The report; of a dry run, what would go."""
    from commonplace.stages.syncing import pruning
    from commonplace.stages.syncing.destinations import open_destination

    with (
        open_session() as session,
        open_destination(session.settings, session.environment, session.archive, destination) as (target, rules),
    ):
        ids = pruning.left_behind(session.archive, target, rules)
        if dry_run or not ids:
            return {"destination": destination, "would_remove": ids}
        if not is_agreed:
            if Output.as_json:
                raise Refused(f"{len(ids):,} would be removed.", hint="Look with --dry-run, then add --yes.")
            if not confirm(f"Remove {len(ids):,} from {destination}?"):
                raise Refused("Nothing was removed.")
        report = plain(pruning.prune(session, target, rules))
        for problem in report["problems"]:
            aside.print(f"{problem['conversation_id']}: {problem['reason']}")
        return {"destination": destination, **report}
