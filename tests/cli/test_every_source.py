"""What commands say of other assistants' conversations does not name ChatGPT, and a second import changes nothing."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.generated.chats import Writer
from benchmarks.generated.sources import KINDS, talks
from commonplace.cli import app
from commonplace.cli.output import Output
from tests.fakes.exports import write_folder

OTHERS = sorted(set(KINDS) - {"chatgpt_compliance"})


def say(*arguments: object) -> str:
    """All that a person reads."""
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    Output.as_json = False
    return ended.output


def test_all_are_imported_found_shown_and_exported_without_a_word_of_chatgpt(tmp_path: Path) -> None:
    told = list(islice(talks(Writer(7, "trimmed")), 2))
    exports = [
        write_folder(tmp_path / source, {**KINDS[source].write(0, told), "notes.xyz": b"something else"})
        for source in OTHERS
    ]
    said = [say("import", "--direct", *exports), say("stats"), say("stats", "--by", "source"), say("projects", "list")]
    again = json.loads(say("import", "--direct", *exports, "--json"))
    assert again["read"] == again["unchanged"] >= len(OTHERS)
    assert [file["source"] for file in again["files"]] == OTHERS

    for export in exports:
        found = json.loads(say("search", "the", "--source", export.name, "--json"))["results"]
        assert found, export.name
    said.append(say("show", found[0]["id"]))
    for format in ("markdown", "html", "jsonl"):
        said.append(say("export", "--format", format, "--output", tmp_path / f"out.{format}"))
        said.append((tmp_path / f"out.{format}").read_text())

    for export in exports:
        first = min(file for file in export.rglob("*") if file.suffix != ".xyz" and file.is_file())
        first.write_bytes(first.read_bytes()[:-40])
    said.append(say("import", "--direct", *exports))
    assert [one for one in said if "chatgpt" in one.casefold()] == []
