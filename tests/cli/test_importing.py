"""What `commonplace import` says of what it could not, or not quite, take in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.errors import Refused
from commonplace.stages.importing.inspection import fingerprint
from tests.fakes.exports import chain, conversation, message, write_zip


def run(*arguments: object) -> tuple[int, str, str]:
    """The exit code, what programs read, and what people read beside it."""
    result = CliRunner().invoke(app, [str(argument) for argument in ("import", "--direct", *arguments)])
    Output.as_json = False
    return result.exit_code, result.stdout, result.stderr


WRONG = {
    "absent.zip": (None, "is not there"),
    "numbers.json": (b"[1, 2, 3]", "no conversations that Commonplace recognises"),
    "page.json": (b'{"data": [{"a": 1}]}', "no conversations that Commonplace recognises"),
    "mine.json": (
        b'[{"header": "Search", "title": "x", "time": "2026"}]',
        "no conversations that Commonplace recognises",
    ),
    "empty.zip": (b"", "is empty"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_imported_is_told_with_the_right_reason(tmp_path: Path, name: str) -> None:
    data, reason = WRONG[name]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, _, told = run(tmp_path / name)
    assert code == 1
    assert reason in told
    code, told, _ = run(tmp_path / name, "--json")
    assert code == 1
    assert reason in json.loads(told)["error"]


def test_an_absent_file_among_others_costs_them_nothing(tmp_path: Path) -> None:
    good = write_zip(tmp_path / "good.zip", {"conversations.json": [conversation()]})
    code, told, _ = run(good, tmp_path / "absent.zip", "--json")
    report = json.loads(told)
    assert (code, report["new"], report["failed"]) == (1, 1, 1)
    assert report["defects"][0]["file"] == "absent.zip"


def test_a_run_refuses_an_absent_file_as_the_command_does(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not there"):
        fingerprint(tmp_path / "absent.zip")


def test_people_and_programs_are_told_what_was_left_out_and_what_is_unfamiliar(tmp_path: Path) -> None:
    attached = [{"id": f"file-{number:08}"} for number in range(25)]
    told = message("m-1", {"content_type": "hologram", "beam": "kept words"}, metadata={"attachments": attached})
    files = {"conversations.json": [conversation(chain(told))], "sora.json": {"videos": [{"prompt": "a kite"}]}}
    path = write_zip(tmp_path / "x.zip", files)
    code, _, said = run(path)
    assert code == 0
    assert "Left out, not read by this version: sora.json\n" in said.replace("\n ", " ")
    assert "file-00000019, 5 more" in said.replace("\n", " ")
    assert "hologram.beam (1)" in said
    (tmp_path / "again").mkdir()
    other = write_zip(tmp_path / "again" / "y.zip", {**files, "notes.txt": b"1"})
    report = json.loads(run(other, "--json")[1])
    assert {"name": "sora.json", "reason": "not read by this version", "count": 1} in report["left_out"]


def test_beyond_the_defects_that_are_shown_there_are_so_many_more(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"conversations.json": [*[{}] * 1050, conversation()]})
    code, _, said = run(path)
    assert code == 1
    assert said.count("neither an id nor a message") == 20
    assert "and 1,030 more" in said
