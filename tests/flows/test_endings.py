"""However a stage ends, it ends alike as a run and with `--direct`: exit code, price, and what is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
from commonplace.errors import Permanent
from commonplace.sources.chatgpt.sample import write_sample
from commonplace.stack import server
from commonplace.stack.processes import Process
from tests.fakes.notion import FakeNotion
from tests.fakes.openai import FakeOpenAI

COUNT = 12
NOT_COMPARED = {"seconds", "import_ids", "files", "location"}


class World:
    """A home with a dozen conversations, an OpenAI and a Notion, the same for each way of running."""

    def __init__(self, home: Path, sample: Path, openai: FakeOpenAI, notion: FakeNotion) -> None:
        self.home, self.sample, self.openai, self.notion = home, sample, openai, notion
        self.listening = ExitStack()

    def configure(self, text: str) -> None:
        (self.home / "commonplace.toml").write_text(text)

    def say(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        Output.as_json = False
        ended = CliRunner().invoke(app, [*arguments, "--json"])
        Output.as_json = False
        assert "Traceback" not in ended.output
        return ended.exit_code, json.loads(ended.stdout)

    def when_written(self, table: str, happens: Callable[[Connection], object]) -> None:
        """Once, at the first row that this world's stage writes into the table."""
        to_come = [happens]

        def listen(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
            if to_come and statement.startswith(f"INSERT INTO {table} "):
                to_come.pop()(connection)

        event.listen(Engine, "before_cursor_execute", listen)
        self.listening.callback(event.remove, Engine, "before_cursor_execute", listen)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A command, what is made to happen, and how it must end."""

    command: tuple[str, ...]
    code: int = 1
    told: str = ""
    """A part of the sentence; empty where nothing has to be told."""
    counts: dict[str, int] = {}
    happens: Callable[[World], object] = lambda world: None


def refused_key(world: World) -> None:
    world.openai.fail("wrong_key", 100)


def dead_model(world: World) -> None:
    world.openai.fail("model_gone", 100)


def used_up(world: World) -> None:
    world.openai.fail("quota", 100)


def named_by_openai(world: World) -> None:
    world.configure('[projects]\nnamer = "openai"\n')
    refused_key(world)


def no_money_for_names(world: World) -> None:
    world.configure('[projects]\nnamer = "openai"\nmax_cost = 0.0\n')


def bad_token(world: World) -> None:
    world.notion.token = "another"


def locked(world: World) -> None:
    world.notion.fail_next("403", on="POST pages", times=100)


def one_page_refused(world: World) -> None:
    # With its files, and without.
    world.notion.fail_next("400", on="POST pages", about="Kitchen: choosing a worktop", times=2)


def interrupted(world: World) -> None:
    world.configure("[destinations.notion]\nlookup_interval_seconds = 0.1\n")
    world.notion.fail_next("call", on="POST pages", skip=2, call=press_ctrl_c)


def press_ctrl_c(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupted_at(table: str) -> Callable[[World], None]:
    return lambda world: world.when_written(table, press_ctrl_c)


def taken_over_at(table: str) -> Callable[[World], None]:
    """Another run has the lease, as after a long sleep."""
    return lambda world: world.when_written(table, lambda connection: connection.exec_driver_sql("DELETE FROM leases"))


def as_new(then: Callable[[World], None]) -> Callable[[World], None]:
    """The archive is not there yet."""

    def happens(world: World) -> None:
        for file in world.home.glob("archive.db*"):
            file.unlink()
        then(world)

    return happens


def not_an_export(world: World) -> None:
    world.sample.write_bytes(b"no zip at all")


def one_answer_refused(world: World) -> None:
    world.openai.fail("refusal", 100, mentions="Kitchen: choosing a worktop")


def a_chunk_fails(world: World) -> None:
    def fail(_: Connection) -> None:
        raise Permanent("Nothing can be computed from these.")

    world.when_written("features", fail)


TAKEN_OVER = "was taken over by another run while this one stood still"
JUDGED = ("categorize", "--judge", "openai")
ENDINGS = {
    "import: success": Ending(command=("import", "SAMPLE"), code=0, counts={"unchanged": COUNT}),
    "import: defects": Ending(
        command=("import", "SAMPLE"), told="sample.zip", counts={"failed": 1}, happens=not_an_export
    ),
    "import: halt": Ending(command=("import", "SAMPLE"), told=TAKEN_OVER, happens=as_new(taken_over_at("messages"))),
    "import: cancelled": Ending(
        command=("import", "SAMPLE"), code=130, told="Interrupted", happens=as_new(interrupted_at("messages"))
    ),
    "categorize: success": Ending(command=("categorize",), code=0, counts={"judged": COUNT}),
    "categorize: paid": Ending(command=JUDGED, code=0, counts={"judged": COUNT}),
    "categorize: budget": Ending(
        command=(*JUDGED, "--max-cost", "0.000001"), told="limit of $0.00", counts={"judged": 0}
    ),
    "categorize: refused key": Ending(command=JUDGED, told="key", counts={"judged": 0}, happens=refused_key),
    "categorize: dead model": Ending(command=JUDGED, told="model", counts={"judged": 0}, happens=dead_model),
    "categorize: halt": Ending(command=JUDGED, told="quota", counts={"judged": 0}, happens=used_up),
    "categorize: defects": Ending(
        command=JUDGED, counts={"judged": COUNT - 1, "failed": 1}, happens=one_answer_refused
    ),
    "categorize: cancelled": Ending(
        command=("categorize",), code=130, told="Interrupted", happens=interrupted_at("verdicts")
    ),
    "categorize: batch": Ending(
        command=("categorize", "--judge", "openai-batch"), code=0, counts={"judged": 0, "submitted": COUNT}
    ),
    "categorize: batch, refused key": Ending(
        command=("categorize", "--judge", "openai-batch"), told="key", counts={"submitted": 0}, happens=refused_key
    ),
    "map: success": Ending(command=("map",), code=0, counts={"conversations": COUNT}),
    "map: refused key": Ending(command=("map",), told="key", counts={"conversations": COUNT}, happens=named_by_openai),
    "map: budget": Ending(
        command=("map",), told="limit of $0.00", counts={"conversations": COUNT}, happens=no_money_for_names
    ),
    "map: defects": Ending(
        command=("map",), told="Nothing can be computed", counts={"decided": COUNT}, happens=a_chunk_fails
    ),
    "map: halt": Ending(command=("map",), told=TAKEN_OVER, happens=taken_over_at("assignments")),
    "map: cancelled": Ending(command=("map",), code=130, told="Interrupted", happens=interrupted_at("assignments")),
    "sync: success": Ending(command=("sync", "notion"), code=0, counts={"created": COUNT}),
    "sync: defects": Ending(
        command=("sync", "notion"), counts={"created": COUNT - 1, "failed": 1}, happens=one_page_refused
    ),
    "sync: refused key": Ending(command=("sync", "notion"), told="refuses the token", happens=bad_token),
    "sync: halt": Ending(command=("sync", "notion"), told="Notion does not allow this", happens=locked),
    "sync: cancelled": Ending(command=("sync", "notion"), code=130, told="Interrupted", happens=interrupted),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample and its archive, to begin every world with."""
    home = tmp_path_factory.mktemp("filled")
    write_sample(home / "sample.zip", conversations=COUNT)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMMONPLACE_HOME", str(home))
        ended = CliRunner().invoke(app, ["import", str(home / "sample.zip"), "--direct", "--json"])
    Output.as_json = False
    assert ended.exit_code == 0, ended.output
    return home


@contextmanager
def world_at(home: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    shutil.copytree(filled, home)
    with FakeOpenAI() as openai, FakeNotion(per_window=100_000) as notion:
        known = {
            "COMMONPLACE_HOME": str(home),
            "OPENAI_API_KEY": openai.api_key,
            "OPENAI_BASE_URL": openai.url,
            "NOTION_TOKEN": notion.token,
            "NOTION_BASE_URL": notion.base_url,
            "NOTION_DATABASE_ID": notion.database_of(notion.add_database()),
        }
        for name, value in known.items():
            monkeypatch.setenv(name, value)
        openai.keeps_warm = False
        world = World(home, home / "sample.zip", openai, notion)
        with world.listening:
            yield world


@pytest.mark.parametrize("name", ENDINGS)
def test_a_stage_ends_alike_as_a_run_and_directly(
    name: str, prefect_api: Process, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server.api_url(prefect_api))
    ending, ended = ENDINGS[name], {}
    for way in ("direct", "run"):
        with world_at(tmp_path / way, filled, monkeypatch) as world:
            ending.happens(world)
            words = [str(world.sample) if word == "SAMPLE" else word for word in ending.command]
            ended[way] = world.say(*words, *(["--direct"] if way == "direct" else []))
    (code, report), (run_code, run_report) = ended["direct"], ended["run"]
    assert (code, run_code) == (ending.code, ending.code), (report, run_report)
    assert {key: report[key] for key in ending.counts} == ending.counts
    assert bool(report.get("error")) == bool(ending.told)
    assert ending.told in str(report.get("error"))
    assert told(report) == told(run_report)


def told(report: dict[str, Any]) -> dict[str, Any]:
    """What is the same whichever way it ran; the ids of pages are Notion's."""
    return {
        key: sorted(one["conversation_id"] for one in value) if key in ("pages", "left_out_of", "problems") else value
        for key, value in report.items()
        if key not in NOT_COMPARED
    }
