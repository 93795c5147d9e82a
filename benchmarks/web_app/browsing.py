"""What a browser sees: bytes, first paint, and how soon what is typed is found."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.measuring.verdicts import mark
from benchmarks.web_app.pages import PATHS
from benchmarks.web_app.serving import COOKIE, Served
from commonplace.web.pages.conversations import A_PAGE, MARKS
from commonplace.web.pages.rendering import STATIC

FIRST_BYTES, NEXT_BYTES, SCRIPT_BYTES = 150_000, 40_000, 60_000
SLOWER = 4
PAINTED = ("/", "/conversations", "/conversations/chatgpt:00000007", "/review", "/insights")
PAINT_RATIO = 2.0
TYPED = ("of the first", "and with that", "would have been")
TYPING_MS = 60
KEY_MS = 110
"""Between two letters, as somebody types who knows how."""
LISTEN = """() => {
  const typed = document.getElementById("q");
  const told = window.told = { at: 0, pressed: 0, stale: 0 };
  typed.addEventListener("input", () => { told.pressed = performance.now(); told.at = 0; }, true);
  new MutationObserver(() => {
    told.at = performance.now();
    if (new URLSearchParams(location.search).get("q") !== typed.value) told.stale += 1;
  }).observe(document.getElementById("found"), { childList: true });
}"""


@contextmanager
def browsing(served: Served) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield browser
        browser.close()


def logged_in(browser: Browser, served: Served) -> Page:
    context = browser.new_context()
    context.add_cookies([{"name": COOKIE, "value": served.token, "url": served.url}])
    return context.new_page()


def transferred(served: Served, rounds: int) -> None:
    """Of each page as the first that a browser sees, and after another one."""
    first, later = {}, {}
    with browsing(served) as browser:
        for path in PATHS:
            first[path] = _bytes(logged_in(browser, served), served.url + path)
        page = logged_in(browser, served)
        _bytes(page, served.url + PATHS[1])
        for path in PATHS:
            later[path] = _bytes(page, served.url + path)
    script = sum(file.stat().st_size for file in STATIC.glob("*.js"))
    print()
    for what, sizes, most in (("first", first, FIRST_BYTES), ("next", later, NEXT_BYTES)):
        path = max(sizes, key=lambda path: sizes[path])
        _say(f"bytes of a {what} page, the largest ({path})", sizes[path], most)
    _say("bytes of script in all", script, SCRIPT_BYTES)


def _bytes(page: Page, address: str) -> int:
    """What came over the line until nothing more was asked for."""
    line = page.context.new_cdp_session(page)
    total = 0

    def count(told: Any) -> None:
        nonlocal total
        total += int(told["encodedDataLength"])

    line.send("Network.enable")
    line.on("Network.loadingFinished", count)
    page.goto(address, wait_until="networkidle")
    line.detach()
    return total


def painting(served: Served, rounds: int) -> None:
    """From asking for a page to its first paint."""
    print()
    with browsing(served) as browser:
        page = logged_in(browser, served)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        for path in PAINTED:
            page.goto(served.url + path)
            size = len(page.content().encode())
            ours, still = [], []
            for _ in range(max(5, rounds // 3)):
                ours.append(_painted(page, served.url + path))
                still.append(_painted(page, f"{served.url}/still/{size}"))
            told = [statistics.median(times) for times in (ours, still)]
            _say(f"first paint of {path}, {told[0]:.0f} of {told[1]:.0f} ms", told[0] / told[1], PAINT_RATIO)


def _painted(page: Page, address: str) -> float:
    """Milliseconds from the first byte of the reply, so that what the page asks the library is not in it."""
    page.goto(address, wait_until="load")
    found = page.wait_for_function(
        "() => { const [at] = performance.getEntriesByName('first-contentful-paint');"
        " return at && at.startTime - performance.getEntriesByType('navigation')[0].responseStart; }"
    )
    return float(found.json_value())


def typing(served: Served, rounds: int) -> None:
    """From the last letter to what is found, less the search itself."""
    reader = served.server.readers.of(served.server.archive.owner)
    late, searched, stale = [], [], 0
    with browsing(served) as browser:
        page = logged_in(browser, served)
        for _ in range(max(3, rounds // 6)):
            for words in TYPED:
                page.goto(f"{served.url}/conversations?mode=words", wait_until="networkidle")
                page.evaluate(LISTEN)
                page.locator("#q").press_sequentially(words, delay=KEY_MS)
                page.wait_for_function("() => told.at > told.pressed", timeout=60_000)
                told = page.evaluate("() => told")
                late.append(told["at"] - told["pressed"])
                stale += told["stale"]
                started = time.perf_counter()
                reader.searcher.search(words, mode="words", limit=A_PAGE, marks=MARKS)
                searched.append((time.perf_counter() - started) * 1_000)
    found, alone = statistics.median(late), statistics.median(searched)
    print()
    _say(
        f"ms from the last letter to what is found ({found:.0f}), less the search ({alone:.0f})",
        found - alone,
        TYPING_MS,
    )
    _say("stale results shown", stale, 0)


def _say(what: str, value: float, most: float) -> None:
    shown = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    print(f"  {mark(value <= most)} {what}: {shown} (at most {most:,g})")
