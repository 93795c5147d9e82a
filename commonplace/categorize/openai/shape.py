"""The shape of an answer as JSON Schema: strict for OpenAI, and with bounds for servers that write by a grammar.

A small model writes whatever its grammar allows: forty tags, a confidence of 95, an answer about a conversation that it
was not asked about. So `bounded` allows exactly what is wanted.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from commonplace.categorize.contract import Taxonomy
from commonplace.errors import Refused

MOST_ENUM_VALUES = 1000
"""Of a whole schema; the categories are named twice in it."""
LONGEST = {"language": 8, "evidence": 160, "title": 80, "summary": 500, "tags": 40}
LONGEST_OTHER = 100
"""Characters."""
MOST_PARTS = 3
"""Topics, skills and the like of an insights document."""

_KEPT = {"type", "properties", "required", "items", "enum", "anyOf", "description"}


def strict_schema(shape: type[BaseModel], taxonomy: Taxonomy) -> dict[str, Any]:
    """As OpenAI takes it: the same bytes for every request about a taxonomy."""
    if 2 * len(taxonomy.categories) > MOST_ENUM_VALUES:
        raise Refused(
            f"The taxonomy {taxonomy.name!r} has {len(taxonomy.categories)} categories; "
            f"hosted judges take {MOST_ENUM_VALUES // 2} at most."
        )
    raw = shape.model_json_schema()
    item = _strict(raw, raw.get("$defs", {}))
    properties = item["properties"]
    properties["category"] = {"type": "string", "enum": taxonomy.names}
    properties["runner_up"] = {"anyOf": [{"type": "string", "enum": taxonomy.names}, {"type": "null"}]}
    return {
        "type": "object",
        "properties": {"verdicts": {"type": "array", "items": item}},
        "required": ["verdicts"],
        "additionalProperties": False,
    }


def _strict(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A pydantic schema as strict mode takes it: references resolved, every property required, only the basics."""
    if "$ref" in schema:
        resolved = definitions[schema["$ref"].rpartition("/")[2]]
        return _strict({**resolved, **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    kept = {key: value for key, value in schema.items() if key in _KEPT}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if "properties" in kept:
        kept["properties"] = {name: _strict(each, definitions) for name, each in kept["properties"].items()}
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
        # The class's docstring speaks to us, not to the model.
        kept.pop("description", None)
    if "items" in kept:
        kept["items"] = _strict(kept["items"], definitions)
    if "anyOf" in kept:
        kept["anyOf"] = [_strict(each, definitions) for each in kept["anyOf"]]
    return kept


def bounded(schema: dict[str, Any], taxonomy: Taxonomy, count: int) -> dict[str, Any]:
    """The same for exactly so many conversations, with nothing open-ended in it."""
    item = schema["properties"]["verdicts"]["items"]
    shapes = {name: _bounded(name, each) for name, each in item["properties"].items()}
    shapes["index"] = {"type": "integer", "enum": list(range(count))}
    shapes["tags"] = _tags(shapes["tags"], taxonomy)
    verdicts = {"type": "array", "items": {**item, "properties": shapes}, "minItems": count, "maxItems": count}
    return {**schema, "properties": {"verdicts": verdicts}}


def example_of(schema: dict[str, Any]) -> Any:
    """An answer of that shape, to show to a model that knows no schemas."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0])
    match schema["type"]:
        case "object":
            return {name: example_of(each) for name, each in schema["properties"].items()}
        case "array":
            return [example_of(schema["items"])]
        case "number" | "integer":
            return 0.7 if schema["type"] == "number" else 0
        case _:
            return "…"


def _bounded(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [_bounded(name, each) for each in schema["anyOf"]]}
    match schema["type"]:
        case "string" if "enum" not in schema:
            return {**schema, "maxLength": LONGEST.get(name, LONGEST_OTHER)}
        case "number":
            return {**schema, "minimum": 0, "maximum": 1}
        case "array":
            return {**schema, "items": _bounded(name, schema["items"]), "maxItems": MOST_PARTS}
        case "object":
            return {**schema, "properties": {key: _bounded(key, each) for key, each in schema["properties"].items()}}
        case _:
            return schema


def _tags(schema: dict[str, Any], taxonomy: Taxonomy) -> dict[str, Any]:
    policy = taxonomy.tags
    allowed = {"items": {"type": "string", "enum": list(policy.allowed)}} if policy.allowed else {}
    return {**schema, **allowed, "maxItems": policy.most}
