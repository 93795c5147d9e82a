"""Front matter: the properties at the head of a note, ours and those that a person added.

Obsidian's property editor rewrites what it touches: quotes come and go, lists change their form. So properties are
compared by what they say, and whatever we do not have to change stays as it is written, comments included.

`merge` is a three-way merge. Facts are always ours. Where a person changed or removed what we had written of the
others, their word holds; of lists they may add and remove members.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from commonplace.destinations.markdown.settings import digest

Value = str | int | list[str]
Base = Mapping[str, Sequence[str]]
"""Of each property that we wrote: the digests of its members (of its only value)."""

_BLOCK = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<body>(?:.*\r?\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|$)")
_KEY = re.compile(r"(?P<key>\"[^\"]+\"|'[^']+'|[^\s#:\-\"'][^:]*?)[ \t]*:(?:[ \t]+(?P<rest>.*))?$")
_ITEM = re.compile(r"[ \t]*-(?:[ \t]+(?P<rest>.*))?$")
_FLOW_ITEM = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,"'\[\]{}]+?)\s*(?:,|$)""")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]+#.*""")
_NOTE = re.compile(r"\[\[(?:[^\[\]|#]*/)?(?P<name>[^\[\]|#/]+)(?:[|#][^\[\]]*)?\]\]")
_NOTHING = ("~", "null", "Null", "NULL")
_COMMENT = re.compile(r"(?:^|[ \t]+)#.*$")
_ESCAPED = re.compile(r"[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN = re.compile(r"[^\W\d_](?:[\w ()+/.,–-]*[\w)+.])?|[a-z]+:[\w/.:?=&+~%-]*[\w/]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_NOT_PLAIN = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


class Property(msgspec.Struct):
    """One property as it is written: its lines, and what they say (None: more than we understand)."""

    key: str
    raw: str
    value: str | list[str] | None = None
    """None: nothing, or more than we understand."""

    @property
    def is_empty(self) -> bool:
        return self.value is None and self.raw.partition(":")[2].strip().strip("[]\"'") in ("", *_NOTHING)

    @property
    def word(self) -> str | None:
        """The only thing that it says, on one line: a vault may have a property as a list."""
        only = self.value[0] if isinstance(self.value, list) and len(self.value) == 1 else self.value
        return " ".join(only.split()) if isinstance(only, str) else None


def split(text: str) -> tuple[str | None, str]:
    """The properties' lines and the rest of the note; None if it has none."""
    found = _BLOCK.match(text)
    return (found["body"], text[found.end() :]) if found else (None, text)


def parse(body: str) -> list[Property]:
    """The properties in their order. A line that begins none belongs to the one before."""
    found: list[Property] = []
    for line in body.splitlines(keepends=True):
        match = _KEY.match(line.rstrip("\r\n"))
        if match:
            found.append(Property(match["key"].strip("\"'"), line))
        elif found:
            found[-1].raw += line
        else:
            found.append(Property("", line))
    for entry in found:
        entry.value = _read(entry.raw.splitlines())
    return found


def merge(
    existing: Sequence[Property], ours: Mapping[str, Value | None], base: Base | None, *, facts: AbstractSet[str]
) -> str:
    """The new properties' lines. Without a base (nobody knows what we wrote) our values hold and lists are united."""
    there = {entry.key: entry for entry in reversed(existing)}
    lines: dict[str, str | None] = {}
    for key, wanted in ours.items():
        before = there.get(key)
        if key in facts or (base is None and isinstance(wanted, str)):
            lines[key] = _line(key, before, wanted)
        elif isinstance(wanted, list):
            lines[key] = _list_line(key, before, wanted, (base or {}).get(key, ()))
        else:
            lines[key] = _scalar_line(key, before, wanted, (base or {}).get(key))
    order = dict.fromkeys([*(entry.key for entry in existing), *ours])
    kept = [lines[key] if key in lines else there[key].raw for key in order]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in kept if line)


def base_of(ours: Mapping[str, Value | None], *, facts: AbstractSet[str]) -> dict[str, list[str]]:
    """What has to be remembered to know the next time what a person changed."""
    return {key: digests(value) for key, value in ours.items() if value and key not in facts}


