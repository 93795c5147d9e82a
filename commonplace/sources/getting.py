"""How one gets at what a source reads: where an assistant is asked for an export and what its mail about it is like,
and where agents keep their histories on this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from commonplace.errors import Refused
from commonplace.sources.registry import sources

Variable = Callable[[str], str | None]
"""What a variable of the environment is set to."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """How an assistant is asked for an export."""

    page: str
    """Where one clicks, signed in."""
    answers_within_days: int = 7
    """So long it may take until the mail with the link comes; 0: no mail, the file comes at once."""
    link_hours: int = 24
    """So long its link works."""
    senders: frozenset[str] = frozenset()
    """The domains that its mail is from, and those within them."""
    hosts: frozenset[str] = frozenset()
    """The domains that its link leads to, and those within them."""


ASKING: dict[str, Asking] = {
    "chatgpt": Asking(
        page="https://chatgpt.com/#settings/DataControls",
        senders=frozenset({"openai.com"}),
        hosts=frozenset({"chatgpt.com", "openai.com", "oaiusercontent.com", "proddatamgmtqueue.blob.core.windows.net"}),
    ),
    "claude": Asking(
        page="https://claude.ai/settings/data-privacy-controls",
        answers_within_days=1,
        senders=frozenset({"anthropic.com", "claude.ai", "claude.com"}),
        hosts=frozenset({"anthropic.com", "claude.ai", "claude.com"}),
    ),
    "gemini": Asking(
        page="https://takeout.google.com/settings/takeout/custom/my_activity",
        answers_within_days=3,
        link_hours=7 * 24,
        senders=frozenset({"google.com"}),
        hosts=frozenset({"takeout.google.com"}),
    ),
    "grok": Asking(page="https://accounts.x.ai/data", answers_within_days=1),
    "lechat": Asking(page="https://admin.mistral.ai/account/export", answers_within_days=0),
    "deepseek": Asking(page="https://chat.deepseek.com", answers_within_days=0),
}
"""By source. The others have no page that could be named."""


class History(msgspec.Struct, frozen=True):
    """Where an agent keeps its sessions, a file for each."""

    variable: str
    """The variable that names its folder,"""
    default: str
    """and where that is otherwise."""
    within: tuple[str, ...]
    """The folders of it that hold sessions."""


HISTORIES: dict[str, History] = {
    "claude_code": History("CLAUDE_CONFIG_DIR", ".claude", ("projects",)),
    "codex": History("CODEX_HOME", ".codex", ("sessions", "archived_sessions")),
}
SESSIONS = ".jsonl"
"""How the name of a session's file ends. The same folders hold other things, which change all the time."""


def folders_of_history(name: str, variable: Variable) -> list[Path]:
    """The folders of an agent's sessions, whether they are there or not."""
    if name not in HISTORIES:
        raise Refused(
            f"[watch] histories names {name!r}, whose place is not known.", hint=f"Known are: {', '.join(HISTORIES)}."
        )
    about = HISTORIES[name]
    root = Path(variable(about.variable) or Path.home() / about.default).expanduser()
    return [root / folder for folder in about.within]


def title_of(source: str) -> str:
    """What people call it."""
    return next((each.title for each in sources() if each.name == source), source)


def is_within(host: str, domains: frozenset[str]) -> bool:
    """Whether a name is one of these domains or in one of them."""
    name = host.lower().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)
