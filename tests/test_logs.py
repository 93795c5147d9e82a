"""The log file: JSON lines, and nothing that a person wrote."""

import json
import logging
from pathlib import Path

from commonplace.logs import ROOT, log_to


def test_a_line_is_an_object_with_what_was_added(tmp_path: Path) -> None:
    log_to(tmp_path)
    log_to(tmp_path)
    logger = logging.getLogger(f"{ROOT}.import")
    logger.info("read %d conversations", 3, extra={"import_id": "i-1"})
    try:
        raise ValueError("dear diary")
    except ValueError:
        logger.exception("could not read %s", "x.zip")
    first, second = (tmp_path / "logs" / "commonplace.log").read_text().splitlines()
    assert json.loads(first)["message"] == "read 3 conversations"
    assert json.loads(first)["import_id"] == "i-1"
    assert json.loads(second)["error"] == "ValueError"
    assert "diary" not in second
