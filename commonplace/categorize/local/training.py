"""Models are made in a process of its own: the hundreds of megabytes that it takes for seconds are gone afterwards.

The other process is told everything through a pipe, since category sets are private, and leaves the model in its file.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from commonplace.categorize.contract import Meaning, Taxonomy
from commonplace.categorize.local import few
from commonplace.categorize.local import model as models
from commonplace.categorize.local.features import Counter
from commonplace.categorize.local.model import Model, Sharpness
from commonplace.categorize.local.teaching import Gathered, documents, gathered, texts

MEASURED = {
    "7f5aa1ec9af5fd3c201f38d2": Sharpness(4.15, 2.78),
    "41d2a61a9c3d59366a57bdbc": Sharpness(4.59, 2.66),
}
"""The sharpness of the shipped taxonomies' models, by the taxonomy's hash; a test measures it anew."""
GIVEN_AS_RIGHT = 10
"""Of a set's own texts, beside those that are: two or three say little."""
_CODE = "from commonplace.categorize.local.training import teach; teach()"


class Task(NamedTuple):
    """A model to be made. What `meaning` is has to survive pickling."""

    file: Path
    taxonomy: Taxonomy
    meaning: Meaning | None


def taught_apart(task: Task) -> bool:
    """Whether the model is in its file now; if not, no other process can be had, and who asks teaches it itself."""
    if not sys.executable:
        return False
    places = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
    done = subprocess.run(
        [sys.executable, "-P", "-c", _CODE],
        input=pickle.dumps(task),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": places},
        check=False,
    )
    return done.returncode == 0


def trained(task: Task) -> Model:
    """The model, made here and now."""
    found = gathered(task.taxonomy, counter(), meaning=task.meaning)
    names = task.taxonomy.names
    if found.is_narrow and task.meaning is not None:  # by words alone nothing would tell what lies elsewhere
        return few.learned(names, found.own, found.centres(counter())).model
    return of_many(task.taxonomy, found, MEASURED.get(task.taxonomy.hash))


def of_many(taxonomy: Taxonomy, found: Gathered, sharpness: Sharpness | None) -> Model:
    """Of thousands of texts: what ships, the set's own words, and the lexicon."""
    names, told = taxonomy.names, documents(found, counter())
    if not found.is_lent:
        return models.train(names, told, sharpness=sharpness)
    return models.train(
        names, told, sharpness=sharpness, ridge=models.RIDGE_OF_BORROWED, agreement=agreement(found, len(names))
    )


def agreement(found: Gathered, categories: int) -> float:
    """How many of a set's own texts are put where they belong by the topics that are lent to it, going by meaning."""
    slopes = models.regressed(categories, texts(found._replace(own=())), models.RIDGE_OF_BORROWED)
    own = [text for text in found.own if text.direction is not None and text.direction.any()]
    rows = models.directions_of(own)
    if rows is None or not len(slopes):
        return 1.0
    said = (rows @ slopes[:-1] + slopes[-1]).argmax(axis=1).tolist()
    right: int = sum(place == text.category for place, text in zip(said, own, strict=True))
    return (right + GIVEN_AS_RIGHT) / (len(own) + GIVEN_AS_RIGHT)


@lru_cache(maxsize=1)
def counter() -> Counter:
    """One for the process: what it remembers of words serves every judge."""
    return Counter()


def teach() -> None:
    """What the other process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the one that waits says what is next
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - it comes from our own process
    trained(task).save(task.file)
