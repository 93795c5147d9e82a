"""Makes what ships beside the examples: `python -m benchmarks.example_directions`, after examples or the model changed.

Half a minute of one core. A test says when it has to be done.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from commonplace.categorize.local.directions import save_shipped
from commonplace.categorize.local.examples import examples
from commonplace.meaning.registry import free_embedder
from commonplace.stages.categorizing.embedded import EmbeddedMeaning


def main() -> None:
    meaning = EmbeddedMeaning(free_embedder())
    found = meaning.of([example.subject for example in examples()])
    path = Path(str(resources.files("commonplace.categorize") / "examples" / "directions.npz"))
    with path.open("wb") as file:
        save_shipped(file, meaning.key, found)
    print(f"{path.name}: {len(examples()):,} examples, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
