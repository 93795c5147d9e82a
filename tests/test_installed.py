"""What people get when they install Commonplace: under which licences, and how much of it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.installed import EXTRAS, OURS, distributions, licences, notices, size

ROOT = Path(__file__).parents[1]
FREE = {"MIT", "BSD", "Apache-2.0", "ISC", "PSF-2.0", "Zlib", "MPL-2.0", "Artistic"}
"""Licences that let anybody use, change and sell what is built on a package, which may stay closed."""
LIBRARIES_ONLY = {"psycopg", "psycopg-binary"}
"""Under the LGPL: used as they come, and exchangeable."""


def test_every_package_may_be_used_by_anybody_for_anything() -> None:
    for name, package in distributions(*EXTRAS).items():
        if name not in LIBRARIES_ONLY:
            assert licences(package) & FREE, f"{name}: {licences(package) or 'no licence that we know'}"


def test_the_notices_name_every_package_that_comes_along() -> None:
    written = set((ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8").splitlines())
    missing = [line for line in notices().splitlines() if line not in written]
    assert missing == [], "python -m tests.installed > THIRD-PARTY.md"


def test_an_installation_is_as_large_as_the_readme_says() -> None:
    told = re.search(r"about (\d+) MB", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert told
    packages = distributions()
    assert 0.9 * int(told[1]) < sum(map(size, packages.values())) / 1e6 <= 1.05 * int(told[1])


def test_charts_are_no_part_of_a_plain_installation() -> None:
    assert {"altair", "vl-convert-python"} <= distributions(*EXTRAS).keys() - distributions().keys()
    assert OURS in distributions()
