"""The one door to OMI's developer API: conversations of a window of time, page by page, at the pace that OMI allows.

Reading changes nothing there, so every request may be repeated. What each answer means:

    429                              again when its headers say; beyond two minutes the next run goes on (Retryable)
    500 and above, no answer         again, a few times (Retryable)
    401; 403                         Halt: the key; what it lacks, which with encrypted data is the hash of its key
    a redirect, any other 4xx        Halt: this is not the API
    no list of JSON objects          Retryable
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import msgspec

from commonplace.errors import Halt, Retryable
from commonplace.moments import now, to_iso

URL = "https://api.omi.me"
HERE = {"localhost", "127.0.0.1", "::1"}
PAGE = 25
SECONDS = 30.0
TRIES = 5
LONGEST_PAUSE = 120.0
READ_AGAIN = 5
"""So often a window is begun again because its list moved while it was read."""


class Listed(msgspec.Struct, frozen=True):
    """A conversation of a list: its id, and its JSON as it came."""

    id: str
    body: bytes


class _WithId(msgspec.Struct):
    id: str | int | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the developer API. `recovery_key`: what opens data that is encrypted at OMI's."""

    key: str
    base_url: str = URL
    recovery_key: str = ""

    def check(self) -> None:
        """`Halt`, with what to do, where there is no key or it cannot be one."""
        if not self.key:
            raise Halt(
                "There is no key of OMI's developer API.",
                hint="Make one in OMI's app under Developer, then `commonplace connect omi`.",
            )
        address = urlsplit(self.base_url)
        schemes = {"https", "http"} if address.hostname in HERE else {"https"}
        if not address.hostname or address.scheme not in schemes:
            raise Halt(
                "OMI_BASE_URL is not an address that a key may be sent to.",
                hint=f"It begins with https://, as {URL} does; http:// is for a server on this machine.",
            )

    @property
    def headers(self) -> dict[str, str]:
        proof = {"X-E2EE-Key-Hash": _hash_of(self.recovery_key)} if self.recovery_key else {}
        return {"Authorization": f"Bearer {self.key}"} | proof

    def __repr__(self) -> str:
        return f"Account({self.base_url})"


class OmiApi:
    """Reads as one account. To be closed, or used as a context manager."""

    def __init__(self, account: Account, *, rest: Callable[[float], None] = time.sleep) -> None:
        account.check()
        self._rest = rest
        self._client = httpx.Client(
            base_url=account.base_url.rstrip("/"), headers=account.headers, timeout=SECONDS, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def check(self) -> None:
        """Raises what keeps the key from reading."""
        self._page(limit=1)

    def conversations(self, since: int, until: int) -> Iterator[Listed]:
        """Those that were made between two moments, each once.

        There are only offsets, and the list may move while it is read: something is deleted, or finished late. So each
        page begins with the last row of the one before; where that is another one now, the window is read again.
        """
        window = {"start_date": to_iso(since), "end_date": to_iso(until), "include_transcript": "true"}
        seen: set[str] = set()
        for _ in range(READ_AGAIN):
            offset, last = 0, None
            while True:
                page = self._page(**window, limit=PAGE, offset=offset)
                if last is not None and (not page or page[0].id != last):
                    break
                for listed in page:
                    if listed.id not in seen:
                        seen.add(listed.id)
                        yield listed
                if len(page) < PAGE:
                    return
                offset, last = offset + len(page) - 1, page[-1].id
        raise Retryable("OMI's list of conversations changed each time that it was read.")

    def _page(self, **query: Any) -> list[Listed]:
        told: Retryable = Retryable("OMI did not answer.")
        for attempt in range(1, TRIES + 1):
            pause = min(30.0, 2.0**attempt / 4)
            try:
                answer = self._client.get("/v1/dev/user/conversations", params=query)
            except httpx.HTTPError:
                told = Retryable("OMI did not answer.")
            else:
                if answer.status_code == 200 and (page := _listed(answer)) is not None:
                    self._keep_pace(answer)
                    return page
                told = _meaning(answer)
                pause = told.retry_after if told.retry_after is not None else pause
            if pause > LONGEST_PAUSE:
                break
            if attempt < TRIES:
                self._rest(pause)
        raise told

    def _keep_pace(self, answer: httpx.Response) -> None:
        """When nothing is left of what may be asked in a minute, wait for the next."""
        wait = _seconds_to_reset(answer)
        if answer.headers.get("x-ratelimit-remaining") == "0" and wait is not None and wait <= LONGEST_PAUSE:
            self._rest(wait)


def _meaning(answer: httpx.Response) -> Retryable:
    """What an answer that holds no page means: to be asked again, or raised as what ends the run."""
    if answer.status_code == 429:
        wait = _number(answer.headers.get("retry-after"))
        wait = _seconds_to_reset(answer) if wait is None else wait
        return Retryable("OMI takes no more requests for now.", hint="The next run goes on.", retry_after=wait)
    if answer.status_code == 401:
        raise Halt("OMI does not know the key.", hint="Make one in OMI's app, then `commonplace connect omi`.")
    if answer.status_code == 403:
        if any(word in answer.text.lower() for word in ("e2ee", "encrypt", "key-hash")):
            raise Halt(
                "Your data at OMI is encrypted, and the recovery key is missing or wrong.",
                hint="Set OMI_RECOVERY_KEY to the recovery key that OMI's app shows.",
            )
        raise Halt("The key may not read conversations.", hint="Make one in OMI's app with conversations:read.")
    if 300 <= answer.status_code < 500:
        raise Halt(
            f"OMI answered with status {answer.status_code}.", hint=f"Is OMI_BASE_URL right? OMI's own is {URL}."
        )
    return Retryable(f"OMI answered with status {answer.status_code} and no conversations.")


def _listed(answer: httpx.Response) -> list[Listed] | None:
    """The page; None where there is none in it."""
    try:
        bodies = [bytes(raw) for raw in msgspec.json.decode(answer.content, type=list[msgspec.Raw])]
        ids = [msgspec.json.decode(body, type=_WithId).id for body in bodies]
    except (msgspec.DecodeError, RecursionError):
        return None
    return [
        Listed(hashlib.sha256(body).hexdigest() if id is None else str(id), body)
        for id, body in zip(ids, bodies, strict=True)
    ]


def _seconds_to_reset(answer: httpx.Response) -> float | None:
    """`X-RateLimit-Reset` is a moment or a number of seconds."""
    told = _number(answer.headers.get("x-ratelimit-reset"))
    if told is None:
        return None
    return max(0.0, told - now() / 1e6) if told > 1e9 else told


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if 0 <= found < 1e12 else None


def _hash_of(recovery_key: str) -> str:
    """What OMI is shown instead of the key."""
    padded = recovery_key.strip().replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise Halt("OMI_RECOVERY_KEY is not a recovery key.", hint="OMI's app shows it: 32 bytes in base64.")
    return hashlib.sha256(raw).hexdigest()
