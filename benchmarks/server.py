"""What the server adds to what it is asked for: `python -m benchmarks.server [--quick] [--postgres]`.

    webhook    100 deliveries a second while an export is imported (benchmarks/servers/webhooks.py)
    reading    list, fetch and search over HTTP in a large archive, beside the library's own calls; what it takes to
               check a token; what the server holds after many requests
    start      until `serve` answers, beside `commonplace stats`

The floor is a bare application with bodies of the same size on the same server, asked in turns in the same run. With
`--postgres` the archive and its inbox are on PostgreSQL.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from benchmarks.generated.archive import filled
from benchmarks.generated.kept import DATA
from benchmarks.generated.questions import questions
from benchmarks.measuring.processes import anonymous_bytes
from benchmarks.measuring.verdicts import percentile, verdict
from benchmarks.servers.serving import COMMAND, SERVE, bare, running, serving
from benchmarks.servers.webhooks import webhook
from commonplace.archive.access import clients, grants, tokens
from commonplace.archive.access.clients import Client
from commonplace.archive.conversations.reading import list_conversations, load_filed
from commonplace.archive.core import Archive
from commonplace.config import load
from commonplace.moments import now
from commonplace.session import Session
from commonplace.stages.searching import Searcher

WARM = 1_000
"""So many requests fill what is filled once."""
SEARCHES = ("a rare word", "a middling word", "a common word", "two common words")


class Sizes(NamedTuple):
    """How much is asked."""

    messages: int
    seconds: int
    each: int
    many: int
    starts: int


WHOLE = Sizes(messages=1_000_000, seconds=60, each=300, many=100_000, starts=5)
QUICK = Sizes(messages=100_000, seconds=8, each=60, many=4_000, starts=3)

Ask = tuple[Callable[[], object], str]
"""The library's call, and the path of the same question."""


