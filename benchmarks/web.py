"""The web app: `python -m benchmarks.web [PART ...] [--conversations N] [--megabytes N] [--runs N] [--processor]`.

    pages    each page's time at the server, beside what it asks the library and a page of that size that asks nothing;
             with --processor the processor's time, for a machine that does other things
    bytes    what a browser transfers for the first page and for those after it, and how much of it is script
    typing   from a letter to what is found, beside the search itself; what was overtaken is never shown
    paint    first paint with the processor slowed four times, beside a static page of that size
    upload   bytes a second, beside a plain copy over the loopback; the memory of the server meanwhile
    tabs     the server's processor time while fifty tabs watch a run
    run      from asking for a run to its first progress on its page, with Prefect and a worker (not unless it is named)

The archive is that of `benchmarks.search`: generated once, kept in `.data/`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

from benchmarks.generated.archive import PER_CONVERSATION, filled
from benchmarks.web_app import browsing, pages, sending, watching
from benchmarks.web_app.serving import serving

IN_ARCHIVE: dict[str, Callable[..., None]] = {
    "pages": pages.measure,
    "bytes": browsing.transferred,
    "typing": browsing.typing,
    "paint": browsing.painting,
}
BY_THEMSELVES = ("upload", "tabs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*IN_ARCHIVE, *BY_THEMSELVES, "run", []])
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--processor", action="store_true")
    options = parser.parse_args()
    parts = options.parts or [*IN_ARCHIVE, *BY_THEMSELVES]
    clock = {"clock": time.process_time} if options.processor else {}
    alone: dict[str, Callable[[], None]] = {
        "upload": partial(sending.measure, options.megabytes),
        "tabs": watching.tabs,
        "run": partial(watching.first_progress, options.runs),
    }
    if in_archive := [part for part in parts if part in IN_ARCHIVE]:
        count = options.conversations * PER_CONVERSATION
        with filled(count, postgres=False) as archive, serving(archive) as served:
            for part in in_archive:
                IN_ARCHIVE[part](served, options.rounds, **(clock if part == "pages" else {}))
    for part in parts:
        if part in alone:
            alone[part]()


if __name__ == "__main__":
    main()
