"""What the fake Notion refuses: every documented limit on properties and blocks, with Notion's kind of message."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.fakes.notion.markdown import LANGUAGES

Json = dict[str, Any]

TEXT, ARRAY, BLOCKS, LEVELS = 2000, 100, 1000, 2
PAYLOAD_BYTES = 500 * 1024


class Invalid(Exception):
    """A 400 validation_error."""


def only(body: Json, *allowed: str) -> None:
    """Nothing but these keys."""
    if unknown := set(body) - set(allowed):
        raise Invalid(f"body failed validation: {sorted(unknown)} should be not present.")


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_array(where: str, items: Any) -> None:
    if not isinstance(items, list):
        raise Invalid(f"{where} should be an array, instead was `{json.dumps(items)[:80]}`.")
    if len(items) > ARRAY:
        raise Invalid(f"{where}.length should be ≤ `{ARRAY}`, instead was `{len(items)}`.")


def check_rich_text(where: str, items: Any) -> str:
    """The plain text, if the rich text is within the limits."""
    check_array(where, items)
    texts = []
    for number, item in enumerate(items):
        if item.get("type", "text") == "equation":
            expression = item["equation"]["expression"]
            if len(expression) > 1000:
                raise Invalid(f"{where}[{number}].equation.expression.length should be ≤ `1000`.")
            texts.append(expression)
            continue
        content = item["text"]["content"]
        if units(content) > TEXT:
            raise Invalid(
                f"{where}[{number}].text.content.length should be ≤ `{TEXT}`, instead was `{units(content)}`."
            )
        link = item["text"].get("link")
        if link is not None and (len(link["url"]) > 2000 or not re.match(r"(https?://|mailto:)", link["url"])):
            raise Invalid("Invalid URL for link.")
        if set(item.get("annotations", {})) - {"bold", "italic", "strikethrough", "underline", "code", "color"}:
            raise Invalid(f"{where}[{number}].annotations has unknown keys.")
        texts.append(content)
    return "".join(texts)


def check_properties(properties: Json, schema: Json) -> dict[str, Json]:
    """The values by property name; references are counted per request."""
    named = {name: name for name in schema} | {definition["id"]: name for name, definition in schema.items()}
    values: dict[str, Json] = {}
    references = 0
    for key, value in properties.items():
        if key not in named:
            raise Invalid(f"{key} is not a property that exists.")
        name = named[key]
        type_ = schema[name]["type"]
        if set(value) - {"type", type_, "id"} or type_ not in value:
            raise Invalid(f"{name} is expected to be {type_}.")
        values[name] = {"id": schema[name]["id"], "type": type_, type_: _value(name, type_, value[type_])}
        if type_ in ("multi_select", "relation", "people"):
            references += len(value[type_])
    if references > ARRAY:
        raise Invalid(f"At most {ARRAY} references per request, instead were {references}.")
    return values


def _value(name: str, type_: str, value: Any) -> Any:
    if type_ in ("title", "rich_text"):
        check_rich_text(f"body.properties.{name}.{type_}", value)
        return [item | {"plain_text": item["text"]["content"]} for item in value]
    if type_ == "select" and value is not None:
        _check_option(name, value)
    elif type_ in ("multi_select", "relation"):
        check_array(f"body.properties.{name}", value)
        if type_ == "multi_select":
            for option in value:
                _check_option(name, option)
    elif type_ == "url" and value is not None and (not value or len(value) > 2000):
        raise Invalid(f"{name} is not a valid url.")
    elif type_ == "number" and value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Invalid(f"{name} is not a number.")
    elif type_ == "date" and value is not None and not re.match(r"\d{4}-\d\d-\d\d", value["start"]):
        raise Invalid(f"{name} is not a date.")
    return value


def _check_option(name: str, option: Json) -> None:
    label = option.get("name", "")
    if not label or len(label) > 100 or "," in label:
        raise Invalid(f"Invalid option for {name}: names are 1 to 100 characters without commas.")


def check_blocks(blocks: Any, where: str = "body.children") -> None:
    check_array(where, blocks)
    total = sum(_check_block(block, f"{where}[{n}]", 0) for n, block in enumerate(blocks))
    if total > BLOCKS:
        raise Invalid(f"At most {BLOCKS} blocks per request, instead were {total}.")


def _check_block(block: Json, where: str, depth: int) -> int:
    type_ = block["type"]
    if set(block) - {"object", "type", type_}:
        raise Invalid(f"{where} has unknown keys.")
    content = block[type_]
    if "rich_text" in content:
        check_rich_text(f"{where}.{type_}.rich_text", content["rich_text"])
    if type_ == "code" and content["language"] not in LANGUAGES | {"plain text", "ascii art", "abc", "llvm ir",
                                                                  "notion formula", "visual basic"}:  # fmt: skip
        raise Invalid(f"{where}.code.language should be a known language.")
    if type_ == "equation" and len(content["expression"]) > 1000:
        raise Invalid(f"{where}.equation.expression.length should be ≤ `1000`.")
    if type_ == "table_row":
        for cell in content["cells"]:
            check_rich_text(f"{where}.cells", cell)
    children = content.get("children", [])
    check_array(f"{where}.{type_}.children", children)
    if children and depth >= LEVELS:
        raise Invalid(f"{where}.{type_}.children should be not present: too deep.")
    if type_ == "table" and (
        not children or any(len(row["table_row"]["cells"]) != content["table_width"] for row in children)
    ):
        raise Invalid(f"{where}.table rows should have table_width cells.")
    return 1 + sum(_check_block(child, f"{where}.{type_}.children[{n}]", depth + 1) for n, child in enumerate(children))
