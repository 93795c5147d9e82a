"""Marks become links to what they cite, or vanish; everything else stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.sources.chatgpt.citations import has_marks, resolve, sources
from tests.sources.chatgpt.reading import read_message

CITE = "\ue200cite\ue202turn0search0\ue201"


def reference(**more: Any) -> dict[str, Any]:
    return {"content_references": [{"type": "grouped_webpages", "matched_text": CITE, **more}]}


PAGE = {"title": "A page", "url": "https://a.org"}


@pytest.mark.parametrize(
    ("written", "metadata", "expected"),
    [
        (f"True. {CITE}", reference(items=[PAGE]), "True. ([A page](https://a.org))"),
        (f"True.{CITE} More", reference(items=[PAGE]), "True. ([A page](https://a.org)) More"),
        (
            f"True {CITE}.",
            reference(items=[{**PAGE, "supporting_websites": [{"title": "B", "url": "https://b.org"}]}]),
            "True ([A page](https://a.org), [B](https://b.org)).",
        ),
        (f"True {CITE}", reference(fallback_items=[PAGE]), "True ([A page](https://a.org))"),
        (f"True {CITE}", reference(alt="see there"), "True see there"),
        (f"True {CITE}.", {}, "True."),
        (f"True {CITE}", reference(items=[{"title": "x", "url": "javascript:alert(1)"}]), "True"),
        ("Old【12†source】.", {}, "Old."),
        ("Keep 【这个】 and †", {}, "Keep 【这个】 and †"),
        ("A \ue203span\ue204 of words", {}, "A span of words"),
        ('In \ue200entity\ue202["city","Paris","France"]\ue201 now', {}, "In Paris now"),
        ("See \ue200url\ue202Docs\ue202https://d.org\ue201", {}, "See [Docs](https://d.org)"),
        ("Cut \ue200cite\ue202turn0sea\nnext line", {}, "Cut\nnext line"),
        ("Broken îˆ€citeîˆ‚turn0search0îˆ\x81 copy", {}, "Broken copy"),
        ("Broken îˆ€citeîˆ‚turn0search0îˆ copy", {}, "Broken copy"),
        ("Naïve îles", {}, "Naïve îles"),
    ],
)
def test_a_mark_is_replaced(written: str, metadata: dict[str, Any], expected: str) -> None:
    assert resolve(written, metadata) == expected


def test_equal_marks_are_told_apart_by_their_offsets_in_the_raw_text() -> None:
    written = "One【1†source】 \U0001f600 two【1†source】"
    starts = [written.index("【"), written.rindex("【")]
    citations = [
        {"start_ix": start, "end_ix": start + 10, "metadata": {"title": title, "url": f"https://{title}.org"}}
        for start, title in zip(starts, "ab", strict=True)
    ]
    expected = "One ([a](https://a.org)) \U0001f600 two ([b](https://b.org))"
    assert resolve(written, {"citations": citations}) == expected


def test_every_source_is_listed_once() -> None:
    metadata = {
        **reference(items=[PAGE, {"title": "B", "url": "https://b.org"}]),
        "citations": [{"metadata": PAGE}, {"metadata": {"title": "mail", "url": "mailto:x"}}],
    }
    assert sources(metadata) == [PAGE, {"title": "B", "url": "https://b.org"}]


@given(st.text(st.sampled_from("ab \n【】†1\ue200\ue201\ue202\ue203îˆ€‚")))
def test_no_private_use_character_is_left_and_a_second_pass_finds_none(written: str) -> None:
    resolved = resolve(written, {})
    assert not any(0xE200 <= ord(letter) <= 0xE206 for letter in resolved)


@given(st.text())
def test_a_text_without_marks_is_left_alone(written: str) -> None:
    if not has_marks(written):
        assert resolve(written, reference(items=[PAGE])) == written


def test_a_source_that_no_mark_leads_to_is_kept_with_the_message() -> None:
    told = read_message("So it is.", metadata={"content_references": [{"type": "sources_footnote", "sources": [PAGE]}]})
    assert (told.text, told.extra["sources"]) == ("So it is.", [PAGE])
