"""The one door to OpenAI and to servers like it: whoever asks there asks through a `Client`.

The SDK never repeats a request here (`max_retries=0`): a repeated question is paid for twice and a repeated write is
done twice, so a caller says which of its requests may be repeated (`patiently`) and which may not (`once`). Both wait
for the key's governor, and both raise our errors only.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from commonplace.config import Environment, Settings
from commonplace.connections import Connections
from commonplace.errors import CommonplaceError, Halt, Retryable
from commonplace.openai.errors import About, NoAnswer, Stopped, broken, named, translated, unreadable
from commonplace.openai.limiter import Governor, Turn, governor_of

if TYPE_CHECKING:
    import ssl

    import httpx2
    from openai import OpenAI as SDK

__all__ = ["SDK", "Account", "Client", "account_of"]

Answer = TypeVar("Answer")

OPENAI_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""Servers at home want no key; the SDK wants one to send."""
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 180.0
REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE = 500, 200_000
"""What a new account at OpenAI may do, until its answers say more."""
TRIES = 6
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
LONGEST_PAUSE = 120.0
"""A service that wants us back later than this is left alone until the next run."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A key at OpenAI, or a server that speaks like it, and what it allows until it says so itself."""

    api_key: str = ""
    base_url: str = ""
    """Empty: OpenAI."""
    needs_address: bool = False
    """For what OpenAI itself is not meant to do."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    processes: int = 1
    """How many processes share what is allowed."""
    timeout: float = ANSWER_SECONDS

    @property
    def identity(self) -> str:
        """A name for what the service limits, without the key in it."""
        return blake2b(f"{self.api_key} {self.base_url}".encode(), digest_size=16).hexdigest()

    def check(self) -> None:
        """`Halt`, with what to do, where there is nobody to ask or no key to show."""
        if not self.base_url and self.needs_address:
            raise Halt(
                "No address is set for the compatible server.",
                hint="Set OPENAI_BASE_URL, for example to http://localhost:11434/v1.",
            )
        if self.base_url and (urlsplit(self.base_url).scheme not in {"http", "https"} or "//" not in self.base_url):
            raise Halt(
                f"OPENAI_BASE_URL is not an address: {self.base_url!r}.",
                hint="It begins with http:// or https://, for example http://localhost:11434/v1.",
            )
        if not self.base_url and not self.api_key.strip():
            raise Halt(
                "There is no OpenAI key.",
                hint="Set OPENAI_API_KEY, or run `commonplace connect openai`; what is `local` needs none.",
            )

    def __repr__(self) -> str:
        return f"Account({self.base_url or OPENAI_URL})"


def account_of(settings: Settings, environment: Environment, *, needs_address: bool = False) -> Account:
    """The account of the settings and the environment. Nothing is missed before it is needed (`Account.check`)."""
    address = environment.get("OPENAI_BASE_URL") or ""
    allowed = settings.openai
    return Account(
        api_key=environment.get("OPENAI_API_KEY") or "",
        base_url=address,
        needs_address=needs_address,
        requests_per_minute=allowed.requests_per_minute or (None if address else REQUESTS_PER_MINUTE),
        tokens_per_minute=allowed.tokens_per_minute or (None if address else TOKENS_PER_MINUTE),
        processes=settings.runs.processes,
        timeout=allowed.timeout_seconds,
    )


class Watch:
    """Told each time that a request is about to go out, and of its end where no answer came. To be inherited from."""

    def sending(self) -> None:
        """It goes out next; what is raised keeps it back."""

    def refused(self) -> None:
        """It was not done."""

    def lost(self) -> None:
        """It may have been done."""


class Client:
    """Asks as one account, for any number of threads. It connects when there is something to ask.

    `check` is asked right before each request, and raises what keeps it from going out.
    """

    def __init__(
        self,
        account: Account,
        *,
        check: Callable[[], None] = lambda: None,
        governor: Governor | None = None,
        tries: int = TRIES,
        first_delay: float = FIRST_DELAY,
    ) -> None:
        self.account = account
        self._check = check
        self.governor = governor or governor_of(
            account.identity, account.requests_per_minute, account.tokens_per_minute, processes=account.processes
        )
        self._tries = tries
        self._first_delay = first_delay
        self._opened: SDK | None = None
        self._opening = threading.Lock()
        self._here = threading.local()
        self._connections = Connections()
        self.requests_sent = 0

    def sdk(self) -> SDK:
        """The SDK itself, for what is not asked through here."""
        with self._opening:
            if self._opened is None:
                self._opened = _opened(self.account, self._arm, self._heard)
            return self._opened

    def call(self, about: About, request: Callable[[SDK], Answer]) -> Answer:
        """Make a request, or read on in a stream, at once and once; only our errors come out."""
        sdk = self.sdk()
        import httpx2
        import openai

        try:
            answer = request(sdk)
        except openai.OpenAIError as exc:
            ours = translated(exc, about, key=self.account.api_key.strip())
        except httpx2.HTTPError:
            ours = broken(about)
        except (json.JSONDecodeError, UnicodeDecodeError, msgspec.MsgspecError):
            ours = unreadable(about)
        else:
            if not isinstance(answer, str):  # which is what the SDK makes of a page that is no JSON
                return answer
            ours = unreadable(about)
        # Out here, so that theirs is not even the context of ours.
        raise ours

    def once(
        self,
        about: About,
        request: Callable[[SDK], Answer],
        *,
        tokens: float = 0,
        used: Callable[[Answer], float | None] = lambda _answer: None,
        stop: threading.Event | None = None,
        watch: Watch = Watch(),
    ) -> Answer:
        """Make a request when the account's limits allow, and never again: for whatever must not be done twice.

        `tokens` is what it will probably take, `used` tells from the answer what it took. `Stopped` where `stop` was
        set before it could go out.
        """
        turn = self.governor.acquire(tokens, stop or threading.Event(), about.model)
        if turn is None:
            raise Stopped("The run stopped before this was asked.")
        with self._opening:
            self.requests_sent += 1
        self._here.turn, taken = turn, None
        try:
            self._check()
            watch.sending()
            answer = self._watched(about, request, watch)
            taken = used(answer)
            return answer
        except Retryable as exc:
            if exc.retry_after is not None and exc.retry_after <= LONGEST_PAUSE:
                self.governor.pause(exc.retry_after)
            raise
        finally:
            self._here.turn = None
            turn.settle(taken)

    def patiently(
        self,
        about: About,
        request: Callable[[SDK], Answer],
        *,
        tokens: float = 0,
        used: Callable[[Answer], float | None] = lambda _answer: None,
        stop: threading.Event | None = None,
        watch: Watch = Watch(),
    ) -> Answer:
        """The same, again and again while it may work later: for what changes nothing at the service."""
        stop = stop or threading.Event()
        for attempt in range(1, self._tries):
            try:
                return self.once(about, request, tokens=tokens, used=used, stop=stop, watch=watch)
            except Retryable as exc:
                if isinstance(exc, Stopped) or (exc.retry_after or 0) > LONGEST_PAUSE:
                    raise
                delay = 0.0 if exc.retry_after is not None else self._delay(attempt)
            stop.wait(delay)
        return self.once(about, request, tokens=tokens, used=used, stop=stop, watch=watch)

    def _watched(self, about: About, request: Callable[[SDK], Answer], watch: Watch) -> Answer:
        try:
            return self.call(about, lambda sdk: whole(request(sdk)))
        except NoAnswer:
            watch.lost()
            raise
        except CommonplaceError:
            watch.refused()
            raise

    def named(self, said: str) -> str:
        """The name of an error, as an answer has it, where it may be told (`errors.named`)."""
        return named(said, self.account.api_key.strip())

    def let_go(self) -> None:
        """Nobody waits any more for what is under way: whoever asked finds that no answer came."""
        self._connections.cut()

    def close(self) -> None:
        with self._opening:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _arm(self, request: httpx2.Request) -> None:
        request.extensions["trace"] = self._connections.traced

    def _heard(self, response: httpx2.Response) -> None:
        """Every answer may name the limits, also one that refuses."""
        turn: Turn | None = getattr(self._here, "turn", None)
        if turn is not None:
            turn.learn(response.headers)

    def _delay(self, attempt: int) -> float:
        """Exponential, with jitter, so that requests that failed together do not return together."""
        jitter = 1 - secrets.randbelow(250) / 1000
        return min(LONGEST_DELAY, self._first_delay * (1 << (attempt - 1))) * jitter


def whole(answer: Answer) -> Answer:
    """The same, if it has what it is known by: an error that came as a success has not, and the SDK does not look."""
    fields, given = getattr(type(answer), "model_fields", {}), getattr(answer, "model_fields_set", ())
    if any(name in fields and name not in given for name in ("id", "data")):
        raise msgspec.ValidationError
    return answer


def _opened(account: Account, arm: Callable[[httpx2.Request], None], heard: Callable[[httpx2.Response], None]) -> SDK:
    account.check()
    import httpx2
    import openai

    timeout = httpx2.Timeout(account.timeout, connect=CONNECT_SECONDS)
    service = openai.OpenAI(
        api_key=account.api_key.strip() or NO_KEY,
        base_url=account.base_url or OPENAI_URL,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultHttpx2Client(
            verify=_trusted(), timeout=timeout, event_hooks={"request": [arm], "response": [heard]}
        ),
    )
    if account.api_key != os.environ.get("OPENAI_API_KEY"):  # the SDK takes what goes with that key from there as well
        service.organization = service.project = None
    return service


@cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe; to read that anew for each client takes longer than to make the client."""
    import httpx2

    return httpx2.create_ssl_context()
