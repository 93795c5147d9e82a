"""However a stage ends, it ends alike as a run and with `--direct`: exit code, price, and what is told."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from commonplace.cli import app
from commonplace.cli.output import Output
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

    def configure(self, text: str) -> None:
        (self.home / "commonplace.toml").write_text(text)

    def say(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        Output.as_json = False
        ended = CliRunner().invoke(app, [*arguments, "--json"])
        Output.as_json = False
        assert "Traceback" not in ended.output
        return ended.exit_code, json.loads(ended.stdout)


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
    world.notion.fail_next("400", on="POST pages", about="Kitchen: choosing a worktop")


def interrupted(world: World) -> None:
    world.notion.fail_next("call", on="POST pages", skip=2, call=lambda: os.kill(os.getpid(), signal.SIGINT))


def not_an_export(world: World) -> None:
    world.sample.write_bytes(b"no zip at all")


JUDGED = ("categorize", "--judge", "openai")
ENDINGS = {
    "import: success": Ending(command=("import", "SAMPLE"), code=0, counts={"unchanged": COUNT}),
    "import: defects": Ending(
        command=("import", "SAMPLE"), told="sample.zip", counts={"failed": 1}, happens=not_an_export
    ),
    "categorize: success": Ending(command=("categorize",), code=0, counts={"judged": COUNT}),
    "categorize: paid": Ending(command=JUDGED, code=0, counts={"judged": COUNT}),
    "categorize: budget": Ending(
        command=(*JUDGED, "--max-cost", "0.000001"), told="limit of $0.00", counts={"judged": 0}
    ),
    "categorize: refused key": Ending(command=JUDGED, told="key", counts={"judged": 0}, happens=refused_key),
    "categorize: dead model": Ending(command=JUDGED, told="model", counts={"judged": 0}, happens=dead_model),
    "categorize: halt": Ending(command=JUDGED, told="quota", counts={"judged": 0}, happens=used_up),
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
    "sync: success": Ending(command=("sync", "notion"), code=0, counts={"created": COUNT}),
    "sync: defects": Ending(
        command=("sync", "notion"), counts={"created": COUNT - 1, "failed": 1}, happens=one_page_refused
    ),
    "sync: refused key": Ending(command=("sync", "notion"), told="refuses the token", happens=bad_token),
    "sync: halt": Ending(command=("sync", "notion"), told="Notion does not allow this", happens=locked),
    "sync: cancelled": Ending(command=("sync", "notion"), code=130, told="Interrupted", happens=interrupted),
}


@contextmanager
def world_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    home.mkdir()
    sample = home / "sample.zip"
    write_sample(sample, conversations=COUNT)
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
        world = World(home, sample, openai, notion)
        assert world.say("import", str(sample), "--direct")[0] == 0
        yield world


@pytest.mark.parametrize("name", ENDINGS)
def test_a_stage_ends_alike_as_a_run_and_directly(
    name: str, prefect_api: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", server.api_url(prefect_api))
    ending, ended = ENDINGS[name], {}
    for way in ("direct", "run"):
        with world_at(tmp_path / way, monkeypatch) as world:
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
