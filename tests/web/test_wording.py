"""The catalogue has every word that pages ask for, and none that nobody asks for."""

from __future__ import annotations

import re
import tomllib

from commonplace.web.pages.rendering import WEB
from commonplace.web.wording import LANGUAGE, WORDS, say, show

BY_NAME = {
    *("told", "layout", "facets", "stages", "judges", "roles", "rules", "ledger", "modes", "sorts", "charts"),
    *(
        "name_sources",
        "project_events",
        "flows",
        "states",
        "counts",
        "judge_names",
        "formats",
        "groups",
        "hook_events",
        "store_states",
    ),
}
"""Pages of the catalogue whose keys are names of something."""
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in [*WEB.rglob("*.html"), *WEB.rglob("*.py")])
KEYS = {
    f"{page}.{name}"
    for page, words in tomllib.loads((WORDS / f"{LANGUAGE}.toml").read_text(encoding="utf-8")).items()
    for name in words
}


def test_every_word_that_is_asked_for_is_there() -> None:
    asked = {key for key in re.findall(r"""say\(\s*["']([a-z_]+\.[a-z_]+)["']""", SOURCES) if not key.endswith("_")}
    assert asked
    assert asked <= {key.split(".one")[0] for key in KEYS} | {key.rpartition(".")[0] for key in KEYS}


def test_no_word_is_left_over() -> None:
    left = {key for key in KEYS if key.split(".")[0] not in BY_NAME and key not in SOURCES and key.split(".")[0] != key}
    by_status = {"run.interrupted", "run.failed"}  # named by what the archive says of an import
    assert {key for key in left if not key.endswith((".one", ".other"))} - by_status == set()


def test_one_and_many_are_told_apart() -> None:
    assert say("found.count", n=1) == "1 conversation"
    assert say("found.count", n=4812) == "4,812 conversations"


def test_values_are_escaped_and_commands_are_code() -> None:
    assert show("found.without", what="<b> `x`") == "Without &lt;b&gt; `x`"
    assert "<code>commonplace up</code>" in show("runs.nobody")
