"""uv, where there is one: `make` runs the tests with one of its own, which is not on the path."""

from __future__ import annotations

import os
import shutil

UV = os.environ.get("UV") or shutil.which("uv")
