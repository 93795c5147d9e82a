"""`connect`, for every kind of service: what it checks, what it prepares, what it keeps, and what it says."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commonplace.archive.opening import open_archive
from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.config import load
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stages.syncing import destinations
from tests.fakes.mail.imap import PASSWORD, FakeImap
from tests.fakes.mail.smtp import FakeSmtp
from tests.fakes.notion import FakeNotion
from tests.fakes.omi import FakeOmi
from tests.fakes.openai import FakeOpenAI

Connect = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def connect() -> Connect:
    """Connects a service without saving a block and without asking; the exit code and what was printed."""

    def run(*arguments: str, command: str = "connect") -> tuple[int, dict[str, Any]]:
        Output.as_json = False
        options = ["--no-save"] if command == "connect" else []
        ended = CliRunner().invoke(app, [command, *arguments, *options, "--json"], catch_exceptions=False)
        Output.as_json = False
        return ended.exit_code, json.loads(ended.stdout)

    return run


@pytest.fixture
def notion(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNotion]:
    with FakeNotion(per_window=100_000) as server:
        monkeypatch.setenv("NOTION_TOKEN", server.token)
        monkeypatch.setenv("NOTION_BASE_URL", server.base_url)
        yield server


def settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    path = tmp_path / "commonplace.toml"
    path.write_text(text)
    monkeypatch.setenv("COMMONPLACE_CONFIG", str(path))


def test_the_archive_says_what_it_is(connect: Connect) -> None:
    assert connect("archive")[1]["database"] == "sqlite"


def test_a_folder_says_where_it_is(connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect("markdown")[1]["folder"].endswith("/markdown")
    monkeypatch.setenv("COMMONPLACE_MARKDOWN_FOLDER", str(tmp_path / "vault"))
    assert connect("markdown") == (0, {"folder": str(tmp_path / "vault")})


def test_whether_every_run_writes_there_is_said_at_connect(connect: Connect) -> None:
    settings, _ = load()

    def written() -> list[str]:
        with open_archive(settings.database_url, files=settings.files, owner=settings.owner) as archive:
            return destinations.names(settings, archive)

    assert (connect("markdown")[0], written()) == (0, ["markdown"])
    assert (connect("markdown", "--no-pipeline")[0], written()) == (0, [])
    assert (connect("markdown", "--pipeline")[0], written()) == (0, ["markdown"])
    assert connect("archive", "--pipeline")[1]["error"] == "There is no destination 'archive'."


def test_openai_is_asked_for_the_model(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect("openai") == (
        1, {"error": "OPENAI_API_KEY is not set.", "hint": "Put it into the environment or .env."},
    )  # fmt: skip
    with FakeOpenAI() as server:
        monkeypatch.setenv("OPENAI_API_KEY", server.api_key)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        code, told = connect("openai")
        assert (code, told["address"]) == (0, server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
        code, told = connect("openai")
        assert code == 1
        assert "sk-wrong" not in str(told)


def test_omi_is_asked_with_the_key_and_the_webhooks_are_told(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert connect("omi")[1]["error"] == "OMI_API_KEY is not set."
    settings_file(monkeypatch, tmp_path, '[server]\npublic_url = "https://book.example"\n')
    monkeypatch.setenv("OMI_WEBHOOK_TOKEN", "s3cret")
    with FakeOmi() as server:
        monkeypatch.setenv("OMI_API_KEY", server.key)
        monkeypatch.setenv("OMI_BASE_URL", server.address)
        code, told = connect("omi")
        assert (code, told["memory"]) == (0, "https://book.example/omi/s3cret/memory")
        assert server.key not in str(told)
        monkeypatch.setenv("OMI_API_KEY", "omi_dev_wrong")
        code, told = connect("omi")
        assert code == 1
        assert "omi_dev_wrong" not in str(told)


def test_notion_makes_its_database_under_a_page_and_the_next_commands_know_it(
    connect: Connect, notion: FakeNotion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings_file(monkeypatch, tmp_path, f'[destinations.notion]\nparent_page_id = "{notion.parent_page_id}"\n')
    code, told = connect("notion")
    (database,) = notion.databases
    assert code == 0
    assert (told["database"], told["added"]) == (database, "the database")
    assert notion.token not in str(told)
    before = notion.count()
    sample = tmp_path / "sample.zip"
    write_sample(sample, conversations=3)
    connect("--direct", str(sample), command="import")
    code, planned = connect("notion", "--dry-run", command="sync")
    assert (code, planned["pending"]) == (0, 3)
    assert notion.count() == before
    assert connect("notion", "--direct", command="sync")[1]["created"] == 3


def test_a_database_of_a_persons_own_gets_what_it_lacks(
    connect: Connect, notion: FakeNotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = notion.add_database({"Name": "title", "Conversation ID": "rich_text"})
    monkeypatch.setenv("NOTION_DATABASE_ID", notion.database_of(source))
    code, told = connect("notion")
    assert code == 0
    assert "Hash" in told["added"]
    assert connect("notion")[1]["added"] == "nothing"


def test_a_database_is_named_by_its_address(connect: Connect, notion: FakeNotion) -> None:
    database = notion.database_of(notion.add_database())
    address = f"https://www.notion.so/me/Book-{database.replace('-', '')}?v=0123456789abcdef0123456789abcdef"
    code, told = connect("notion", "--database", address)
    assert (code, told["database"]) == (0, database)
    assert connect("notion", "--dry-run", command="sync")[0] == 0
    code, told = connect("markdown", "--database", address)
    assert (code, told["error"]) == (1, "[destinations.markdown] has an unknown setting 'database_id'.")


def test_several_destinations_of_one_kind_are_connected_by_their_names(
    connect: Connect, notion: FakeNotion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = notion.parent_page_id
    sections = (
        f'[destinations.work]\nkind = "notion"\nparent_page_id = "{page}"\n[destinations.home]\nkind = "notion"\n'
    )
    settings_file(monkeypatch, tmp_path, sections)
    assert connect("work")[0] == 0
    code, told = connect("home")
    assert code == 1
    assert "needs a page to put the database under" in told["error"]


def test_a_missing_token_is_named_and_an_unknown_service_is_told_the_others(connect: Connect) -> None:
    code, told = connect("notion")
    assert (code, told["error"]) == (1, "The destination notion needs a token.")
    assert "NOTION_TOKEN" in told["hint"]
    code, told = connect("evernote")
    assert code == 1
    assert told["hint"].startswith("Use one of: archive, openai, omi, mail, markdown, notion, poke.")


def test_what_a_narrowed_rule_leaves_behind_is_shown_and_then_removed(
    connect: Connect, notion: FakeNotion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    section = f'[destinations.notion]\ndatabase_id = "{notion.database_of(notion.add_database())}"\n'
    settings_file(monkeypatch, tmp_path, section)
    sample = tmp_path / "sample.zip"
    write_sample(sample, conversations=3)
    connect("--direct", str(sample), command="import")
    connect("notion", "--direct", command="sync")
    settings_file(monkeypatch, tmp_path, section + "minimum_messages = 1000\n")
    code, planned = connect("notion", "--prune", "--dry-run", command="sync")
    assert (code, len(planned["would_remove"]), len(notion.rows())) == (0, 3, 3)
    code, told = connect("notion", "--prune", command="sync")
    assert (code, told["hint"], len(notion.rows())) == (1, "Look with --dry-run, then add --yes.", 3)
    assert connect("notion", "--prune", "--yes", command="sync")[1]["removed"] == 3
    assert notion.rows() == []


def test_a_token_that_is_typed_is_known_to_the_next_commands_and_to_nobody_else(
    connect: Connect, notion: FakeNotion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = notion.database_of(notion.add_database())
    monkeypatch.delenv("NOTION_TOKEN")
    for name in ("connect", "save_block"):
        monkeypatch.setattr(f"commonplace.runs.{name}", lambda *_: "saved")
    given = f"{notion.token}\ny\n"
    Output.as_json = False
    ended = CliRunner().invoke(app, ["connect", "notion", "--database", database], input=given, catch_exceptions=False)
    assert ended.exit_code == 0
    assert notion.token not in ended.output
    settings, environment = load()
    assert environment.get("NOTION_TOKEN") == notion.token
    assert stat.S_IMODE((settings.home / ".env").stat().st_mode) == 0o600
    assert notion.token.encode() not in b"".join(path.read_bytes() for path in settings.home.glob("archive.db*"))
    sample = tmp_path / "sample.zip"
    write_sample(sample, conversations=3)
    connect("--direct", str(sample), command="import")
    assert connect("notion", "--dry-run", command="sync")[1]["pending"] == 3
    assert connect("notion", "--direct", command="sync")[0] == 0
    assert len(notion.rows()) == 3
    monkeypatch.setenv("NOTION_TOKEN", "another")
    assert load()[1].get("NOTION_TOKEN") == "another"


def test_a_mailbox_is_opened_read_only_and_its_password_is_not_shown(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "names no host" in connect("mail")[1]["error"]
    with FakeImap() as imap:
        text = f'[mail]\nhost = "127.0.0.1"\nport = {imap.port}\nuser = "me"\nserver = "mx.mine.org"\nplain = true\n'
        settings_file(monkeypatch, tmp_path, text)
        monkeypatch.setenv("MAIL_PASSWORD", "guessed")
        code, told = connect("mail")
        assert (code, "does not let me in" in told["error"]) == (1, True)
        monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
        code, told = connect("mail")
    assert (code, told) == (0, {"mailbox": "me at 127.0.0.1", "folder": "INBOX"})
    assert {each.split()[0] for each in imap.asked} == {"CAPABILITY", "LOGIN", "EXAMINE", "LOGOUT"}


def test_the_server_that_sends_is_tried_without_sending(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeSmtp() as smtp:
        text = f'[mail]\nuser = "me"\nsmtp_host = "127.0.0.1"\nsmtp_port = {smtp.port}\nplain = true\n'
        settings_file(monkeypatch, tmp_path, text)
        monkeypatch.setenv("MAIL_PASSWORD", "guessed")
        assert "does not let me in" in connect("mail")[1]["error"]
        monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
        assert connect("mail") == (0, {"sends": "me at 127.0.0.1"})
    assert smtp.mails == []
