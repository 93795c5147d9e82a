"""The scripts of pages, by the types that their comments state: for the compiler that `make scripts` installs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from commonplace.web.pages.rendering import STATIC

TSC = Path(__file__).parents[2] / ".tools" / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"
STRICTLY = "--noEmit --allowJs --checkJs --strict --target es2022 --module es2022 --lib es2022,dom,dom.iterable"


@pytest.mark.skipif(not TSC.exists() or not shutil.which("node"), reason="make scripts installs the compiler")
def test_the_scripts_of_pages_keep_to_their_types() -> None:
    command = ["node", str(TSC), *STRICTLY.split(), "--moduleDetection", "force", *map(str, STATIC.glob("*.js"))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
