"""An archive in which every stored field is an attack, and the pages that have to withstand it."""

from __future__ import annotations

import io

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.files.files import ATTACHMENT, put_file
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.projects import registry
from commonplace.archive.search import saved
from commonplace.archive.verdicts.verdicts import correct, record_verdicts
from commonplace.model import Attachment, Conversation, Message, Verdict
from commonplace.stages.mapping import projects
from commonplace.stages.syncing.destinations import keep

ATTACK = (
    "\"><script>alert('x')</script><img src=x onerror=alert(1)><svg onload=alert(2)>"
    "<a href=javascript:alert(3)>go</a>\u202e\u200b{{ 7*7 }}</title></textarea>"
)
"""For fields that are plain text."""
MARKDOWN = "\n\n".join(
    [
        ATTACK,
        "[one](javascript:alert(4)) [two](data:text/html,<script>alert(5)</script>) [three](vbscript:x)",
        "![spy](https://tracker.example/p.png) ![spy](//tracker.example/q.png) <https://elsewhere.example>",
        "<details><summary><img src=x onerror=alert(6)></summary>",
        "\n".join(f"{'  ' * depth}- deep" for depth in range(30)),
        f"{'> ' * 30}deep",
        "```html\n<script>alert(7)</script>",  # never closed
    ]
)
BIDI = "الف \u202e txet desrever \u2066 🏴\u200d☠️" * 3
ID = "chatgpt:hostile"
LONG = "chatgpt:long"
RUN = "01a21592-9efd-7d5b-9e40-ed0503cef7fd"


def fill(archive: Archive) -> None:
    """A few conversations that nobody would want."""
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(8)</script></svg>"
    page = b"<!doctype html><script>alert(9)</script>"
    kept = [put_file(archive, io.BytesIO(body), kind=ATTACHMENT, name="x") for body in (svg, page)]
    files = [
        Attachment(id=f"f{n}", kind="image", name=f"{ATTACK}.svg", mime_type="image/svg+xml", sha256=sha256)
        for n, sha256 in enumerate(kept)
    ]
    said = [
        Message(
            id="a\"'<b> 1", role="user", text=MARKDOWN, author=ATTACK, model=ATTACK, created_at=0, attachments=files
        ),
        Message(
            id="b",
            role="assistant",
            text="| a " * 400 + "|\n" + "|-" * 400 + "|\n\n$$\\frac{" + "{" * 500 + "$$ " + "x" * 60_000 + BIDI,
            parent_id="a\"'<b> 1",
            created_at=253_402_300_799_000_000,  # the end of 9999
            extra={
                "sources": [
                    {"title": ATTACK, "url": "javascript:alert(10)"},
                    {"title": ATTACK, "url": "https://a.example"},
                ]
            },
        ),
        Message(id="c", role="tool", text=ATTACK, parent_id="b", author=ATTACK),
        Message(id="d", role="assistant", text=BIDI, parent_id="b"),
        Message(id="e", role="assistant", text=ATTACK, parent_id="b", is_hidden=True),
    ]
    long = [
        Message(id=f"m{n}", role="user", text=f"message {n}", parent_id=f"m{n - 1}" if n else None, created_at=n)
        for n in range(150)
    ]
    merge(
        archive,
        None,
        [
            Conversation(
                source="chatgpt",
                external_id="hostile",
                title=ATTACK,
                created_at=0,
                updated_at=253_402_300_799_000_000,
                messages=said,
                model=ATTACK,
                url="javascript:alert(11)",
            ),
            Conversation(source="chatgpt", external_id="long", title="Long", updated_at=5, messages=long),
        ],
    )
    record_verdicts(
        archive,
        [
            Verdict(
                conversation_id=id,
                content_hash="",
                category="Coding",
                runner_up=ATTACK,
                confidence=0.2,
                tags=[ATTACK],
                summary=ATTACK,
                taxonomy="everyday",
                taxonomy_hash="",
                judge="local/v2",
                model=ATTACK,
                prompt_version="1",
                insights={"topics": [{"name": ATTACK, "depth": "mentioned"}], "communication_style": ATTACK},
            )
            for id in (ID, LONG)
        ],
        review_below=0.5,
    )
    correct(archive, ID, "tags", [ATTACK, BIDI], origin="cli")
    projects.assign(archive, ATTACK[:60], [ID], new=True)
    keep(archive, "poke", {"base_url": f"https://x.example/{ATTACK}"})
    ArchiveLedger(archive, "poke:x").fail(ID, "", ATTACK)
    ArchiveLedger(archive, "notion:x").done(ID, "", ATTACK, remote_url="javascript:alert(12)")
    ArchiveLedger(archive, "openai:x").uncertain(ID, "", ATTACK)
    saved.save(archive, ATTACK[:90], f"q={ATTACK}")


PAGES = [
    "/",
    "/import",
    "/exports",
    "/runs",
    f"/runs/{RUN}",
    "/conversations",
    "/conversations?q=script+alert&mode=words&sort=newest&hidden=true",
    f"/conversations?q={'%22%3E%3Cscript%3E'}&tag={'%22%3E%3Cscript%3E'}",
    "/conversations?month=9999-12",
    f"/conversations/{ID}",
    f"/conversations/{ID}?hidden=true&leaf=c",
    f"/conversations/{LONG}?page=2",
    "/review",
    "/review?skip=1&said=%3Cb%3E&undo=chatgpt:hostile",
    "/projects?merges=true",
    "/categories?preview=true",
    "/insights",
    "/insights?by=tag&more=true",
    "/conversations?group=topic&sort=newest",
    "/ask?question=%3C/textarea%3E%3Cscript%3E",
    "/destinations?plan=markdown",
    "/destinations/set-up/notion",
    "/destinations/set-up/poke",
    "/destinations/hooks",
    "/connect",
    "/account",
    "/settings",
    "/settings/users",
    "/settings/backups",
]
"""Every page that reads, as a person who is logged in."""


def pages(archive: Archive) -> list[str]:
    """Also those whose addresses are known when the archive is filled."""
    return [*PAGES, *(f"/projects/{id}{part}" for id in registry.names(archive) for part in ("", "/store"))]
