"""Every number of the settings has bounds, and what is outside them is refused in one sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from prefect.client.schemas.schedules import CronSchedule
from pydantic import ValidationError
from typer.testing import CliRunner

from commonplace.bounds import CronLine, read_section
from commonplace.categorize import registry as judges
from commonplace.cli import app
from commonplace.config import ScheduleSettings, Settings, load
from commonplace.destinations import registry as destinations
from commonplace.destinations.notion.settings import NotionSettings
from commonplace.errors import Refused
from commonplace.stages.syncing.pending import Rules


def _numbers(kind: type[Any], where: str) -> Iterator[tuple[str, Any, type[Any]]]:
    """Each setting that is a number, in this struct and those inside: its name, its type, whose it is."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for part in _parts(hint):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from _numbers(part, f"{where}.{name}")
            elif (get_args(part)[0] if get_origin(part) is Annotated else part) in (int, float):
                yield f"{where}.{name}", part, kind


def _parts(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is Annotated or not get_args(hint):
        yield hint
    else:
        for inner in get_args(hint):
            yield from _parts(inner)


NUMBERS = [
    *_numbers(Settings, "settings"),
    *_numbers(Rules, "rules"),
    *(n for name in [*destinations.kinds(), "fake"] for n in _numbers(destinations.kind_named(name).settings, name)),
    *(n for name in judges.kinds() for n in _numbers(judges.kind_named(name).settings, f"judge {name}")),
]


@pytest.mark.parametrize("kind", [kind for _, kind, _ in NUMBERS], ids=[name for name, _, _ in NUMBERS])
def test_every_number_has_bounds_on_both_sides(kind: Any) -> None:
    for wrong in (math.nan, math.inf, -math.inf, -1, 10**12):
        with pytest.raises(msgspec.ValidationError, match=r"Expected `(int|float)`"):
            msgspec.convert(wrong, kind)


def test_every_number_is_looked_at() -> None:
    names = {name for name, _, _ in NUMBERS}
    assert {
        "settings.runs.workers",
        "settings.prices.cached",
        "notion.timeout_seconds",
        "rules.minimum_messages",
    } < names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[runs]\nworkers = 0\n", "[runs] workers must be at least 1."),
        ("[runs]\nport = 65536\n", "[runs] port must be at most 65535."),
        ("[server]\nport = 0\n", "[server] port must be at least 1."),
        ("[projects]\nprecision = 90.0\n", "[projects] precision must be at most 1."),
        ("[categorize]\nmax_cost = nan\n", "[categorize] max_cost must be at least 0."),
        ("[categorize]\nmax_cost = inf\n", "[categorize] max_cost must be at most 1000000000."),
        ("[openai]\ntimeout_seconds = 0\n", "[openai] timeout_seconds must be more than 0."),
        ("[prices.mine]\ninput = -1\noutput = 1\n", "[prices] input must be at least 0."),
        ("[schedule]\npipeline = '0 25 * * *'\n", "[schedule] pipeline must be a cron line"),
        ("[server]\nrate_limit = 'often'\n", "[server] rate_limit must be how often in which time"),
        ("[server]\nrate_limit = '0/minute'\n", "[server] rate_limit must be how often in which time"),
        ("[projects]\ntitle_patterns = ['[']\n", "[projects] title_patterns: '[' is not a regular expression"),
        ("[projects]\ntitle_patterns = ['x']\n", "[projects] title_patterns: 'x' has no group named project"),
        ("[runs]\nworkers = 'four'\n", "[runs] workers must be a whole number."),
    ],
)
def test_a_value_out_of_bounds_is_told_with_its_setting_and_file(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "commonplace.toml"
    file.write_text(text)
    with pytest.raises(Refused) as caught:
        load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    assert str(caught.value).startswith(f"{file}: {expected}")


def test_a_destinations_section_is_told_with_its_file_too(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_section(
            {"token": "t", "requests_per_minute": 0}, NotionSettings, section="destinations.notion", file=tmp_path
        )
    assert str(caught.value) == f"{tmp_path}: [destinations.notion] requests_per_minute must be at least 1."


def test_a_program_reads_the_same_sentence_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "commonplace.toml").write_text("[runs]\nworkers = 0\n")
    monkeypatch.setenv("COMMONPLACE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["stats", "--json"])
    assert result.exit_code == 1
    assert "[runs] workers must be at least 1." in json.dumps(json.loads(result.output))


@pytest.mark.parametrize(
    "line",
    [
        "* * * * *",
        "*/5 * * * *",
        "0 3 * * 1-5",
        "15,45 8-18/2 1 jan-mar mon,FRI",
        "0 0 31 12 7",
        " 0  3 * * 0 ",
        "@daily",
    ],
)
def test_a_cron_line_that_is_taken_is_one_to_prefect_too(line: str) -> None:
    assert msgspec.convert(line, CronLine) == line
    CronSchedule(cron=line)


@pytest.mark.parametrize("line", ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "* * * *", "x"])
def test_a_cron_line_that_prefect_refuses_is_not_taken(line: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(line, CronLine)
    with pytest.raises(ValidationError):
        CronSchedule(cron=line)


def test_every_schedule_is_a_cron_line_or_never() -> None:
    for name in ScheduleSettings.__struct_fields__:
        assert msgspec.convert({name: ""}, ScheduleSettings)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({name: "sometimes"}, ScheduleSettings)


@pytest.mark.parametrize("cost", ["nan", "inf", "-1"])
def test_what_a_run_may_spend_has_bounds_wherever_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: str
) -> None:
    monkeypatch.setenv("COMMONPLACE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["categorize", "--direct", "--json", f"--max-cost={cost}"])
    assert result.exit_code == 1
    assert "max_cost must be at" in json.dumps(json.loads(result.output))
