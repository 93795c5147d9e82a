"""A ChatGPT export of any size that behaves like a real one: `python -m benchmarks.generate_export --size 200MB OUT`.

`--source NAME` writes the same conversations as another assistant does.

It is seeded: the same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.generated.export import ContainerKind, generate, generate_as, size_of
from benchmarks.generated.sinks import SINKS
from benchmarks.generated.sources import KINDS


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=size_of, default=size_of("20MB"), help="of the JSON, unpacked: 200MB, 1GB")
    parser.add_argument("--shape", choices=("full", "trimmed", "mixed"), default="full")
    parser.add_argument("--container", choices=tuple(SINKS), help="by default what the source's exports are")
    parser.add_argument("--source", choices=("chatgpt", *KINDS), default="chatgpt")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args(arguments)
    if asked.source == "chatgpt":
        container: ContainerKind = asked.container or "json"
        count = generate(asked.out, size=asked.size, shape=asked.shape, container=container, seed=asked.seed)
    else:
        count = generate_as(asked.out, asked.source, size=asked.size, container=asked.container, seed=asked.seed)
    print(f"{count:,} conversations in {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
