"""A taxonomy: the categories that conversations are sorted into, and what tags they may get.

Any number, in any language. Taxonomies are written as TOML or YAML files and kept as rows; two ship with the package.
`hash` covers what a judge sees and nothing else, so another colour has nothing judged again.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Literal

import msgspec

Colour = Literal["default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"]
"""The colours that Notion has."""


class Category(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place to sort into."""

    name: str
    description: str = ""
    """What belongs here and, where categories touch, what does not: written for the judge."""
    examples: tuple[str, ...] = ()
    """A few things that people say in such conversations."""
    group: str | None = None
    """A heading that several categories share."""
    colour: Colour = "default"
    emoji: str | None = None
    taught_by: tuple[str, ...] = ()
    """Shipped examples that belong here: a set (`coding`) or a topic of one (`coding/css-layout`)."""


class TagsPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tags a verdict may carry."""

    most: int = 5
    allowed: tuple[str, ...] = ()
    """A closed list. Empty: the judge finds words of its own."""
    language: str | None = None
    """The language tags are written in. None: the conversation's."""


class Taxonomy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A named set of categories, one of which takes what fits nowhere else."""

    name: str
    categories: tuple[Category, ...]
    title: str = ""
    description: str = ""
    fallback: str = "Other"
    """The category for what fits nowhere else."""
    tags: TagsPolicy = TagsPolicy()

    @cached_property
    def hash(self) -> str:
        """Changes when something changes that a judge sees."""
        seen = [
            [[c.name, c.description, c.examples, c.group, c.taught_by] for c in self.categories],
            self.description,
            self.fallback,
            self.tags,
        ]
        return hashlib.blake2b(msgspec.json.encode(seen), digest_size=12).hexdigest()

    @property
    def names(self) -> list[str]:
        return [category.name for category in self.categories]

    def get(self, name: str) -> Category | None:
        """The category of that name, however its letters are cased."""
        wanted = name.strip().casefold()
        return next((category for category in self.categories if category.name.casefold() == wanted), None)
