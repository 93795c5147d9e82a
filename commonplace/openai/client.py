"""The connection to OpenAI or a server like it, and what its refusals mean for us.

The SDK never repeats a request here (`max_retries=0`): a repeated question is paid for twice, so the one place that
may ask again is ours and counts. Its exceptions end in this module; their texts may quote what was sent, so they are
neither kept nor chained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from commonplace.openai.limiter import seconds_of

if TYPE_CHECKING:
    import openai

Answer = TypeVar("Answer")

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-6-luna"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 180.0
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


class BadRequest(Permanent):
    """The service objects to this request's content."""


class BadSetting(Halt):
    """The service objects to something that every request has."""


OUT_OF_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
DEAD_MODEL = {"model_not_found", "model_not_available", "model_deprecated"}


def connect(api_key: str | None, *, base_url: str | None = None, timeout: float = ANSWER_SECONDS) -> openai.OpenAI:
    """A client for OpenAI (or for `base_url`). Nothing is sent yet."""
    key = (api_key or "").strip()
    if not key:
        raise Halt(
            "There is no OpenAI key.",
            hint="Set OPENAI_API_KEY or run `commonplace connect openai`; the judge `local` needs none.",
        )
    import httpx2
    import openai

    return openai.OpenAI(
        api_key=key,
        base_url=base_url or OPENAI_URL,
        max_retries=0,
        timeout=httpx2.Timeout(timeout, connect=CONNECT_SECONDS),
    )


def call(model: str, request: Callable[[], Answer]) -> Answer:
    """Make a request of the SDK; it raises our errors only."""
    import openai

    try:
        return request()
    except openai.OpenAIError as exc:
        ours = translated(exc, model)
    # Out here, so that theirs is not even the context of ours.
    raise ours


def translated(error: openai.OpenAIError, model: str) -> CommonplaceError:
    """What an SDK error means: the one table from theirs to ours."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Retryable("The service did not answer in time.")
    if isinstance(error, openai.APIConnectionError):
        return Retryable("The service could not be reached, or the connection broke.")
    if isinstance(error, openai.APIStatusError):
        return _refusal(error.status_code, str(error.code or error.type or ""), error.param, model, error)
    return Permanent(f"The service's answer could not be read ({type(error).__name__}).")


def _refusal(
    status: int, code: str, param: str | None, model: str, error: openai.APIStatusError | None = None
) -> CommonplaceError:
    headers: Mapping[str, str] = error.response.headers if error else {}
    said = f"(HTTP {status}{f', {code}' if code else ''})"
    if status == 401:
        return Halt(f"The service does not accept the key {said}.", hint="Check OPENAI_API_KEY and its project.")
    if code in OUT_OF_MONEY:
        return Halt(
            f"The account's quota is used up {said}.",
            hint="Add credit or raise the limit, then run the same again: what was judged is kept.",
        )
    if code in DEAD_MODEL or (status == 404 and param == "model"):
        return Halt(f"The model {model!r} is not offered to this key {said}.", hint=_use_instead(model))
    if status == 403:
        return Halt(
            f"The key is not allowed to do this {said}.",
            hint="Check the key's permissions, the project's models and whether the region is supported.",
        )
    if status == 429 or status in (408, 409) or status >= 500:
        return Retryable(f"The service is busy or failing {said}.", retry_after=retry_after(headers))
    if status == 404:
        return Halt(f"The service does not have what was asked for {said}.", hint="Check the base URL and the model.")
    if status == 400 and (param or "").split(".")[0].split("[")[0] in _OF_EVERY_REQUEST:
        return BadSetting(f"The service does not accept the setting {param!r} {said}.", hint="Try another model.")
    return BadRequest(f"The service does not accept the request {said}.")


_OF_EVERY_REQUEST = {"model", "text", "reasoning", "prompt_cache_key", "prompt_cache_options", "response_format"}


def _use_instead(model: str) -> str:
    if model == DEFAULT_MODEL:
        return "See the service's list of models and set one under [categorize] model."
    return f"Set [categorize] model to {DEFAULT_MODEL!r} or another current one."


def refusal_in_batch(status: int, code: str, model: str) -> CommonplaceError:
    """The same table for a line of a batch's error file, or for a batch that failed as a whole."""
    return _refusal(status, code, None, model)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """When to come back, in seconds: milliseconds first, then seconds, durations or a date."""
    exact = seconds_of(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    text = headers.get("retry-after")
    seconds = seconds_of(text)
    if seconds is not None or not text:
        return seconds
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def check_model(client: openai.OpenAI, model: str, *, today: date | None = None) -> list[str]:
    """What stands in the way of using this model, each with what to do. Empty: nothing known."""
    try:
        offered = {each.id: each for each in call(model, lambda: list(client.models.list()))}
    except CommonplaceError as exc:
        return [str(exc)]
    found = offered.get(model)
    if found is None:
        return [f"The model {model!r} is not offered to this key. {_use_instead(model)}"]
    ends = _date_of(found.shutdown_date) or SHUTDOWNS.get(model)
    day = today or datetime.now(UTC).date()
    if ends is None:
        return []
    if ends <= day:
        return [f"The model {model!r} was to be shut down on {ends}. {_use_instead(model)}"]
    when = "soon" if ends - day <= timedelta(days=60) else "later"
    return [
        f"The model {model!r} will be shut down on {ends} ({when}: in {(ends - day).days} days). {_use_instead(model)}"
    ]


def problems_with_model(*, key: str | None, base_url: str | None = None, model: str) -> list[str]:
    """The same for whoever has a key but no client yet."""
    try:
        client = connect(key, base_url=base_url, timeout=CHECK_SECONDS)
    except Halt as exc:
        return [str(exc)]
    with client:
        return check_model(client, model)


def _date_of(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
