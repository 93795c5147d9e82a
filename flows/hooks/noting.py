"""What runs note for hooks: counts and ids, never a text. A run does not fail because nobody could be told of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from prefect.runtime import flow_run
from sqlalchemy.exc import SQLAlchemyError

from commonplace.config import HookEvent
from commonplace.errors import CommonplaceError
from commonplace.session import Session
from commonplace.stages import hooks

log = logging.getLogger("commonplace.flows")


def note(session: Session, event: HookEvent, report: Mapping[str, Any]) -> None:
    """For the next delivery; nothing where no hook wants it."""
    try:
        hooks.queue(session, event, hooks.counts_of(report), run_id=flow_run.id)
    except (CommonplaceError, SQLAlchemyError) as error:
        log.warning("hooks: %s was not noted (%s)", event, type(error).__name__)


def note_failure(session: Session, name: str) -> None:
    """Which kind of run failed; why is on its page."""
    note(session, "run.failed", {"run": name.partition(":")[0]})
