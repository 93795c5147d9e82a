"""What is forgotten is nowhere under the home any more, as a person uses the commands."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
from tests.fakes.exports import chain, conversation, message, write_zip

SECRET, EARLIER, KEPT = "zyzzyvaquartz", "quokkavermilion", "marmaladefjord"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMMONPLACE_HOME", str(tmp_path / "home"))
    (tmp_path / "commonplace.toml").write_text('[destinations.markdown]\nfolder = "notes"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def run() -> Run:
    def run_command(*arguments: str | Path) -> dict[str, Any]:
        Output.as_json = False
        ended = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
        Output.as_json = False
        assert ended.exit_code == 0, ended.stdout
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    return run_command


def _export(path: Path, key: str, word: str, said: str, at: float) -> Path:
    """One conversation that says a word wherever an export can: title, texts, a picture's name and bytes."""
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": f"file-service://file-{key}AbCdEf"}
    shown = {"content_type": "multimodal_text", "parts": [pointer, f"{said} and a picture of {word}"]}
    attached = {"attachments": [{"id": f"file-{key}Lost", "name": f"{word}.pdf"}]}
    mapping = chain(
        message("m-1", shown, at=at, metadata=attached),
        message("m-2", {"content_type": "text", "parts": [f"About {word}: {said}."]}, role="assistant", at=at + 1),
    )
    title = f"[{word.capitalize()}] everything about {word}"
    told = conversation(mapping, key=key, title=title, update_time=at + 2)
    return write_zip(path, {"conversations.json": [told], f"file-{key}AbCdEf-{word}.png": f"\x89PNG {word}".encode()})


def _everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, its name included, and what is packed into it."""
    for path in sorted(folder.rglob("*")):
        yield str(path), str(path).encode()
        if path.is_file():
            yield str(path), path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    yield from ((f"{path}: {name}", packed.read(name)) for name in packed.namelist())


def _places(folder: Path, word: str) -> list[str]:
    return [place for place, content in _everything(folder) if word.encode() in content.lower()]


def test_no_byte_of_what_was_forgotten_is_under_the_home(home: Path, run: Run, tmp_path: Path) -> None:
    for key, word in (("gone", SECRET), ("kept", KEPT)):
        said = EARLIER if key == "gone" else word
        run("import", "--direct", _export(tmp_path / f"{key}-1.zip", key, word, said, 1_700_000_000.0))
        run("import", "--direct", _export(tmp_path / f"{key}-2.zip", key, word, word, 1_710_000_000.0))
        for path in tmp_path.glob(f"{key}-*.zip"):
            path.unlink()
    run("categorize", "--direct")
    for key, word in (("gone", SECRET), ("kept", KEPT)):
        run("review", key, "--category", "Health & Fitness", "--tags", word, "--title", f"Mine: {word}")
    run("taxonomy", "learn")
    run("map", "--direct")
    run("sync", "markdown", "--direct")
    run("search", SECRET)
    run("backup", home / "backups" / "2024.commonplace", "--files")
    for word in (SECRET, EARLIER, KEPT):
        assert _places(home, word), "it has to be there before it can go"

    told = run("forget", "gone", "--purge-exports", "--renew-backups", "--yes")
    assert (len(told["conversation_ids"]), told["copies"], told["copies_removed"]) == (1, [], 1)
    assert told["is_rewritten"]
    assert told["still_at"] == {next(iter(told["still_at"])): 1}
    assert _places(home, SECRET) == []
    assert _places(home, EARLIER) == [], "an earlier state of a message"
    assert _places(home, KEPT)
    assert run("search", KEPT)["total"] == 1
    assert run("verify")["ok"]
    assert len(list((home / "backups").iterdir())) == 1


def test_copies_that_forget_nothing_are_named(home: Path, run: Run, tmp_path: Path) -> None:
    run("import", "--direct", _export(tmp_path / "1.zip", "gone", SECRET, SECRET, 1_700_000_000.0))
    run("backup", home / "backups" / "2024.commonplace")
    (home / "backups" / "before-0002.db").write_bytes(b"an older archive")
    told = run("forget", "gone", "--yes")
    assert told["copies"] == ["2024.commonplace", "before-0002.db"]
    assert (told["exports_kept"], told["copies_removed"]) == (1, 0)
    run("restore", home / "backups" / "2024.commonplace", "--force")
    assert run("search", SECRET)["total"] == 0, "a backup from before does not bring it back"
