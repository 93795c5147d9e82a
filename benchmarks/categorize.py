"""How fast the judge `local` is, and how good: `python -m benchmarks.categorize [--quick] [--local]`.

**Quality.** 4,300 short chats were written by hand, most of them without their category's obvious words, in fifteen
languages. A fifth of the first 3,500, by topic, is held out: a model that never saw these topics sorts them. The
same is done five times over the other topics, as a check that features were not fitted to the held-out ones. Floors in
the same run: the largest category, and the lexicon alone (the set that most of its words belong to). All of it by words
alone and with what the chats mean. `--prompts` measures on a file of others' prompts as well; it is never learned from.
Six narrow sets (`quality/narrow_sets.py`) are judged before and after 30 corrections.
Two people agree on the topic of a real chat at a kappa of about 0.5, so no figure here should be read against 1.0.

**Speed.** Conversations of realistic length in an SQLite archive: read, judged (category, tags, title, summary,
language), answers kept and recorded, on one core, what they mean being given; beside it the time for reading alone and
for judging alone, of which the claim is. Counted in seconds of that core, since others may be using the machine.

Without `--local` the judge `openai` follows (`benchmarks/categorize_openai.py`).
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks import categorize_openai
from benchmarks.quality.judge import Told, cross_validated, described_only, held_out, prompts
from benchmarks.quality.narrow_sets import narrow
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.archive.opening import open_archive
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Directions, Judge, Subject, TagsPolicy, Taxonomy
from commonplace.categorize.definitions import DEFAULT, shipped, shipped_names
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local.examples import examples
from commonplace.categorize.local.features import Counter
from commonplace.categorize.local.gist import candidates, gist_of
from commonplace.categorize.local.lexicon import lexicon
from commonplace.categorize.local.tagging import Recurring, recurring
from commonplace.meaning.registry import free_embedder
from commonplace.meaning.synonyms import synonyms
from commonplace.model import Conversation, Message
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.embedded import LENGTH, EmbeddedMeaning
from commonplace.stages.categorizing.judges import Judging
from commonplace.stages.categorizing.report import CategorizeReport
from commonplace.stages.categorizing.subjects import subjects

PER_SECOND = 300
CALIBRATION_ERROR = 0.05
NARROW_CALIBRATION_ERROR = 0.15
HELD_OUT = 0.77
TAGS_USED_AGAIN = 0.5


def lexicon_alone(counter: Counter) -> float:
    """The floor: the example set that most words of the lexicon point to, on the held-out topics."""
    sets = np.array(lexicon().sets)
    unseen = [example for example in examples() if example.is_held_out]
    hits = 0
    for example in unseen:
        found = counter.vector(example.fields).groups
        hits += bool(found.sum()) and sets[found.argmax()] == example.example_set
    return hits / len(unseen)


class _Given:
    """Directions that are there already; where they point is no matter."""

    key = free_embedder().key

    def of(self, subjects: Sequence[Subject]) -> Directions:
        rows = np.random.default_rng(0).standard_normal((3, len(subjects), LENGTH))
        return Directions(*rows.astype(np.float32))


def speed(count: int) -> dict[str, Any]:
    """From an archive, with everything that is recorded."""
    taxonomy = shipped("everyday")
    assert taxonomy is not None
    judge = LocalJudge(meaning=_Given())
    started = time.process_time()
    judge.model_of(taxonomy)
    training = time.process_time() - started
    with (
        tempfile.TemporaryDirectory() as folder,
        open_archive(f"sqlite:///{folder}/archive.db") as archive,
        Answers(Path(folder) / "answers.db") as answers,
    ):
        corpus = categorize_openai.corpus(count)
        judging = _seconds_to_judge(judge, corpus, taxonomy)
        for start in range(0, count, 200):
            merge(archive, None, [_conversation(subject) for subject in corpus[start : start + 200]])
        reading = _seconds_to_read(archive, conversation_ids(archive))
        started, computing = time.perf_counter(), time.process_time()
        report = CategorizeReport()
        using: Judging[Judge] = Judging(archive=archive, judge=judge, taxonomy=taxonomy, answers=answers)
        stage.judge_pending(using, report)
        seconds, computed = time.perf_counter() - started, time.process_time() - computing
    return {
        "conversations": report.judged,
        "characters_each": round(sum(len(t.text) for s in corpus for t in s.turns) / count),
        "per_second": round(report.judged / seconds),
        "per_cpu_second": round(report.judged / computed),
        "judging_alone_per_cpu_second": round(count / judging),
        "reading_alone_per_second": round(count / reading),
        "training_cpu_seconds": round(training, 2),
    }


def _seconds_to_judge(judge: Judge, corpus: Sequence[Subject], taxonomy: Taxonomy) -> float:
    """Of the processor."""
    started = time.process_time()
    for start in range(0, len(corpus), stage.CHUNK):
        judge.judge(corpus[start : start + stage.CHUNK], taxonomy)
    return time.process_time() - started


def _seconds_to_read(archive: Archive, ids: Sequence[str]) -> float:
    started = time.perf_counter()
    for start in range(0, len(ids), stage.CHUNK):
        subjects(archive, ids[start : start + stage.CHUNK])
    return time.perf_counter() - started


def _conversation(subject: Subject) -> Conversation:
    messages = [
        Message(id=f"{subject.conversation_id}-{n}", role=turn.role, text=turn.text, digest=b"x", position=n)
        for n, turn in enumerate(subject.turns)
    ]
    for before, after in pairwise(messages):
        after.parent_id = before.id
    _, _, identity = subject.conversation_id.partition(":")
    return Conversation(
        source="chatgpt", external_id=identity or subject.conversation_id, title=subject.title, messages=messages
    )


def tags() -> dict[str, Any]:
    """How far tags recur, over a thousand of the shipped chats as if they were an archive: a hard one, of as many
    subjects as chats. Beside it the same without knowing what recurs."""
    archive = [example.subject for example in examples() if not example.is_held_out][::3][:1000]
    known = recurring(map(candidates, archive))
    same = recurring(map(candidates, archive), alike=partial(synonyms, free_embedder()))
    by = {"alone": Recurring(), "knowing_what_recurs": known, "and_what_means_the_same": same}
    return {"chats": len(archive), **{name: _reuse(archive, each) for name, each in by.items()}}


def _reuse(archive: Sequence[Subject], known: Recurring) -> dict[str, float]:
    given = [gist_of(subject, TagsPolicy(), known).tags for subject in archive]
    used = collections.Counter(tag for tags in given for tag in tags)
    total = used.total()
    return {
        "tags_each": round(total / len(archive), 2),
        "of_two_words": round(sum(count for tag, count in used.items() if " " in tag) / total, 3),
        "used_again": round(sum(count for count in used.values() if count > 1) / total, 3),
        "different_ones": len(used),
        "in_other_words": len(synonyms(free_embedder(), [tag for tag, _ in used.most_common()])),
        "used_once": sum(count == 1 for count in used.values()),
    }


def run(*, quick: bool = False, prompts_of: Path | None = None) -> dict[str, Any]:
    counter = Counter()
    told = {"words_alone": Told(counter, None), "with_meaning": Told(counter, EmbeddedMeaning(free_embedder()))}
    found: dict[str, Any] = {"speed": speed(600 if quick else 3000), "quality": {}}
    for name in shipped_names():
        taxonomy = shipped(name)
        assert taxonomy is not None
        found["quality"][name] = {by: _quality(taxonomy, made, quick, prompts_of) for by, made in told.items()}
    found["tags"] = tags()
    found["narrow_sets"] = narrow(told["with_meaning"])
    found["quality"]["floors"] = {"largest_category": 1 / 15, "lexicon_alone": lexicon_alone(counter)}
    return found


def _quality(taxonomy: Taxonomy, told: Told, quick: bool, prompts_of: Path | None) -> dict[str, Any]:
    figures: dict[str, Any] = msgspec.to_builtins(held_out(taxonomy, told))
    if prompts_of is not None and taxonomy.name == DEFAULT:
        figures["prompts"] = prompts(taxonomy, told, prompts_of)
    if not quick:
        figures["cross_validated_accuracy"] = cross_validated(taxonomy, told)
        if told.meaning:
            found = described_only(taxonomy, told)
            figures["from_descriptions"] = {
                "at_first": [found.at_first.accuracy, found.at_first.calibration_error],
                "five_fold": {kind: each._asdict() for kind, each in found.five_fold.items()},
                "held_out": {kind: each._asdict() for kind, each in found.held_out.items()},
            }
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--local", action="store_true", help="the judge `local` alone")
    parser.add_argument("--prompts", type=Path, help="measure on these, too: a file of lines with turns and labels")
    options = parser.parse_args()
    found = run(quick=options.quick, prompts_of=options.prompts)
    ok = found["speed"]["judging_alone_per_cpu_second"] >= PER_SECOND
    ok &= found["quality"][DEFAULT]["with_meaning"]["calibration_error"] <= CALIBRATION_ERROR
    ok &= found["quality"][DEFAULT]["with_meaning"]["accuracy"] >= HELD_OUT
    ok &= found["tags"]["knowing_what_recurs"]["used_again"] >= TAGS_USED_AGAIN
    ok &= all(each["calibration_error"] <= NARROW_CALIBRATION_ERROR for each in found["narrow_sets"]["unseen"].values())
    if not options.local:
        found["openai"] = categorize_openai.run(quick=options.quick)
        ok &= all(r["share_of_the_limit"] >= categorize_openai.TARGET for r in found["openai"]["throughput"])
    print(json.dumps(_rounded(found), indent=2, ensure_ascii=False))
    return int(not ok)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
