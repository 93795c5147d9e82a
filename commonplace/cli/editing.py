"""A text that a person changes in their editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from commonplace.errors import Refused


def edited(text: str, *, name: str) -> str | None:
    """What a person made of a text, shown to them as a file of that name; None when they changed nothing."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="commonplace-") as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*editor, str(file)], check=True)
        except (OSError, subprocess.CalledProcessError) as exc:
            raise Refused(f"The editor {editor[0]!r} did not work.", hint="Name another one in EDITOR.") from exc
        after = file.read_text(encoding="utf-8")
    return after if after != text else None
