"""Hooks: whom a person wants told of what happened here, by a signed request.

What is to be told is queued in the archive, in the ledger of `hook:NAME`, and delivered by a run of its own: at least
once, always under the same id, and again and again over a day where it is not taken. It holds counts and ids, no text.
Requests are signed as Standard Webhooks are.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import uuid4

import msgspec

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.memory import change, recall_as
from commonplace.config import Environment, HookEvent, HookSettings
from commonplace.errors import CommonplaceError, Refused
from commonplace.model import LedgerEntry
from commonplace.moments import DAY, SECOND, now, to_iso
from commonplace.outgoing import Reach, Sender, checked
from commonplace.session import Session
from commonplace.stages.work import leased

PREFIX = "whsec_"
_NAME = re.compile(r"[a-z0-9-]{1,40}")
AT_ONCE = 16
MINUTES = (5, 15, 30, 60, 120, 240, 480, 510)
"""The pauses after each try: over a day in all."""
MOST_ADDED = 20
"""So many can be added beside those of the settings: each is told of every event, and waited for."""
KEPT_DAYS = 30
"""So long it is remembered what was delivered."""
Added = dict[str, HookSettings]
PAYLOAD, TRIES, DUE = "payload", "tries", "due"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    hook: str
    id: str
    reason: str


class HooksReport(msgspec.Struct, kw_only=True):
    """What became of what was due."""

    delivered: int = 0
    waiting: int = 0
    failed: int = 0
    seconds: float = 0.0
    problems: list[Problem] = msgspec.field(default_factory=list)

    def include(self, other: HooksReport) -> None:
        """Count what became of another person's as well; what went wrong there is on their own page."""
        for name in ("delivered", "waiting", "failed", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a hook stands."""

    name: str
    host: str
    events: list[str]
    waiting: int
    delivered: int
    failed: int
    problem: str = ""
    """Why nothing can be delivered, and what to do."""


def counts_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Of a report what is a number, and by which names it goes."""
    names = ("run", "destination")
    found = {key: report[key] for key in names if isinstance(report.get(key), str)}
    return found | {key: value for key, value in report.items() if isinstance(value, int | float)}


def queue(session: Session, event: HookEvent, data: Mapping[str, Any], *, run_id: str | None = None) -> None:
    """For whoever wants this event."""
    payload = {"type": event, "timestamp": to_iso(now()), "data": dict(data) | ({"run_id": run_id} if run_id else {})}
    for name, hook in hooks_of(session).items():
        if not hook.events or event in hook.events:
            _ledger(session, name).queue(f"msg_{uuid4().hex}", event, {PAYLOAD: payload, TRIES: 0, DUE: now()})


def deliver(session: Session) -> HooksReport:
    """What is due, to every hook; several requests at once. Where another run delivers to one, the others are told."""
    started, report = time.monotonic(), HooksReport()
    for name, hook in hooks_of(session).items():
        try:
            with leased(session, leases.syncing(session.archive.owner, _instance(name))) as ours:
                _deliver(ours, name, hook, report)
        except (leases.AlreadyRunning, leases.Lost) as error:
            report.problems.append(Problem(hook=name, id="", reason=str(error)))
        report.waiting += _ledger(session, name).counts().get("queued", 0)
    report.seconds = round(time.monotonic() - started, 3)
    return report


def send_test(session: Session, name: str, *, most_seconds: float = math.inf) -> int:
    """Send an event of no consequence, now and once; the status of the answer. Nothing is queued."""
    hook = _hook(session, name)
    hook = msgspec.structs.replace(hook, timeout_seconds=min(hook.timeout_seconds, most_seconds))
    payload = {"type": "test", "timestamp": to_iso(now()), "data": {"hook": name}}
    secret = secret_of(session.environment, name)
    with closing(_sender(hook)) as sender:
        return _send(sender, hook, secret, f"msg_{uuid4().hex}", payload)


def redeliver(session: Session, name: str, ids: list[str] | None = None) -> int:
    """What failed, or these, is due again under the same id; how many that are."""
    _hook(session, name)
    with leased(session, leases.syncing(session.archive.owner, _instance(name))) as ours:
        known = _ledger(ours, name)
        chosen = known.get(ids) if ids else dict(known.in_state("failed"))
        if missing := sorted(set(ids or ()) - set(chosen)):
            raise Refused(f"There is no delivery {missing[0]!r}.", hint="`commonplace hooks list` counts them.")
        for id, entry in chosen.items():
            known.queue(id, entry.input_hash, entry.detail | {TRIES: 0, DUE: now()})
        return len(chosen)


def standings(session: Session) -> list[Standing]:
    """Every hook of the settings."""
    found = []
    for name, hook in sorted(hooks_of(session).items()):
        counts = _ledger(session, name).counts()
        problem, host = "", ""
        try:
            host = checked(hook.url, reach=_reach(hook)).netloc
            secret_of(session.environment, name)
        except Refused as error:
            problem = str(error)
        found.append(
            Standing(
                name=name,
                host=host,
                events=list(hook.events) or ["all"],
                waiting=counts.get("queued", 0),
                delivered=counts.get("done", 0),
                failed=counts.get("failed", 0),
                problem=problem,
            )
        )
    return found


def hooks_of(session: Session) -> dict[str, HookSettings]:
    """The hooks of the settings, and those that were added since."""
    return added(session.archive) | session.settings.hooks


def add(session: Session, name: str, hook: HookSettings) -> str:
    """Tell this one too, from now on; a new secret for it, which is to be kept as `variable_of` says."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name of a hook.", hint="Use up to 40 small letters, digits and dashes.")
    if name in session.settings.hooks:
        raise Refused(f"The settings have a hook {name!r}.", hint="Choose another name, or change it there.")
    checked(hook.url, reach=_reach(hook))
    change(session.archive, _memory(session.archive), Added, lambda known: _with(known, name, hook))
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def remove(session: Session, name: str) -> None:
    """Tell it no more. What waits for it is sent to nobody."""
    _hook(session, name)
    if name in session.settings.hooks:
        raise Refused(f"The hook {name} is in the settings.", hint=f"Take [hooks.{name}] out of commonplace.toml.")
    change(session.archive, _memory(session.archive), Added, lambda known: _without(known, name))


def added(archive: Archive) -> Added:
    """Those that are in no settings."""
    return recall_as(archive, _memory(archive), Added) or {}


def _with(known: Added, name: str, hook: HookSettings) -> Added:
    if name in known:
        raise Refused(f"There is a hook {name!r}.", hint="Choose another name, or remove that one first.")
    if len(known) >= MOST_ADDED:
        raise Refused(f"There are {MOST_ADDED} hooks.", hint="Remove one first.")
    return known | {name: hook}


def _without(known: Added, name: str) -> Added:
    return {key: hook for key, hook in known.items() if key != name}


def _memory(archive: Archive) -> str:
    return f"hooks:{archive.owner}"


def variable_of(name: str) -> str:
    """Where a hook's secret is looked up."""
    return f"COMMONPLACE_HOOK_{name.upper().replace('-', '_')}_SECRET"


def secret_of(environment: Environment, name: str) -> bytes:
    """What a hook's requests are signed with. Refused where it is missing or no secret."""
    variable = variable_of(name)
    text = environment.get(variable) or ""
    how = f"Set {variable} to {PREFIX} and base64 of 24 to 64 bytes, the same as there."
    if not text:
        raise Refused(f"The hook {name} has no secret.", hint=how)
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not 24 <= len(secret) <= 64:
        raise Refused(f"{variable} is no secret for webhooks.", hint=how)
    return secret


def signed(secret: bytes, id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    made_of = f"{id}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, made_of, sha256).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,{signature}"}


def _deliver(session: Session, name: str, hook: HookSettings, report: HooksReport) -> None:
    known = _ledger(session, name)
    due = [(id, entry) for id, entry in known.in_state("queued") if entry.detail.get(DUE, 0) <= now()]
    if due:
        try:
            checked(hook.url, reach=_reach(hook))
            secret = secret_of(session.environment, name)
        except Refused as error:
            report.problems.append(Problem(hook=name, id="", reason=str(error)))
        else:
            for id, entry, problem in _told(session, hook, secret, due):
                _note(known, name, id, entry, problem, report)
    for id, entry in list(known.in_state("done")):
        if entry.updated_at < now() - KEPT_DAYS * DAY:
            known.removed(id)


def _told(
    session: Session, hook: HookSettings, secret: bytes, due: list[tuple[str, LedgerEntry]]
) -> Iterator[tuple[str, LedgerEntry, str]]:
    """What became of each, as it ends. More than can be sent are ready to be: no sender waits until one is noted."""
    left, under_way = iter(due), dict[Future[str], tuple[str, LedgerEntry]]()
    check = session.archive.check
    with closing(_sender(hook)) as sender, ThreadPoolExecutor(AT_ONCE) as several:
        try:
            while True:
                for id, entry in islice(left, 2 * AT_ONCE - len(under_way)):
                    sending = several.submit(_outcome, sender, hook, secret, id, entry, check)
                    under_way[sending] = (id, entry)
                if not under_way:
                    return
                for ended in wait(under_way, return_when=FIRST_COMPLETED).done:
                    id, entry = under_way.pop(ended)
                    yield id, entry, ended.result()
        finally:
            several.shutdown(wait=False, cancel_futures=True)


def _outcome(
    sender: Sender, hook: HookSettings, secret: bytes, id: str, entry: LedgerEntry, check: Callable[[], None]
) -> str:
    """Why it was not taken; empty if it was."""
    try:
        status = _send(sender, hook, secret, id, entry.detail[PAYLOAD], check)
    except leases.Lost:
        raise
    except CommonplaceError as error:
        return str(error)
    return "" if 200 <= status < 300 else f"It answered HTTP {status}."


def _send(
    sender: Sender,
    hook: HookSettings,
    secret: bytes,
    id: str,
    payload: Mapping[str, Any],
    check: Callable[[], None] = lambda: None,
) -> int:
    body = msgspec.json.encode(payload)
    headers = signed(secret, id, now() // SECOND, body) | {"content-type": "application/json"}
    return sender.send("POST", hook.url, body=body, headers=headers, check=check).status


def _note(known: ArchiveLedger, name: str, id: str, entry: LedgerEntry, problem: str, report: HooksReport) -> None:
    tries = int(entry.detail.get(TRIES, 0))
    if not problem:
        known.done(id, entry.input_hash, id)
        report.delivered += 1
        return
    report.problems.append(Problem(hook=name, id=id, reason=problem))
    if tries >= len(MINUTES):
        known.fail(id, entry.input_hash, problem)
        report.failed += 1
    else:
        again = {TRIES: tries + 1, DUE: now() + MINUTES[tries] * 60 * SECOND}
        known.queue(id, entry.input_hash, entry.detail | again)


def _hook(session: Session, name: str) -> HookSettings:
    hooks = hooks_of(session)
    if name not in hooks:
        there = f"There are: {', '.join(sorted(hooks))}." if hooks else f"`commonplace hooks add {name} URL` adds one."
        raise Refused(f"There is no hook {name!r}.", hint=there)
    return hooks[name]


def _sender(hook: HookSettings) -> Sender:
    return Sender(reach=_reach(hook), timeout_seconds=hook.timeout_seconds)


def _reach(hook: HookSettings) -> Reach:
    return "private" if hook.allow_private else "public"


def _ledger(session: Session, name: str) -> ArchiveLedger:
    return ArchiveLedger(session.archive, _instance(name))


def _instance(name: str) -> str:
    return f"hook:{name}"
