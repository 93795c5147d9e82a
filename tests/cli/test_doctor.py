"""`doctor` says of each thing whether it is well, and what to do where it is not."""

from __future__ import annotations

from pathlib import Path

from commonplace.cli import doctor
from commonplace.config import load


def test_watched_folders_that_are_missing_or_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "a file").touch()
    (tmp_path / "commonplace.toml").write_text(
        f'[watch]\nfolders = ["{tmp_path}/there", "{tmp_path}/gone"]\nhistories = ["claude_code"]\n'
        f'[accounts.chatgpt]\nfolders = ["{tmp_path}/a file"]\n'
    )
    variables = {"COMMONPLACE_HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(tmp_path / "agent")}
    found = {check.subject: check for check in doctor.watched(*load(variables, folder=tmp_path))}
    told = {subject.rpartition("/")[2]: (check.is_well, check.is_optional) for subject, check in found.items()}
    assert told == {
        "there": (True, False),
        "gone": (False, False),
        "a file": (False, False),
        "projects": (False, True),  # the agent has not run yet
    }
    assert all(check.remedy for check in found.values() if not check.is_well)
