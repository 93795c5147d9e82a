"""What a change of the taxonomy has judged again: the verdicts that it can touch, and no others.

The archive remembers the taxonomy as it was when it was used last. Where it is another now, verdicts that the
difference cannot touch count as made with it as it is.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, or_, select, true, update

from commonplace.archive.core import Archive
from commonplace.archive.memory import recall_as, remember
from commonplace.archive.schema import conversations, verdicts
from commonplace.categorize.contract import Category, Taxonomy


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is different."""

    before: Taxonomy
    after: Taxonomy

    @property
    def is_general(self) -> bool:
        """Something that every verdict depends on."""
        one, other = self.before, self.after
        return (one.tags, one.description) != (other.tags, other.description)

    @property
    def concerned(self) -> set[str]:
        """The categories that are gone, said otherwise, or that took what fitted nowhere and do so no more."""
        before, after = _seen(self.before), _seen(self.after)
        other = {name for name, said in before.items() if after.get(name) != said}
        fallbacks = {self.before.fallback, self.after.fallback}
        return other | (fallbacks if len(fallbacks) > 1 else set())

    @property
    def is_wider(self) -> bool:
        """Some category takes more or other things than before: it may be what the unsure ones were waiting for."""
        before = _seen(self.before)
        return any(before.get(name) != said for name, said in _seen(self.after).items())

    def touches(self, review_below: float) -> ColumnElement[bool]:
        """Whether a verdict made with the taxonomy as it was might be another now."""
        said = verdicts.c
        if self.is_general:
            return true()
        named = or_(said.category.in_(self.concerned), func.coalesce(said.runner_up, "").in_(self.concerned))
        unsure = or_(said.confidence < review_below, said.category == self.before.fallback)
        return or_(named if self.concerned else false(), unsure if self.is_wider else false())


def change_of(archive: Archive, taxonomy: Taxonomy) -> Change | None:
    """How a taxonomy differs from what it was when it was used last; None if it does not, or never was."""
    before = recall_as(archive, _name(archive, taxonomy), Taxonomy)
    return Change(before=before, after=taxonomy) if before is not None and before.hash != taxonomy.hash else None


def count_touched(archive: Archive, change: Change, review_below: float) -> int:
    """How many conversations are to be judged again because of it."""
    said, table = verdicts.c, conversations.c
    there = and_(table.owner == said.owner, table.id == said.conversation_id, table.content_hash == said.content_hash)
    query = (
        select(func.count(said.conversation_id.distinct()))
        .select_from(verdicts.join(conversations, there))
        .where(_made_with(archive, change.before), change.touches(review_below))
    )
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def settle(archive: Archive, taxonomy: Taxonomy, review_below: float) -> None:
    """From now on the taxonomy is what it is: what the change cannot touch counts as made with it."""
    change = change_of(archive, taxonomy)
    if change is not None:
        untouched = (_made_with(archive, change.before), ~change.touches(review_below))
        with archive.write() as connection:
            connection.execute(update(verdicts).where(*untouched).values(taxonomy_hash=taxonomy.hash))
    remember(archive, _name(archive, taxonomy), msgspec.json.encode(taxonomy).decode())


def counts_as_made_with(archive: Archive, taxonomy: Taxonomy, review_below: float) -> ColumnElement[bool]:
    """Whether a verdict holds under the taxonomy as it is, also before that is settled."""
    change = change_of(archive, taxonomy)
    exactly = verdicts.c.taxonomy_hash == taxonomy.hash
    if change is None:
        return exactly
    return or_(exactly, and_(_made_with(archive, change.before), ~change.touches(review_below)))


def _made_with(archive: Archive, taxonomy: Taxonomy) -> ColumnElement[bool]:
    said = verdicts.c
    return and_(said.owner == archive.owner, said.taxonomy == taxonomy.name, said.taxonomy_hash == taxonomy.hash)


def _seen(taxonomy: Taxonomy) -> dict[str, tuple[object, ...]]:
    return {category.name: _what_judges_see(category) for category in taxonomy.categories}


def _what_judges_see(category: Category) -> tuple[object, ...]:
    return category.description, category.examples, category.group, category.taught_by


def _name(archive: Archive, taxonomy: Taxonomy) -> str:
    return f"taxonomy-used:{archive.owner}:{taxonomy.name}"
