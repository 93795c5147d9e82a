"""Run the application on a socket until it is told to stop; what is under way is finished first."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from commonplace.errors import Refused
from commonplace.web.arriving.straight import Protocol
from commonplace.web.settings import WebSettings

DRAIN_SECONDS = 10
NEW_OBJECTS = 20_000
"""So many are made before the youngest are looked through for garbage: those of some requests, and a few megabytes."""


def listen(web: WebSettings) -> socket.socket:
    """The socket, bound. Port 0 is any that is free."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as exc:
        raise Refused(f"There is no address {web.host!r} to listen on.") from exc
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as exc:
        listener.close()
        raise Refused(
            f"Port {web.port} is in use or not permitted.", hint="Set another `port` under [server], or --port."
        ) from exc
    return listener


def serve(app: FastAPI, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Answer requests until SIGTERM or Ctrl-C. `on_ready` is called once the first one would be answered."""
    collect_seldom()
    with closing(listener), _signals_are_no_failure():
        runner(app, on_ready).run(sockets=[listener])


def runner(app: ASGIApp, on_ready: Callable[[], None]) -> uvicorn.Server:
    """What runs the application: no log of its own, no trust in headers, and a bounded end."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http=Protocol,
        ws="none",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return _Server(config, on_ready)


def collect_seldom() -> None:
    """What was made until now is no garbage, and to look through all of it would keep a request waiting for a tenth of
    a second. What a request makes goes with it; the few circles in it can wait until there are more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


@contextmanager
def _signals_are_no_failure() -> Iterator[None]:
    """Uvicorn drains, and then hands the signal on to whom it found in charge: us, who had asked for just that."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()
