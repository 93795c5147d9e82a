"""The judge `local`: no key, no download, no network. Made of the taxonomy, the shipped examples and corrections."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from commonplace.categorize.contract import Learned, Lesson, Meaning, Subject, Taxonomy
from commonplace.categorize.local import model as models
from commonplace.categorize.local.correcting import corrected
from commonplace.categorize.local.directions import joined
from commonplace.categorize.local.evidence import evidence_of
from commonplace.categorize.local.examples import fingerprint
from commonplace.categorize.local.fields import fields_of
from commonplace.categorize.local.gist import gist_of
from commonplace.categorize.local.languages import detect_language
from commonplace.categorize.local.model import Model
from commonplace.categorize.local.portrait import insights_of
from commonplace.categorize.local.tagging import Recurring
from commonplace.categorize.local.training import Task, counter, taught_apart, trained
from commonplace.errors import Defect
from commonplace.model import Usage, Verdict

Analysis = Literal["category", "summary", "insights"]
VERSION = "v9"
"""Raised when the same conversation would be judged differently."""
_TAUGHT = resources.files("commonplace.categorize") / "taught"
"""What ships, by `python -m benchmarks.what_ships`."""


class LocalJudge:
    """The models of the shipped taxonomies ship. Any other is taught when first asked for, which takes seconds,
    and kept in `folder` for the next time."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        learned: Learned = Learned(),
        analysis: Analysis = "summary",
        recurring: Recurring = Recurring(),
        meaning: Meaning | None = None,
    ) -> None:
        """`recurring`: words that many conversations of the archive have; tags are taken from them first. Without
        `meaning` the judge goes by words alone."""
        self._folder = folder
        self._lessons = tuple(learned.lessons)
        self._learned = learned.name
        self._analysis = analysis
        self._recurring = recurring
        self._meaning = meaning
        from threadpoolctl import threadpool_limits

        # Its products are small: threads that share one wait for each other, and keep a processor busy meanwhile.
        threadpool_limits(1, user_api="blas")
        self._counter = counter()
        self._models: dict[str, Model] = {}

    @property
    def key(self) -> str:
        depth = "" if self._analysis == "summary" else f"-{self._analysis}"
        return f"local/{VERSION}{depth}{f'~{self._learned}' if self._learned else ''}"

    def judge(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> list[Verdict | Defect]:
        """One verdict for each subject, in their order."""
        if not batch:
            return []
        model = self.model_of(taxonomy)
        fields = [fields_of(subject) for subject in batch]
        weighed = [each for some in self._counter.vectors(fields) for each in model.space.weigh_each(some)]
        directions = joined(self._meaning.of(batch)) if self._meaning else None
        scores = model.scores(weighed, directions)
        found = model.calibrated(scores, directions)
        ranked = found.argsort(axis=1)[:, ::-1].tolist()
        chosen = [row[0] for row in ranked]
        evidence = evidence_of(self._counter, model, fields, weighed, scores, chosen)
        given: list[Verdict | Defect] = []
        for subject, row, (best, second, *_), told in zip(batch, found.tolist(), ranked, evidence, strict=True):
            confidence = round(min(row[best], 0.99), 4)
            verdict = self._verdict(subject, taxonomy, model.categories[best], model.categories[second], confidence)
            verdict.evidence = told
            given.append(verdict)
        return given

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        """Nothing: it costs a few milliseconds."""
        return Usage()

    def close(self) -> None:
        """There is nothing to let go of."""

    def model_of(self, taxonomy: Taxonomy) -> Model:
        """The taxonomy's model, from memory, from a file, or taught now."""
        name = self._name(taxonomy, self._lessons)
        if name not in self._models:
            with _training:
                self._models[name] = self._found(name) or self._made(name, taxonomy)
        return self._models[name]

    def _found(self, name: str) -> Model | None:
        if name in _known:
            return _known[name]
        for folder in [_TAUGHT, self._folder] if self._folder else [_TAUGHT]:
            model = models.load(folder / f"{name}.npz")
            if model is not None and len(model.weights) == model.space.size + self._counter.dense_size:
                return _remember(name, model)
        return None

    def _made(self, name: str, taxonomy: Taxonomy) -> Model:
        """Taught, if nobody corrected anything; else what corrections teach, on top of that."""
        if not self._lessons:
            return self._trained(name, taxonomy)
        untouched = self._name(taxonomy, ())
        base = self._found(untouched) or self._trained(untouched, taxonomy)
        model = corrected(base, self._lessons, self._counter, self._meaning)
        if self._folder:
            model.save(self._folder / f"{name}.npz")
        return _remember(name, model)

    def _trained(self, name: str, taxonomy: Taxonomy) -> Model:
        task = Task((self._folder or Path()) / f"{name}.npz", taxonomy, self._meaning)
        if self._folder and taught_apart(task) and (found := self._found(name)):
            return found
        model = trained(task)
        if self._folder:
            model.save(task.file)
        return _remember(name, model)

    def _name(self, taxonomy: Taxonomy, lessons: Sequence[Lesson]) -> str:
        """Everything a model is made of, as a file's name."""
        learned = [(lesson.subject.conversation_id, lesson.subject.content_hash, lesson.category) for lesson in lessons]
        kind = self._meaning.key if self._meaning else ""
        made_of = msgspec.json.encode([VERSION, fingerprint(), taxonomy.hash, sorted(learned), kind])
        return f"local-{VERSION}-{blake2b(made_of, digest_size=8).hexdigest()}"

    def _verdict(
        self, subject: Subject, taxonomy: Taxonomy, category: str, runner_up: str, confidence: float
    ) -> Verdict:
        gist = gist_of(subject, taxonomy.tags, self._recurring)
        said = "\n".join([*(turn.text for turn in subject.turns[:6] if turn.role == "user"), subject.title or ""])
        return Verdict(
            conversation_id=subject.conversation_id,
            content_hash=subject.content_hash,
            category=category,
            runner_up=runner_up,
            confidence=confidence,
            tags=gist.tags,
            title=gist.title,
            summary=gist.summary if self._analysis != "category" else "",
            language=detect_language(said) or subject.language,
            insights=insights_of(subject, category, gist.tags) if self._analysis == "insights" else None,
            taxonomy=taxonomy.name,
            taxonomy_hash=taxonomy.hash,
            judge=self.key,
            model="local",
            prompt_version=VERSION,
        )


_training = threading.Lock()
_known: dict[str, Model] = {}
"""Judges are opened per chunk and in several threads at once: one of them trains, and a file is read once."""
_KEPT = 4


def _remember(name: str, model: Model) -> Model:
    while len(_known) >= _KEPT:
        _known.pop(next(iter(_known)))
    return _known.setdefault(name, model)
