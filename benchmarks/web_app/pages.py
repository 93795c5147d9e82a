"""Each page's time at the server, and how often it asks the database.

What a page asks the library is what its route does before it renders. The rest (the layers, who is logged in, the
template) is held against the same rest of a plain page of that size: the same route asks the library for the same, and
a template of plain rows is filled in instead of the page's own (docs/decisions/035). How much of the allowed time the
whole page takes follows from both. Beside it stands a floor that no template can reach: the page's own bytes, sent
once more.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import routing
from sqlalchemy import event
from starlette.requests import Request

from benchmarks.measuring.verdicts import mark
from benchmarks.web_app.serving import PLAIN, Row, Served, before, rows_of
from commonplace.web import app

MOST_QUERIES = 12
WHO_IS_AT_WORK = "FROM leases"
"""Asked once a second for all pages together. And `BEGIN` asks for nothing."""
PATHS = (
    "/",
    "/import",
    "/conversations",
    "/conversations?q=the+first&mode=words",
    "/conversations?category=Cooking&sort=newest",
    "/conversations/chatgpt:00000007",
    "/review",
    "/projects",
    "/projects/project-7",
    "/categories",
    "/insights",
    "/insights?by=model",
    "/ask",
    "/connect",
    "/account",
)


class Watch:
    """When the last page was begun, came to its route, rendered and was done; how often the database was asked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.began = self.routed = self.rendering = self.done = 0.0
        self.queries = 0
        self.is_plain = False
        """Whether a plain page of `rows` is rendered in the place of the one that is asked for."""
        self.rows: list[Row] = []
        self.has_ended = threading.Event()

    @property
    def library(self) -> float:
        return self.rendering - self.routed

    @property
    def rest(self) -> float:
        return self.done - self.began - self.library

    def get(self, client: httpx.Client, path: str) -> httpx.Response:
        """Ask for a page, and wait until the server is done with it too: its last byte comes before that."""
        self.has_ended.clear()
        reply = client.get(path)
        self.has_ended.wait(60)
        return reply


def measure(served: Served, rounds: int, *, clock: Callable[[], float] = time.perf_counter) -> None:
    """Every page, as often as asked for, in turn. The processor's time tells more than a clock's where a machine has
    other things to do; whoever asks for the pages waits meanwhile, and takes next to none of it."""
    print(f"\n{'page':44}{'bytes':>8}{'queries':>9}{'library':>9}{'rest':>7}{'plain':>7}{'rest/plain':>12}", end="")
    print(f"{'of allowed':>12}{'sent again':>12}{'rest/sent':>11}   ms, p50")
    with watched(served, clock) as watch, served.client() as client:
        for path in PATHS:
            reply = watch.get(client, path)
            if reply.status_code != 200:
                print(f"{path:44}{reply.status_code}")
                continue
            before[path] = reply.text
            _tell(path, client, watch, len(reply.content), rounds)


def _tell(path: str, client: httpx.Client, watch: Watch, size: int, rounds: int) -> None:
    library, ours, plain, again = [], [], [], []
    watch.rows = []
    for _ in range(rounds):
        watch.queries = 0
        watch.get(client, path)
        queries = watch.queries
        library.append(watch.library)
        ours.append(watch.rest)
        watch.is_plain = True
        watch.get(client, path)
        watch.is_plain = False
        plain.append(watch.rest)
        watch.get(client, f"/still?{urlencode({'served': path})}")
        again.append(watch.done - watch.began)
    asked, rest, floor, sent = [statistics.median(times) * 1_000 for times in (library, ours, plain, again)]
    is_met = mark(rest / floor <= 1 and queries <= MOST_QUERIES)
    print(f"{path:44}{size:8,}{queries:9}{asked:9.2f}{rest:7.2f}{floor:7.2f}{rest / floor:12.2f}", end="")
    print(f"{(asked + rest) / (asked + floor):12.3f}", end="")
    print(f"{sent:12.2f}{rest / sent:11.2f}   {is_met}")


@contextmanager
def watched(served: Served, clock: Callable[[], float] = time.perf_counter) -> Iterator[Watch]:
    """Looks on: from a request's arrival to the last byte of its reply, and at the moment a page begins to render."""
    watch = Watch(clock)
    modules: list[Any] = [one for one in vars(app).values() if isinstance(one, ModuleType) and hasattr(one, "render")]
    plain = {module: module.render for module in modules}
    run = routing.run_endpoint_function

    def seen(render: Callable[..., Any]) -> Callable[..., Any]:
        def timed(request: Request, template: str, **values: Any) -> Any:
            watch.rows = watch.rows or rows_of(request, len(render(request, template, **values).body))
            watch.rendering = watch.clock()
            if watch.is_plain:
                return render(request, PLAIN, rows=watch.rows)
            return render(request, template, **values)

        return timed

    async def routed(**values: Any) -> Any:
        watch.routed = watch.clock()
        return await run(**values)

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        watch.queries += statement != "BEGIN" and WHO_IS_AT_WORK not in statement

    stack = served.app.middleware_stack  # type: ignore[attr-defined]

    async def timed_app(scope: Any, receive: Any, send: Any) -> None:
        watch.began = watch.clock()
        await stack(scope, receive, send)
        watch.done = watch.clock()
        watch.has_ended.set()

    engine = served.server.archive.engine
    event.listen(engine, "before_cursor_execute", count)
    for module in modules:
        module.render = seen(plain[module])
    routing.run_endpoint_function = routed
    served.app.middleware_stack = timed_app  # type: ignore[attr-defined]
    try:
        yield watch
    finally:
        served.app.middleware_stack = stack  # type: ignore[attr-defined]
        event.remove(engine, "before_cursor_execute", count)
        for module in modules:
            module.render = plain[module]
        routing.run_endpoint_function = run
