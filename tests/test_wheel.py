"""What people install: everything that the package reads is in it, and the command works without the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_file_that_the_packages_read_is_in_the_wheel(installed: Path) -> None:
    packages = ("commonplace", "blocks", "tasks", "flows", "deployments")
    asked = ["git", "-C", str(ROOT), "ls-files", *packages]
    listed = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [name for name in listed if not (installed / name).is_file()] == []
    assert (installed / "deployments" / "prefect.yaml").is_file()


def test_the_installed_command_imports_sorts_and_finds(installed: Path, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PREFECT"))}
    environment = {**kept, "PYTHONPATH": str(installed), "COMMONPLACE_HOME": str(tmp_path / "book")}

    def run(*arguments: str) -> dict[str, object]:
        command = [sys.executable, "-m", "commonplace", *arguments, "--json"]
        ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        told: dict[str, object] = json.loads(ended.stdout)
        return told

    where = [sys.executable, "-c", "import commonplace; print(commonplace.__file__)"]
    found = subprocess.run(where, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(installed)

    sample = "import sys; from pathlib import Path; from commonplace.sources.chatgpt.sample import write_sample;"
    subprocess.run(
        [sys.executable, "-c", f"{sample} write_sample(Path('export.zip'))"], env=environment, cwd=tmp_path, check=True
    )
    imported = run("import", "--direct", "export.zip")
    assert imported["read"] == imported["new"]
    assert imported["failed"] == 0
    assert run("categorize", "--direct")["judged"] == imported["new"]
    assert run("search", "--limit", "1", "the")["total"]
