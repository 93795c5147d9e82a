"""Poke: a digest of a thousand is one request, and single messages use the rate that is allowed.

    python -m benchmarks.poke           1,000 messages at 600 a minute
    python -m benchmarks.poke --quick   150

The fake Poke answers after 5 ms. The floor is (messages - 1) / rate.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PER_MINUTE = 600
TARGETS = {"digest": 1, "rate": 0.95}


def send(poke: Any, folder: Path, count: int, **settings: Any) -> float:
    """Seconds to tell of so many conversations, in chunks as a run has them."""
    from commonplace.archive.ledger import ArchiveLedger
    from commonplace.archive.opening import open_archive
    from commonplace.destinations.poke import PokeSettings, open_poke
    from tests.destinations.documents import document

    chosen = PokeSettings(
        api_key=poke.key, base_url=poke.base_url, allow_loopback=True, requests_per_minute=PER_MINUTE, **settings
    )
    with open_archive(f"sqlite:///{folder / 'archive.db'}") as archive:
        destination = open_poke(chosen)
        ledger = ArchiveLedger(archive, destination.instance)
        batches = [
            [document(str(n), f"Title {n}") for n in range(at, min(at + 25, count))] for at in range(0, count, 25)
        ]
        started = time.monotonic()
        for batch in batches:
            destination.write(batch, ledger)
        destination.finish([], ledger)
        took = time.monotonic() - started
        destination.close()
    return took


def main() -> int:
    from tests.fakes.poke import FakePoke

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 150 if parser.parse_args().quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        with FakePoke(latency_seconds=0.005) as poke:
            send(poke, Path(folder), 1000, recipient="digest")
            requests = len(poke.requests)
        with FakePoke(latency_seconds=0.005) as poke:
            send(poke, Path(folder), count, recipient="each", mode="each", most_messages=count)
            took = poke.moments[-1] - poke.moments[0]
    share = (count - 1) * 60 / PER_MINUTE / took
    print(f"a digest of 1,000: {requests} request (target {TARGETS['digest']})")
    print(f"{count:,} single messages: {share:.1%} of the allowed rate (target {TARGETS['rate']:.0%})")
    return 0 if requests == TARGETS["digest"] and share >= TARGETS["rate"] else 1


if __name__ == "__main__":
    sys.exit(main())
