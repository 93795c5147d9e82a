"""Delivering to hooks. Never cached: the queue knows what was delivered."""

from __future__ import annotations

from typing import Any

import msgspec

from commonplace import whose
from commonplace.errors import CommonplaceError
from commonplace.stages import hooks
from tasks.policy import recording
from tasks.session import session


@recording(name="deliver hooks")
def deliver_events() -> dict[str, Any]:
    """Tell every hook what is due, everybody's; the server owner's first."""
    with session() as opened:
        report = hooks.deliver(opened)
        for user in whose.others(opened):
            try:
                report.include(hooks.deliver(whose.of(opened, user.owner)))
            except CommonplaceError as error:  # keeps nobody else from being told
                report.problems.append(hooks.Problem(hook="", id="", reason=f"{user.name}: {error}"))
        plain: dict[str, Any] = msgspec.to_builtins(report)
        return plain