def write(key: str, value: Value) -> str:
    if isinstance(value, list):
        return "".join([f"{key}:\n", *(f"  - {_scalar(item)}\n" for item in value)])
    return f"{key}: {value if isinstance(value, int) else _scalar(value)}\n"


def _line(key: str, before: Property | None, wanted: Value | None) -> str | None:
    if not wanted:
        return None
    if before is not None and _is_said(before, wanted):
        return before.raw
    return write(key, wanted)


def _scalar_line(key: str, before: Property | None, wanted: Value | None, base: Sequence[str] | None) -> str | None:
    if base is None:
        return before.raw if before else _line(key, None, wanted)
    if before is None:
        return None  # a person removed it
    is_untouched = before.word is not None and says(before.word, base)
    is_spelled_otherwise = isinstance(wanted, str) and (before.word or "").casefold() == wanted.casefold()
    return _line(key, before, wanted) if is_untouched or is_spelled_otherwise else before.raw


def _list_line(key: str, before: Property | None, wanted: list[str], base: Sequence[str]) -> str | None:
    if before is not None and before.value is None and before.raw.strip().removeprefix(key).strip(" :\"'"):
        return before.raw
    there = [before.value] if before and isinstance(before.value, str) else list(before.value or []) if before else []
    ours, written, seen = set(digests(wanted)), set(base), set(digests(there))
    kept = [item for item in there if _digest(item) in ours or _digest(item) not in written]
    added = [item for item in wanted if _digest(item) not in seen and _digest(item) not in written]
    return _line(key, before, [*kept, *added])


def _is_said(before: Property, wanted: Value) -> bool:
    if isinstance(wanted, list) or before.word is None:
        return before.value is not None and digests(before.value) == digests(wanted)
    return says(before.word, digests(wanted))


def says(word: str, written: Sequence[str]) -> bool:
    """Whether it is what these digests stand for; a person may have made a link of it."""
    return list(written) in ([_digest(word)], [_digest(unlinked(word))])


def unlinked(word: str) -> str:
    """What is meant by a word that may be a link to a note of that name."""
    found = _NOTE.fullmatch(word)
    return found["name"].strip() if found else word


def digests(value: Value) -> list[str]:
    """What stands for a property's members (its only value) in the opening mark."""
    return [_digest(str(item)) for item in (value if isinstance(value, list) else [value])]


def _digest(text: str) -> str:
    return digest(" ".join(text.split()))[:8]


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return text
    encoded = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", encoded)


def _read(lines: list[str]) -> str | list[str] | None:
    """What the lines of one property say, for the forms of YAML that people and editors write properties in."""
    match = _KEY.match(lines[0])
    first = _COMMENT.sub("", match["rest"] or "").strip() if match else ""
    more = [line for line in lines[1:] if line.strip() and not line.lstrip().startswith("#")]
    if not first:
        items = [_ITEM.match(line) for line in more]
        values = [_unquoted((item["rest"] or "").strip()) for item in items if item]
        return [value for value in values if value is not None] if values and len(values) == len(items) else None
    if first.startswith("["):
        return _flow("\n".join([first, *more]))
    if first[0] in "|>":
        text = textwrap.dedent("\n".join(lines[1:]))
        return text.strip("\n") if first[0] == "|" else " ".join(text.split())
    if match and first[0] in "\"'":
        first = (match["rest"] or "").strip()
    return _unquoted(" ".join([first, *(line.strip() for line in more)]))


def _flow(text: str) -> list[str] | None:
    inner = text.strip()
    if not inner.endswith("]"):
        return None
    inner, at, values = inner[1:-1].strip(), 0, []
    while at < len(inner):
        item = _FLOW_ITEM.match(inner, at)
        value = _unquoted(item[1]) if item else None
        if item is None or value is None:
            return None
        values.append(value)
        at = item.end()
    return values


def _unquoted(text: str) -> str | None:
    if commented := _QUOTED.fullmatch(text):
        text = commented[1]
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except ValueError:
            return None
        return value if isinstance(value, str) else None
    if text.startswith("'"):
        return text[1:-1].replace("''", "'") if len(text) > 1 and text.endswith("'") else None
    return None if text in _NOTHING or (text[:1] in "&*!|>{}%@`" and text) else _COMMENT.sub("", text)
