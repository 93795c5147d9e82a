"""The category sets of an archive: those that ship, and a person's own."""

from __future__ import annotations

from pathlib import Path

import msgspec

from commonplace.archive.core import Archive
from commonplace.archive.verdicts.merged import Merged, last_merged, remember_merged, take_back, uses
from commonplace.archive.verdicts.taxonomies import definitions, remove_definition, rename_in_verdicts, save_definition
from commonplace.categorize.contract import Category, Taxonomy
from commonplace.categorize.definitions import check, parse, read_taxonomy, shipped, shipped_names, to_toml
from commonplace.errors import Refused
from commonplace.moments import now


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of taxonomies."""

    name: str
    title: str
    categories: int
    is_own: bool


def taxonomy_named(archive: Archive, name: str) -> Taxonomy:
    """The person's own taxonomy of that name, else the one that ships."""
    own = definitions(archive).get(name)
    found = parse(own.definition) if own else shipped(name)
    if found is None:
        known = sorted({*definitions(archive), *shipped_names()})
        raise Refused(f"There is no taxonomy {name!r}.", hint=f"There are: {', '.join(known)}.")
    return found


def list_taxonomies(archive: Archive) -> list[Listed]:
    """Every taxonomy that can be used, by name. A person's own takes the place of a shipped one."""
    own = definitions(archive)
    found = [taxonomy_named(archive, name) for name in sorted({*own, *shipped_names()})]
    return [
        Listed(name=found.name, title=found.title, categories=len(found.categories), is_own=found.name in own)
        for found in found
    ]


def moments(archive: Archive) -> dict[str, int]:
    """When each of a person's own taxonomies was kept."""
    return {name: one.updated_at for name, one in definitions(archive).items()}


def keep(archive: Archive, taxonomy: Taxonomy) -> Taxonomy:
    """Check a taxonomy and keep it as the person's own."""
    check(taxonomy)
    save_definition(archive, taxonomy.name, taxonomy.hash, to_toml(taxonomy))
    return taxonomy


def import_taxonomy(archive: Archive, path: Path) -> Taxonomy:
    """Keep the taxonomy of a TOML, YAML or JSON file."""
    return keep(archive, read_taxonomy(path))


def create(archive: Archive, name: str, categories: list[str]) -> Taxonomy:
    """A new taxonomy from names of categories, each with a description after a colon if there is one."""
    parts = [category.partition(":") for category in categories]
    made = [Category(name=name.strip(), description=description.strip()) for name, _, description in parts]
    if not any(category.name == "Other" for category in made):
        made.append(Category(name="Other", description="Whatever fits nowhere else."))
    return keep(archive, Taxonomy(name=name, categories=tuple(made)))


def rename_category(archive: Archive, name: str, old: str, new: str) -> int:
    """Give a category another name, in its taxonomy and in every verdict and correction; how many were renamed."""
    before = taxonomy_named(archive, name)
    meant = before.get(old)
    if meant is None:
        raise Refused(f"{name} has no category {old!r}.", hint=f"It has: {', '.join(before.names)}.")
    old = meant.name
    categories = tuple(
        msgspec.structs.replace(category, name=new) if category.name == old else category
        for category in before.categories
    )
    fallback = new if before.fallback == old else before.fallback
    after = keep(archive, msgspec.structs.replace(before, categories=categories, fallback=fallback))
    return rename_in_verdicts(archive, name, old, new, hashes=(before.hash, after.hash))


def merged(taxonomy: Taxonomy, source: str, target: str) -> Taxonomy:
    """A set in which one category is part of another, with what was said of both."""
    one, other = taxonomy.get(source), taxonomy.get(target)
    if one is None or other is None:
        raise Refused(f"{taxonomy.name} has no such category.", hint=f"It has: {', '.join(taxonomy.names)}.")
    if one is other:
        raise Refused("A category cannot be merged into itself.")
    said = " ".join(part for part in (other.description, one.description) if part)
    examples = tuple(dict.fromkeys([*other.examples, *one.examples]))
    whole = msgspec.structs.replace(other, description=said, examples=examples)
    categories = tuple(whole if each is other else each for each in taxonomy.categories if each is not one)
    fallback = other.name if taxonomy.fallback == one.name else taxonomy.fallback
    return msgspec.structs.replace(taxonomy, categories=categories, fallback=fallback)


def merge_categories(archive: Archive, name: str, source: str, target: str) -> int:
    """Make one category part of another, with every verdict and correction; how many conversations that concerns."""
    before, was_own = taxonomy_named(archive, name), name in definitions(archive)
    planned = merged(before, source, target)
    (gone,) = {one.name for one in before.categories} - {one.name for one in planned.categories}
    (whole,) = [one.name for one in planned.categories if one.name.casefold() == target.casefold()]
    judged, said = uses(archive, name, gone)
    after = keep(archive, planned)
    hashes = (before.hash, after.hash)
    was = Merged(
        source=gone,
        target=whole,
        at=now(),
        definition=to_toml(before),
        was_own=was_own,
        hashes=hashes,
        judged=judged,
        said=said,
    )
    remember_merged(archive, name, was)
    return rename_in_verdicts(archive, name, gone, whole, hashes=hashes)


def merge_to_undo(archive: Archive, name: str) -> Merged | None:
    """The last merge in a set, as long as the set is what that left."""
    last = last_merged(archive, name)
    return last if last and taxonomy_named(archive, name).hash == last.hashes[1] else None


def undo_merge(archive: Archive, name: str) -> int:
    """Take the last merge back: the set, and all that was sorted there; how many conversations that concerns."""
    last = merge_to_undo(archive, name)
    if last is None:
        raise Refused(
            f"There is no merge in {name} to take back.",
            hint="The last one can be taken back until the set is changed in another way.",
        )
    if last.was_own:
        keep(archive, parse(last.definition))
    else:
        remove_definition(archive, name)
    remember_merged(archive, name, None)
    return take_back(archive, name, last)


def remove(archive: Archive, name: str) -> None:
    """Forget a person's own taxonomy; its verdicts stay."""
    if not remove_definition(archive, name):
        raise Refused(f"There is no taxonomy of yours called {name!r}.")
