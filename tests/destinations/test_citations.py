"""What a message cites is on the page and in the note, also where no mark in its text led to it."""

from __future__ import annotations

from commonplace.destinations.citations import sources_in_markdown, unlinked_sources
from commonplace.model import Message

SOURCES = [
    {"title": "A [page]", "url": "https://a.org/x (1)"},
    {"title": "", "url": "https://b.org"},
    {"title": "mail", "url": "mailto:x@a.org"},
]


def message(text: str, sources: object = SOURCES) -> Message:
    return Message(id="m", role="assistant", text=text, extra={"sources": sources})


def test_sources_that_the_text_does_not_link_are_listed() -> None:
    listed = "- [A \\[page\\]](https://a.org/x%20%281%29)\n- [https://b.org](https://b.org)"
    assert sources_in_markdown(message("So it is.")) == listed
    linked = "So it is ([A page](https://a.org/x%20%281%29), [B](https://b.org))."
    assert unlinked_sources(message(linked)) == []


def test_what_is_no_list_of_sources_adds_nothing() -> None:
    for told in (None, "x", [None, 7, {"url": 7}, {"title": "t"}]):
        assert sources_in_markdown(message("So it is.", told)) == ""