class Program:
    """One connection that stays open."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._headers = {"authorization": f"Bearer {token}"}

    def get(self, path: str) -> int:
        """How long the answer is."""
        try:
            self._connection.request("GET", path, headers=self._headers)
            reply = self._connection.getresponse()
        except http.client.RemoteDisconnected:  # the other servers took longer than this one keeps an idle connection
            return self.get(path)
        body = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{path}: {reply.status} {body[:200]!r}")
        return len(body)


def reading(sizes: Sizes, *, postgres: bool) -> None:
    """Lists, conversations and searches; a token; memory."""
    with (
        filled(sizes.messages, postgres=postgres) as archive,
        tempfile.TemporaryDirectory(prefix="server-", dir=DATA) as name,
        serving(Path(name), archive.engine.url.render_as_string(hide_password=False)) as server,
        bare() as floor,
    ):
        print(f"\nreading: {sizes.messages:,} messages on {'SQLite' if archive.is_sqlite else 'PostgreSQL'}")
        token = access_token(archive)
        ours, least = Program(server.url, token), Program(floor.url, token)
        settings, environment = load({"COMMONPLACE_HOME": name}, folder=Path(name))
        with closing(Searcher(Session(settings, environment, archive))) as searcher:
            asked = _asked(archive, searcher, sizes.each)
            for what, asks in asked.items():
                _compare(what, asks, ours, least)
        _check_token(archive, token, sizes.each)
        _watch_memory(server.pid, ours, [path for asks in asked.values() for _, path in asks], sizes.many)


def access_token(archive: Archive) -> str:
    """As a program gets one."""
    redirect_uri, moment = "https://program.example/callback", now()
    client = Client(
        id=f"benchmark-{moment}",
        name="A benchmark",
        kind="added",
        redirect_uris=(redirect_uri,),
        scopes="read:archive",
        resources="/api",
        created_at=moment,
    )
    clients.add_client(archive, client)
    code = grants.give(
        archive,
        client,
        client.scopes,
        client.resources,
        redirect_uri=redirect_uri,
        challenge=tokens.challenge_of("v" * 43),
        is_remembered=False,
    )
    told = tokens.exchange_code(archive, code, client_id=client.id, redirect_uri=redirect_uri, verifier="v" * 43)
    return told.access_token


def _asked(archive: Archive, searcher: Searcher, each: int) -> dict[str, list[Ask]]:
    draw = random.Random(5)
    ids = [one.id for one in list_conversations(archive, limit=2_000)]

    def fetch(id: str) -> Ask:
        return lambda: next(load_filed(archive, [id])), f"/api/conversations/{quote(id)}"

    def look_for(words: str) -> Ask:
        path = f"/api/search?q={quote(words)}"
        return lambda: searcher.search(words, mode="hybrid", limit=10, facets=False), path

    listed: Ask = (lambda: list_conversations(archive, limit=26), "/api/conversations")
    drawn = questions(archive, each)
    searched = {f"search, {kind}": [look_for(words) for words, _ in drawn[kind]] for kind in SEARCHES}
    return {"list": [listed] * each, "fetch": [fetch(draw.choice(ids)) for _ in range(each)], **searched}


def _compare(what: str, asks: list[Ask], ours: Program, least: Program) -> None:
    """The library, the server and the floor in turns."""
    times: dict[str, list[float]] = {"library": [], "http": [], "floor": []}
    for call, path in asks:
        call()  # whoever asks first fills the disk's cache for whoever asks next
        length = ours.get(path)
        times["library"].append(_milliseconds(call))
        times["http"].append(_milliseconds(partial(ours.get, path)))
        times["floor"].append(_milliseconds(partial(least.get, f"/?{length}")))
    library, http_, floor = (statistics.median(values) for values in times.values())
    alone = percentile(times["library"], 95) / library
    print(f"  {what}: library {library:.2f} ms, http {http_:.2f} ms, floor {floor:.2f} ms")
    verdict("of (the library's p50 + 3 x the floor's p50)", http_ / (library + 3 * floor), at_most=1)
    verdict(f"x p50 is p95 (the library's: {alone:.1f})", percentile(times["http"], 95) / http_, at_most=3)


def _milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1_000


def _check_token(archive: Archive, token: str, each: int) -> None:
    """How long that takes; that it is one read, by an index, is a test of tests/web/oauth."""
    if tokens.find_token(archive, token) is None:
        raise SystemExit("the token is not good")
    times = [_milliseconds(lambda: tokens.find_token(archive, token)) for _ in range(each)]
    print(f"\ntoken: {statistics.median(times):.2f} ms")


def _watch_memory(pid: int, ours: Program, paths: list[str], many: int) -> None:
    """Ask and ask; how much more the server holds than after the first of it."""
    print(f"\nmemory: {many:,} requests")
    for number in range(WARM + many):
        if number == WARM:
            before = anonymous_bytes(pid)
        ours.get(paths[number % len(paths)])
    verdict(f"of {before / 1e6:.0f} MB after {WARM:,}", anonymous_bytes(pid) / before, at_most=1.05)


def start(rounds: int) -> None:
    """From a cold start, in turns."""
    with tempfile.TemporaryDirectory(prefix="server-", dir=DATA) as name:
        variables = {"COMMONPLACE_HOME": name}
        environment = {**os.environ, **variables}

        def stats() -> None:
            subprocess.run([*COMMAND, "stats", "--json"], env=environment, stdout=subprocess.DEVNULL, check=True)

        def serve() -> float:
            begun = time.perf_counter()
            with running(SERVE, **variables):
                return (time.perf_counter() - begun) * 1_000

        stats()
        times = [(_milliseconds(stats), serve()) for _ in range(rounds)]
    least, ours = (statistics.median(values) for values in zip(*times, strict=True))
    print(f"\nstart: stats {least:,.0f} ms, serve {ours:,.0f} ms")
    verdict("x stats until serve answers", ours / least, at_most=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller, in about a minute")
    parser.add_argument("--postgres", action="store_true", help="the same on PostgreSQL")
    parser.add_argument("--parts", default="webhook,reading,start")
    for name, what in {
        "messages": "in the archive",
        "seconds": "of deliveries",
        "each": "questions of each kind",
    }.items():
        parser.add_argument(f"--{name}", type=int, help=what)
    parser.add_argument("--many", type=int, help="requests before memory is looked at again")
    options = parser.parse_args()
    told = {name: getattr(options, name) for name in Sizes._fields if getattr(options, name, None)}
    sizes = (QUICK if options.quick else WHOLE)._replace(**told)
    DATA.mkdir(exist_ok=True)
    parts = options.parts.split(",")
    if "webhook" in parts:
        webhook(sizes.seconds, postgres=options.postgres)
    if "reading" in parts:
        reading(sizes, postgres=options.postgres)
    if "start" in parts:
        start(sizes.starts)


if __name__ == "__main__":
    main()
