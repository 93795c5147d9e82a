"""`make bench`: every benchmark in its short form; `make bench ARGS="search --postgres"` runs one as it is documented.

Each prints its figures as ratios with a floor that was measured in the same run, because machines differ and are noisy.
"""

from __future__ import annotations

import subprocess
import sys

SHORT: dict[str, list[str]] = {
    "ingest": ["--size", "50MB"],
    "search": ["--messages", "200000"],
    "orchestration": ["--conversations", "1000"],
    "starts": ["--runs", "5", "--stacks", "1"],
    "categorize": ["--quick"],
    "meaning": ["--quick", "--passages", "100000"],
    "projects": ["--sizes", "3000", "10000"],
    "notion": ["--quick"],
    "stages": ["--conversations", "400"],
    "poke": ["--quick"],
    "openai_conversations": ["--quick"],
    "hooks": ["--quick"],
    "server": ["--quick"],
    "web": ["--conversations", "2000", "--megabytes", "100", "--rounds", "9"],
}


def main(arguments: list[str]) -> int:
    """Run all, or the one that is named with the arguments that follow it."""
    if arguments and arguments[0] in SHORT:
        return _run(arguments[0], arguments[1:])
    if arguments:
        print(f"There is no benchmark {arguments[0]!r}; there are: {', '.join(SHORT)}.", file=sys.stderr)
        return 2
    return max(_run(name, options) for name, options in SHORT.items())


def _run(name: str, options: list[str]) -> int:
    print(f"\n== {name} {' '.join(options)}", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
