"""How often: per address, and per program, key or account. What can be guessed, or costs much, has its own bucket."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from importlib.util import find_spec

import msgspec
from anyio import from_thread
from limits import RateLimitItem, parse
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from commonplace.errors import Refused
from commonplace.web.errors import Problem
from commonplace.web.security.addresses import client_of
from commonplace.web.security.counting import Counts, NotShared, SharedCounts

log = logging.getLogger("commonplace.web")


class Bucket(msgspec.Struct, frozen=True):
    """A kind of request and how often one address may make it. An empty rate is the settings'."""

    name: str
    rate: str
    paths: tuple[str, ...]
    methods: tuple[str, ...] = ("POST",)


BUCKETS = (
    Bucket("login", "30/15minute", ("/login", "/welcome/")),
    Bucket(
        "token", "120/minute", tuple(f"{root}/oauth/{it}" for root in ("", "/chatgpt") for it in ("token", "revoke"))
    ),
    Bucket("introspect", "600/minute", ("/oauth/introspect",)),
    Bucket("register", "10/hour", ("/oauth/register",)),
    Bucket("webhook", "200/second", ("/omi/", "/chatgpt/webhook/")),
    Bucket("upload", "600/minute", ("/uploads",), ("POST", "PATCH", "DELETE")),
)
DEFAULT = Bucket("default", "", ("/",))
NOT_COUNTED = ("/healthz", "/readyz", "/static/")
ATTEMPTS_PER_ACCOUNT = "100/15minute"
ATTEMPTS_FROM_ADDRESS = "10/15minute"


class TooOften(Problem):
    """Come back later."""

    def __init__(self, wait: float) -> None:
        seconds = max(1, math.ceil(wait))
        super().__init__(
            429,
            "too_many_requests",
            f"Too many requests. Try again in {seconds} s.",
            headers={"retry-after": str(seconds)},
        )


class Limiter:
    """Counts, in this process or in Redis."""

    def __init__(self, default_rate: str, storage: str) -> None:
        self._default = _rate(default_rate)
        self._rates = {bucket.name: _rate(bucket.rate) for bucket in BUCKETS}
        self._attempts = _rate(ATTEMPTS_PER_ACCOUNT), _rate(ATTEMPTS_FROM_ADDRESS)
        self._shared = _shared(storage)
        self._counts = Counts()

    async def count_address(self, bucket: Bucket, address: str) -> None:
        await self._count(self._rates.get(bucket.name, self._default), bucket.name, address)

    def count_program(self, identity: str) -> None:
        """A program's token or a key, wherever it is used from. To be asked on a thread."""
        if self._shared:
            from_thread.run(self._count, self._default, "program", identity)
        elif wait := self._counts.hit(self._default, "program", identity):
            raise TooOften(wait)

    async def count_attempt(self, account: str, address: str) -> None:
        """An attempt to guess a password or a client's secret: few from one address, not many from everywhere."""
        everywhere, here = self._attempts
        await self._count(here, "attempt", account, address)
        await self._count(everywhere, "attempt", account)

    async def forgive(self, account: str, address: str) -> None:
        """It was the right one after all."""
        key = ("attempt", account, address)
        self._counts.clear(*key)
        if self._shared:
            with suppress(NotShared):
                await self._shared.clear(self._attempts[1], *key)

    async def close(self) -> None:
        if self._shared:
            await self._shared.close()

    async def _count(self, rate: RateLimitItem, *key: str) -> None:
        if wait := await self._hit(rate, *key):
            raise TooOften(wait)

    async def _hit(self, rate: RateLimitItem, *key: str) -> float:
        """Where Redis does not answer, this process counts for itself: limits go on, and so does the server."""
        if self._shared:
            try:
                return await self._shared.hit(rate, *key)
            except NotShared as error:
                log.warning("counting alone: Redis does not answer", extra={"kind": type(error.__cause__).__name__})
        return self._counts.hit(rate, *key)


class Limits:
    """Counts every request by the address that it comes from."""

    def __init__(self, app: ASGIApp, limiter: Limiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(NOT_COUNTED):
            await self._limiter.count_address(_bucket(scope), client_of(HTTPConnection(scope)))
        await self._app(scope, receive, send)


def _bucket(scope: Scope) -> Bucket:
    for bucket in BUCKETS:
        if scope["method"] in bucket.methods and scope["path"].startswith(bucket.paths):
            return bucket
    return DEFAULT


def _rate(text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as exc:
        raise Refused(f"{text!r} is not a rate.", hint="Use 300/minute.") from exc


def _shared(storage: str) -> SharedCounts | None:
    if storage.startswith("memory://"):
        return None
    if not storage.startswith(("redis://", "rediss://")):
        raise Refused("rate_limit_storage is memory:// or redis://host:port.")
    if find_spec("redis") is None:
        raise Refused("Counting in Redis needs the package redis.", hint="pip install redis")
    return SharedCounts(storage)
