"""Makes what ships with the local judge and search: `python -m benchmarks.what_ships`, when that changed.

The examples' directions take half a minute of one core, each shipped taxonomy's model a third of that. Tests say when
it has to be done.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from commonplace.categorize.definitions import shipped, shipped_names
from commonplace.categorize.local.directions import save_shipped
from commonplace.categorize.local.examples import examples
from commonplace.categorize.local.judge import LocalJudge
from commonplace.categorize.local.kind import MODELS
from commonplace.meaning import questions
from commonplace.meaning.registry import free_embedder
from commonplace.stages.categorizing.embedded import EmbeddedMeaning

FOLDER = Path(str(resources.files("commonplace.categorize")))


def main() -> None:
    meaning = EmbeddedMeaning(free_embedder())
    with (FOLDER.parent / "meaning" / "asking.npz").open("wb") as file:
        questions.save_shipped(file, free_embedder())
    _directions(meaning)
    _models(meaning)


def _directions(meaning: EmbeddedMeaning) -> None:
    found = meaning.of([example.subject for example in examples()])
    path = FOLDER / "examples" / "directions.npz"
    with path.open("wb") as file:
        save_shipped(file, meaning.key, found)
    print(f"{path.name}: {len(examples()):,} examples, {path.stat().st_size:,} bytes")


def _models(meaning: EmbeddedMeaning) -> None:
    folder = FOLDER / "taught"
    for path in folder.glob(MODELS):
        path.unlink()
    judge = LocalJudge(folder, meaning=meaning)
    for name in shipped_names():
        taxonomy = shipped(name)
        if taxonomy is not None:
            judge.model_of(taxonomy)
    for path in sorted(folder.glob(MODELS)):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
