"""Whether a model can be used: offered to this key, and for how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from commonplace.errors import CommonplaceError
from commonplace.openai.client import Account, Client
from commonplace.openai.errors import About, use_instead

CHECK_SECONDS = 15.0
SHUTDOWNS = {
    "gpt-4.1-nano": date(2026, 10, 23),
    "gpt-3.5-turbo": date(2026, 10, 23),
    "gpt-4": date(2026, 10, 23),
    "o1": date(2026, 10, 23),
    "o3-mini": date(2026, 10, 23),
    "o4-mini": date(2026, 10, 23),
    "gpt-5": date(2026, 12, 11),
    "gpt-5-mini": date(2026, 12, 11),
    "gpt-5-nano": date(2026, 12, 11),
    "o3": date(2026, 12, 11),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
    "gpt-5.4-nano": date(2027, 4, 1),
    "gpt-5.1": date(2027, 4, 1),
}
"""Announced by November 2026; where the service names a date itself, its own counts."""


def check_model(client: Client, model: str, *, today: date | None = None) -> list[str]:
    """What stands in the way of using this model, each with what to do. Empty: nothing known."""
    about = About(model=model, what="its models")
    try:
        ends_by_name = models_of(client, about)
    except CommonplaceError as exc:
        return [str(exc)]
    if model not in ends_by_name:
        return [f"The model {model!r} is not offered to this key. {use_instead(about)}"]
    ends = _date_of(ends_by_name[model]) or SHUTDOWNS.get(model)
    day = today or datetime.now(UTC).date()
    if ends is None:
        return []
    if ends <= day:
        return [f"The model {model!r} was to be shut down on {ends}. {use_instead(about)}"]
    when = "soon" if ends - day <= timedelta(days=60) else "later"
    days = (ends - day).days
    return [f"The model {model!r} will be shut down on {ends} ({when}: in {days} days). {use_instead(about)}"]


def models_of(client: Client, about: About = About(model="", what="its models")) -> dict[str, str | None]:
    """The models that are offered to this key, each with the date of its end where the service names one."""
    return client.once(about, lambda sdk: {each.id: getattr(each, "shutdown_date", None) for each in sdk.models.list()})


def problems_with_model(account: Account, model: str) -> list[str]:
    """The same for whoever has no client yet. Does not wait long."""
    with Client(msgspec.structs.replace(account, timeout=CHECK_SECONDS)) as client:
        return check_model(client, model)


def _date_of(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
