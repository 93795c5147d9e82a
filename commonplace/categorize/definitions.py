"""Taxonomies as people write them: TOML or YAML in, checked; TOML out; and the ones that ship with the package."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from commonplace.categorize.taxonomy import Taxonomy
from commonplace.errors import Refused

DEFAULT = "everyday"
MOST_CATEGORIES = 100
"""As many as Notion lets a choice have; a judge gives up long before."""
LONGEST_NAME = 100
MOST_TAGS = 20
_SHIPPED = resources.files("commonplace.categorize") / "taxonomies"
_EXAMPLES = resources.files("commonplace.categorize") / "examples"


def shipped_names() -> list[str]:
    """The taxonomies that come with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".toml"))


def shipped(name: str) -> Taxonomy | None:
    """The taxonomy of that name that comes with the package."""
    if name not in shipped_names():
        return None
    return parse(_SHIPPED.joinpath(f"{name}.toml").read_text(encoding="utf-8"), "toml", where=f"{name}.toml")


def read_taxonomy(path: Path) -> Taxonomy:
    """A taxonomy from a `.toml`, `.yaml`, `.yml` or `.json` file, checked."""
    if not path.is_file():
        raise Refused(f"There is no file {path}.")
    kind = path.suffix.lower().lstrip(".").replace("yml", "yaml")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Refused(f"{path.name} is not UTF-8 text.") from exc
    return parse(text, kind, where=path.name)


def parse(text: str, kind: str = "toml", *, where: str = "The taxonomy") -> Taxonomy:
    """A taxonomy from its text; every problem names the place and what to do."""
    try:
        taxonomy = msgspec.convert(_decode(text, kind, where), Taxonomy)
    except msgspec.ValidationError as exc:
        raise Refused(f"{where}: {_explained(str(exc))}") from exc
    check(taxonomy, where=where)
    return taxonomy


def to_toml(taxonomy: Taxonomy) -> str:
    """The file that `parse` reads back as the same taxonomy."""
    import tomlkit

    def without_defaults(struct: msgspec.Struct) -> dict[str, Any]:
        fields = ((field, getattr(struct, field.name)) for field in msgspec.structs.fields(struct))
        return {field.name: msgspec.to_builtins(value) for field, value in fields if value != field.default}

    document = tomlkit.document()
    document.update({k: v for k, v in without_defaults(taxonomy).items() if k not in ("categories", "tags")})
    if tags := without_defaults(taxonomy.tags):
        document["tags"] = tags
    rows = tomlkit.aot()
    for category in taxonomy.categories:
        row = tomlkit.table()
        row.update(without_defaults(category))
        rows.append(row)
    document["categories"] = rows
    return tomlkit.dumps(document)


def check(taxonomy: Taxonomy, *, where: str = "The taxonomy") -> None:
    """Refuse what would confuse a judge, a destination or a person."""

    def refuse(problem: str, hint: str | None = None) -> None:
        raise Refused(f"{where}: {problem}", hint=hint)

    if not taxonomy.name or not all(letter.isalnum() or letter in "-_" for letter in taxonomy.name):
        refuse(f"{taxonomy.name!r} cannot be the name of a taxonomy.", "Use letters, digits, - and _.")
    if len(taxonomy.categories) < 2:
        refuse("it needs at least two categories.")
    if len(taxonomy.categories) > MOST_CATEGORIES:
        refuse(f"it has {len(taxonomy.categories)} categories; at most {MOST_CATEGORIES} are possible.")
    for name in taxonomy.names:
        if problem := _name_problem(name):
            refuse(f"the category {name!r} {problem}.")
    if double := _doubles(taxonomy.names):
        refuse(f"there are two categories {double!r}.", "Names must differ in more than case, spaces and commas.")
    if taxonomy.fallback not in taxonomy.names:
        refuse(
            f"there is no category {taxonomy.fallback!r} for what fits nowhere else.",
            "Add it, or name yours with `fallback`.",
        )
    if not 0 <= taxonomy.tags.most <= MOST_TAGS:
        refuse(f"tags.most is {taxonomy.tags.most}; it must be between 0 and {MOST_TAGS}.")
    if double := _doubles(taxonomy.tags.allowed):
        refuse(f"the tag {double!r} is allowed twice.")
    for category in taxonomy.categories:
        for reference in category.taught_by:
            if not _is_shipped_set(reference):
                refuse(f"{category.name}: there are no shipped examples {reference!r}.")


def _name_problem(name: str) -> str | None:
    if not name.strip():
        return "has no name"
    if name != name.strip() or not name.isprintable():
        return "begins or ends with a space, or holds something invisible"
    if len(name) > LONGEST_NAME:
        return f"has a name longer than {LONGEST_NAME} characters"
    return None


def _doubles(names: Iterable[str]) -> str | None:
    """A name that is there twice as a person (or Notion, which knows no commas) reads it."""
    seen: set[str] = set()
    for name in names:
        folded = " ".join(name.casefold().replace(",", " ").split())
        if folded in seen:
            return name
        seen.add(folded)
    return None


def _is_shipped_set(reference: str) -> bool:
    return _EXAMPLES.joinpath(f"{reference.partition('/')[0]}.jsonl").is_file()


def _decode(text: str, kind: str, where: str) -> Any:
    try:
        if kind == "toml":
            return tomllib.loads(text)
        if kind == "json":
            return msgspec.json.decode(text)
        if kind == "yaml":
            return _decode_yaml(text, where)
    except (tomllib.TOMLDecodeError, msgspec.DecodeError) as exc:
        raise Refused(f"{where} is not valid {kind.upper()}: {exc}.") from exc
    raise Refused(f"{where}: a taxonomy cannot be read from {kind!r}.", hint="Use .toml, .yaml or .json.")


def _decode_yaml(text: str, where: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise Refused(f"{where} is not valid YAML{place}.") from exc


def _explained(problem: str) -> str:
    """msgspec's sentence, with the nearest known key where the key is unknown."""
    if "unknown field" not in problem:
        return problem
    from commonplace.categorize.taxonomy import Category, TagsPolicy

    key = problem.split("`")[1]
    known = {*Taxonomy.__struct_fields__, *Category.__struct_fields__, *TagsPolicy.__struct_fields__}
    near = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}." + (f" Did you mean {near[0]!r}?" if near else "")
