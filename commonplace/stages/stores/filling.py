"""Filling a project's vector store: what is new or changed is uploaded once, what left the project is taken away.

A name is given to each file that only this archive and this state of the conversation give. So a file whose upload was
never answered, or that a killed run left, is found by its name and not uploaded again; what the store holds is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from commonplace.archive import leases
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.projects.lookup import find_project
from commonplace.archive.rows import batched
from commonplace.bounds import Dollars, within
from commonplace.destinations.sendable import sendable
from commonplace.errors import Halt, Permanent, Refused, Retryable
from commonplace.model import Project
from commonplace.openai.client import Client, account_of
from commonplace.openai.errors import Failing, Missing, NoAnswer, Stopped
from commonplace.openai.pricing import TAKES, price_of_storing
from commonplace.openai.stores import MOST_TAKEN_IN, Stores
from commonplace.session import Session
from commonplace.stages.stores.known import BYTES, file_name, files_of, is_current, marks_of, stores_of, wanted_in
from commonplace.stages.transcripts.markdown import conversation_in_markdown
from commonplace.stages.work import leased

LONGEST = 4_000_000
"""Bytes of a file: no more tokens than the service takes in, whatever the language."""
AT_ONCE = 25
TRIES = 5
PATIENCE_SECONDS = 30.0
"""What is not listed after so long was not done."""
LONGEST_WAIT_SECONDS = 300.0

Found = TypeVar("Found")
Sleep = Callable[[float], None]


class Plan(msgspec.Struct, kw_only=True):
    """What filling would do, and what the store would cost."""

    project: str
    project_id: str
    conversations: int
    to_upload: int
    to_remove: int
    bytes: int
    """Of all files together."""
    days: int
    cost_usd: float
    """At most, for so many days."""


class StoreReport(msgspec.Struct, kw_only=True):
    """What became of a project's store."""

    project: str
    store: str
    conversations: int = 0
    uploaded: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: int = 0
    """Those that the service could not take in."""
    shortened: int = 0
    """Those of which only the beginning is there, because they are too long for a file."""
    bytes: int = 0
    cost_usd: float = 0.0
    requests: int = 0
    seconds: float = 0.0


def plan(session: Session, project: str) -> Plan:
    """Reckoned here: nothing is asked or sent."""
    found = find_project(session.archive, project)
    wanted = wanted_in(session.archive, found.id)
    known = dict(files_of(session, found.id).get(wanted))
    there = {id for id, _ in files_of(session, found.id).remote_ids()}
    new = [id for id, input_hash in wanted.items() if not is_current(known.get(id), input_hash)]
    kept = sum(int(entry.detail.get(BYTES, 0)) for id, entry in known.items() if id not in set(new))
    size = kept + sum(len(data) for _, data, _ in _files(session, new))
    days, is_own = session.settings.answers.store_days, bool(account_of(session.settings, session.environment).base_url)
    return Plan(
        project=found.name,
        project_id=found.id,
        conversations=len(wanted),
        to_upload=len(new),
        to_remove=len(there - wanted.keys()),
        bytes=size,
        days=days,
        cost_usd=0.0 if is_own else round(price_of_storing(size * TAKES, days), 6),
    )


def fill(session: Session, project: str, *, max_cost: float | None = None, sleep: Sleep = time.sleep) -> StoreReport:
    """Bring it up to date; made where there is none, or where it expired."""
    started, account = time.monotonic(), account_of(session.settings, session.environment)
    account.check()
    with leased(session, leases.syncing(session.archive.owner, stores_of(session).instance)) as ours:
        found, planned = find_project(ours.archive, project), plan(ours, project)
        _check(planned, session.settings.answers.store_max_cost if max_cost is None else max_cost)
        with Client(account, check=ours.archive.check) as client:
            report = _Filling(ours, Stores(client), found, sleep).fill()
            report.requests = client.requests_sent
    report.cost_usd = planned.cost_usd
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _check(planned: Plan, max_cost: float) -> None:
    if not planned.conversations:
        raise Refused(f"No conversation is in the project {planned.project}.", hint="`commonplace projects list`")
    if planned.cost_usd > within(max_cost, Dollars, name="max_cost"):
        raise Halt(
            f"To keep it for {planned.days} days may cost ${planned.cost_usd:.2f}, and the limit is ${max_cost:.2f}.",
            hint="Raise --max-cost or [answers] store_max_cost, or keep it for less long with [answers] store_days.",
        )


