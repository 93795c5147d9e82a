"""File names: readable, and accepted everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.destinations.markdown.names import (
    MAX_BYTES,
    attachment_name,
    key,
    link_target,
    safe_name,
    short_id,
    with_suffix,
)
from commonplace.model import Attachment


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ('A/B: what? *now* <x>|"y" #tag ^[z]', "A B what now x y tag z"),
        ("  .hidden.  ", "hidden"),
        ("con", "con_"),
        ("NUL.txt", "NUL_.txt"),
        ("COM¹", "COM¹_"),
        ("console", "console"),
        ("safe\u202etxt.exe", "safetxt.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("family 👨\u200d👩\u200d👧", "family 👨\u200d👩\u200d👧"),
        ("e\u0301te\u0301", "été"),
        ("", "Untitled"),
        ("///", "Untitled"),
        ("\ud800", "Untitled"),
        ("line\nbreak\ttab", "line break tab"),
        ("word " * 40, ("word " * 24).strip()),
        ("漢" * 100, "漢" * (MAX_BYTES // 3)),
    ],
)
def test_titles_become_names(title: str, name: str) -> None:
    assert safe_name(title) == name


@given(st.text())
def test_every_system_accepts_every_name(title: str) -> None:
    name = safe_name(title)
    assert name
    assert len(name.encode()) <= MAX_BYTES + 1
    assert not set('\\/:*?"<>|#^[]') & set(name)
    assert name == name.strip(" .")
    assert name.isprintable() or "\u200d" in name or "\u200c" in name
    assert safe_name(name) == name or name.endswith("_")


def test_names_that_some_disk_takes_for_one_are_one() -> None:
    assert key("Straße") == key("STRASSE")
    assert key("e\u0301") == key("É")


def test_suffixes_links_and_ids() -> None:
    assert with_suffix("Title", short_id("chatgpt:6707a308-1234")) == "Title (6707a308)"
    assert short_id("omi:..") == "other"
    assert link_target("a b/(c) [d]#1.md") == "a%20b/%28c%29%20%5Bd%5D%231.md"


@pytest.mark.parametrize(
    ("attachment", "name"),
    [
        (Attachment(id="1", name="My pic.PNG"), "My pic-aaaaaaaaaa.PNG"),
        (Attachment(id="1", name="../../etc/passwd"), "passwd-aaaaaaaaaa"),
        (Attachment(id="1", name="C:\\x\\y.pdf"), "y-aaaaaaaaaa.pdf"),
        (Attachment(id="1", kind="image", mime_type="image/png"), "image-aaaaaaaaaa.png"),
        (Attachment(id="1", name="no.extension at all"), "no.extension at all-aaaaaaaaaa"),
        (Attachment(id="1", name="x" * 300 + ".txt"), "x" * 80 + "-aaaaaaaaaa.txt"),
    ],
)
def test_attachments_are_named_by_content(attachment: Attachment, name: str) -> None:
    assert attachment_name(attachment, "a" * 64) == name


@pytest.mark.parametrize("title", ["con", "con.txt", "Aux .md", "lpt1.tar.gz", "COM¹.x"])
def test_no_name_is_a_device_of_windows_whatever_its_ending(title: str) -> None:
    assert safe_name(title).partition(".")[0].rstrip().casefold() not in {"con", "aux", "lpt1", "com¹"}
