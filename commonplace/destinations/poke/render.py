"""What Poke is told of conversations: as text for a person's assistant, or as JSON.

Only what leads to a conversation: title, category, project, summary, insights, link. What was said is sent only where
the settings say so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from commonplace.destinations.contract import Document
from commonplace.destinations.poke.settings import PokeSettings
from commonplace.destinations.sendable import sendable
from commonplace.errors import Permanent, Refused
from commonplace.model import Conversation
from commonplace.moments import to_iso

if TYPE_CHECKING:
    import jinja2

Facts = dict[str, Any]

NAMES = (
    "id", "title", "category", "tags", "project", "summary", "language", "confidence", "insights", "link", "created_at",
    "updated_at", "text",
)  # fmt: skip
"""What is known of a conversation; `text` only where the settings include it."""
OF_DIGEST = ("id", "title", "category", "project", "summary", "link", "updated_at")
"""What is kept of a conversation until the digest is sent."""
OF_SEVERAL = ("count", "conversations", "categories", "projects", "more")
CUT = "\n… (cut)"
MOST_NAMED = 5


def facts(document: Document, settings: PokeSettings) -> Facts:
    """All that may be told of a conversation, in the names of `NAMES`."""
    conversation = document.conversation
    told = {
        "id": conversation.id,
        "title": conversation.title or "Untitled",
        "category": document.category,
        "tags": document.tags,
        "project": document.project_name,
        "summary": document.summary,
        "language": document.language,
        "confidence": document.confidence,
        "insights": document.insights,
        "link": conversation.url,
        "created_at": to_iso(conversation.created_at),
        "updated_at": to_iso(conversation.updated_at),
        "text": _text(conversation) if settings.include_text else None,
    }
    found: Facts = sendable(told)
    return found


def brief(document: Document, settings: PokeSettings) -> Facts:
    """What a digest tells of one, to be kept until it is sent."""
    all_of_it = facts(document, settings)
    return {name: all_of_it[name] for name in OF_DIGEST}


def message_of(told: Facts, settings: PokeSettings) -> str:
    """A message about one conversation."""
    if settings.template:
        return cut(_rendered(settings.template, told), settings)
    about = " · ".join(filter(None, (told["category"], told["project"])))
    insights = [f"{name}: {_plain(value)}" for name, value in (told["insights"] or {}).items() if value]
    parts = [told["title"], about, told["summary"], "\n".join(insights), told["link"], told["text"]]
    return cut("\n".join(part for part in parts if part), settings)


def document_of(told: Facts, settings: PokeSettings) -> Facts:
    """A conversation as JSON: the template's, the fields', or all there is."""
    if settings.template:
        return _object(_rendered(settings.template, told))
    if settings.fields:
        return {theirs: told[ours] for theirs, ours in settings.fields.items()}
    return {name: value for name, value in told.items() if value not in (None, [], {})}


def digest_of(members: Sequence[Facts], settings: PokeSettings) -> str:
    """A message about several; the newest are named."""
    members = newest_first(members)
    categories, projects = (_counted(members, name) for name in ("category", "project"))
    named = members[: settings.titles]
    more = len(members) - len(named)
    if settings.template:
        values = {"count": len(members), "conversations": named, "more": more}
        return cut(_rendered(settings.template, values | {"categories": categories, "projects": projects}), settings)
    what = "conversation is" if len(members) == 1 else "conversations are"
    lines = [f"{len(members):,} {what} new in your archive."]
    for label, counted in (("Categories", categories), ("Projects", projects)):
        if counted:
            lines.append(f"{label}: " + ", ".join(f"{name} ({count:,})" for name, count in counted.items()))
    lines += [f"- {member['title']}" + (f" {member['link']}" if member.get("link") else "") for member in named]
    return cut("\n".join([*lines, *([f"and {more:,} more"] if more and named else [])]), settings)


def event_of(members: Sequence[Facts], settings: PokeSettings) -> Facts:
    """The same for a trigger: the text, and each as JSON."""
    told = [{name: value for name, value in member.items() if value} for member in newest_first(members)]
    return {"message": digest_of(members, settings), "count": len(members), "conversations": told}


def newest_first(members: Sequence[Facts]) -> list[Facts]:
    return sorted(members, key=lambda member: (member.get("updated_at") or "", member["id"]), reverse=True)


def check_form(settings: PokeSettings) -> None:
    """Refused where the template or the fields ask for what there is not."""
    known = OF_SEVERAL if settings.is_together else NAMES
    for ours in settings.fields.values():
        if ours not in NAMES:
            raise Refused(f"[destinations.poke] fields: there is no {ours!r}.", hint=f"There are: {', '.join(NAMES)}.")
    if settings.template and (unknown := sorted(_asked_by(settings.template) - set(known))):
        hint = f"In the mode {settings.mode} there are: {', '.join(known)}."
        raise Refused(f"[destinations.poke] template: there is no {unknown[0]!r}.", hint=hint)


def cut(text: str, settings: PokeSettings) -> str:
    most = settings.most_characters
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def _text(conversation: Conversation) -> str:
    said = (m for m in conversation.messages if m.is_active and not m.is_hidden and m.role in ("user", "assistant"))
    return "\n\n".join(f"{'Me' if m.role == 'user' else 'Assistant'}: {m.text}" for m in said if m.text.strip())


def _counted(members: Sequence[Facts], name: str) -> dict[str, int]:
    return dict(Counter(member[name] for member in members if member.get(name)).most_common(MOST_NAMED))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@cache
def _sandbox() -> jinja2.Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def _asked_by(template: str) -> set[str]:
    from jinja2 import TemplateSyntaxError, meta

    try:
        return meta.find_undeclared_variables(_sandbox().parse(template))
    except TemplateSyntaxError as error:
        raise Refused(f"[destinations.poke] template: line {error.lineno} cannot be read.") from None


def _rendered(template: str, values: Facts) -> str:
    from jinja2 import TemplateError

    try:
        return _sandbox().from_string(template).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        why = type(error).__name__
        raise Permanent(f"The template cannot be filled for it ({why}).", hint="Use `default` or `if`.") from None


def _object(text: str) -> Facts:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Permanent("What the template makes of it is no JSON object.", hint="Use `| tojson` for every value.")
    return found
