"""What is in the home is for its owner alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commonplace.cli import doctor
from commonplace.config import load
from commonplace.private import open_to_others

COMMAND = [sys.executable, "-P", "-m", "commonplace"]


@pytest.mark.parametrize("first", [["stats"], ["doctor"], ["users", "list"]], ids=lambda words: words[0])
def test_whichever_command_comes_first_others_read_nothing(tmp_path: Path, first: list[str]) -> None:
    home = tmp_path / "above" / "book"
    environment = os.environ | {"COMMONPLACE_HOME": str(home)}
    subprocess.run([*COMMAND, *first], env=environment, capture_output=True, umask=0, check=False)
    assert home.is_dir()
    assert list(open_to_others(home)) == []


def test_doctor_takes_away_what_others_may_do(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "commonplace.log").touch()
    (tmp_path / "logs" / "commonplace.log").chmod(0o644)
    (tmp_path / "link").symlink_to("/etc/passwd")
    settings, environment = load({"COMMONPLACE_HOME": str(tmp_path)}, folder=tmp_path)
    findings = [
        check.finding for _ in range(2) for check in doctor.examine(settings, environment) if check.subject == "Home"
    ]
    assert "now they are yours alone" in findings[0]
    assert findings[1] == "yours alone"
    assert (tmp_path / "logs" / "commonplace.log").stat().st_mode & 0o777 == 0o600
    assert Path("/etc/passwd").stat().st_mode & 0o044