class _Filling:
    """One project's store, under the lease of all stores."""

    def __init__(self, session: Session, stores: Stores, project: Project, sleep: Sleep) -> None:
        self._session, self._stores, self._project, self._sleep = session, stores, project, sleep
        self._known = files_of(session, project.id)
        self._name = partial(file_name, session.archive)

    def fill(self) -> StoreReport:
        wanted = wanted_in(self._session.archive, self._project.id)
        report = StoreReport(project=self._project.name, store="")
        report.removed = self._forget_what_is_gone(wanted)
        known = self._known.get(wanted)
        new = [id for id, input_hash in wanted.items() if not is_current(known.get(id), input_hash)]
        for id, data, is_short in _files(self._session, new):
            if self._upload(id, wanted[id], data):
                report.uploaded += 1
                report.shortened += is_short
            else:
                report.failed += 1
        report.unchanged = len(wanted) - len(new)
        report.store = self._store()
        report.failed += self._take_in(report.store)
        entries = self._known.get(wanted).values()
        report.conversations = sum(entry.remote_id is not None for entry in entries)
        report.bytes = sum(int(entry.detail.get(BYTES, 0)) for entry in entries)
        return report

    def _forget_what_is_gone(self, wanted: dict[str, str]) -> int:
        """Files of what left the project or changed are taken away; what a killed run left is found by its name; of
        what somebody deleted there nothing is known any more. How many left."""
        doubtful = {self._name(id, entry.input_hash): (id, entry) for id, entry in self._known.in_state("intent")}
        uploaded = _look_twice(self._stores.uploaded, lambda found: doubtful.keys() <= found.keys(), self._sleep)
        for name, (id, entry) in doubtful.items():
            if name in uploaded:
                self._known.done(id, entry.input_hash, uploaded[name], detail=entry.detail)
            else:
                self._known.removed(id)
        ids, removed = set(uploaded.values()), 0
        for id, entry in [*self._known.remote_ids()]:
            if id in wanted and wanted[id] == entry.input_hash and entry.remote_id in ids:
                continue
            self._stores.delete_file(entry.remote_id or "")
            self._known.removed(id)
            removed += id not in wanted
        return removed

    def _upload(self, id: str, input_hash: str, data: bytes) -> bool:
        """Whether the service took it."""
        name, detail = self._name(id, input_hash), {BYTES: len(data)}
        self._known.intend(id, input_hash, detail)
        try:
            file_id = self._settled(lambda: self._stores.upload(name, data), lambda: self._stores.uploaded().get(name))
        except Permanent as error:
            self._known.fail(id, input_hash, str(error))
            return False
        except Halt:
            self._known.removed(id)
            raise
        self._known.done(id, input_hash, file_id, detail=detail)
        return True

    def _store(self) -> str:
        """The store that is there, found or made."""
        known, id = stores_of(self._session), self._project.id
        marks = marks_of(self._session.archive, id)
        entry = known.get([id]).get(id)
        if entry is not None and entry.remote_id:
            try:
                if not self._stores.get(entry.remote_id).is_expired:
                    return entry.remote_id
                self._stores.delete(entry.remote_id)
            except Missing:
                pass
            known.removed(id)
        elif entry is not None:
            found = _look_twice(lambda: self._stores.find(marks), _is_there, self._sleep)
            if found is not None:
                known.done(id, "", found)
                return found
        known.intend(id, "")
        days, name = self._session.settings.answers.store_days, sendable(self._project.name)[:200]
        try:
            made = self._settled(lambda: self._stores.create(name, marks, days=days), lambda: self._stores.find(marks))
        except Halt:
            known.removed(id)
            raise
        known.done(id, "", made)
        return made

    def _take_in(self, store_id: str) -> int:
        """Whatever is uploaded is searched from now on; how many files the service could not take in."""
        there = {entry.remote_id or "": id for id, entry in self._known.remote_ids()}
        held = self._stores.held(store_id)
        for some in batched([file_id for file_id in there if file_id not in held], MOST_TAKEN_IN):
            told = {file_id: {"conversation": sendable(there[file_id])[:512]} for file_id in some}
            self._settled(partial(self._stores.take_in, store_id, told), partial(self._holds, store_id, some))
        pause, waited = 0.5, 0.0
        while "in_progress" in (held := self._stores.held(store_id)).values() and waited < LONGEST_WAIT_SECONDS:
            self._sleep(pause)
            pause, waited = min(2 * pause, 10.0), waited + pause
        failed = [file_id for file_id, status in held.items() if status in ("failed", "cancelled") and file_id in there]
        for file_id in failed:
            entry = self._known.get([there[file_id]])[there[file_id]]
            self._stores.delete_file(file_id)
            self._known.removed(there[file_id])
            self._known.fail(there[file_id], entry.input_hash, "OpenAI could not take it in.")
        return len(failed)

    def _holds(self, store_id: str, file_ids: Sequence[str]) -> bool | None:
        return set(file_ids) <= self._stores.held(store_id).keys() or None

    def _settled(self, send: Callable[[], Found], look: Callable[[], Found | None]) -> Found:
        """Send it. After any doubt, what is there decides whether it is sent again."""
        for attempt in range(1, TRIES):
            try:
                return send()
            except Stopped:
                raise
            except Retryable as error:
                self._sleep(error.retry_after if error.retry_after is not None else 0.5 * 2 ** (attempt - 1))
                if isinstance(error, NoAnswer | Failing):
                    found = _look_twice(look, _is_there, self._sleep)
                    if found is not None:
                        return found
        return send()


def _is_there(found: object) -> bool:
    return found is not None


def _look_twice(look: Callable[[], Found], is_enough: Callable[[Found], bool], sleep: Sleep) -> Found:
    found = look()
    if not is_enough(found):
        sleep(PATIENCE_SECONDS)
        found = look()
    return found


def _files(session: Session, ids: Sequence[str]) -> Iterator[tuple[str, bytes, bool]]:
    """The file of each conversation, and whether it is only the beginning."""
    zone = session.settings.zone
    for some in batched(ids, AT_ONCE):
        for filed in load_filed(session.archive, some):
            data = sendable(conversation_in_markdown(filed, zone)).encode()
            yield filed.conversation.id, data[:LONGEST].decode("utf-8", "ignore").encode(), len(data) > LONGEST
