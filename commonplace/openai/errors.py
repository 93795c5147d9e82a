"""What the service's refusals mean for us: the one table from theirs to ours.

The SDK's exceptions end here. Their texts may quote what was sent, so they are neither kept nor chained.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

import msgspec

from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from commonplace.moments import seconds_until
from commonplace.openai.limiter import seconds_of

if TYPE_CHECKING:
    import openai

DEFAULT_MODEL = "gpt-6-luna"
_TELLING = 8
"""Letters of a key that are no accident as part of something else."""
_NAME = re.compile(r"[A-Za-z_]{1,60}|[0-9]{1,6}")


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is about: all that an error may say of it."""

    model: str
    setting: str = "[categorize] model"
    """Where a person chooses the model."""
    what: str = "verdicts"
    """What the service is asked for."""
    is_one: bool = False
    """Whether it is one thing by its id, which may be gone."""


class BadRequest(Permanent):
    """The service objects to this request's content."""


class BadSetting(Halt):
    """The service objects to something that every request has."""


class NotOffered(Halt):
    """The service knows no such kind of question, or not at this address."""


class NotAllowed(Halt):
    """The key has no right to it."""


class Missing(Permanent):
    """What was asked for by its id is not there."""


class Failing(Retryable):
    """The service said that it failed: it may have done what was asked, or not."""


class NoAnswer(Retryable):
    """It went out and nothing came back: it may have been done, and charged for."""


class Stopped(Retryable):
    """The run ended before this request went out."""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One meaning: of these statuses or codes (of any, if none is named), and of these parameters (the same)."""

    kind: type[CommonplaceError]
    says: str
    hint: str | None = None
    statuses: Container[int] = ()
    codes: Container[str] = ()
    parameters: Container[str] = ()

    def fits(self, status: int, code: str, parameter: str) -> bool:
        named = not (self.statuses or self.codes) or status in self.statuses or code in self.codes
        return named and (not self.parameters or parameter in self.parameters)


_TABLE = (
    _Row(
        statuses={402},
        codes={"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"},
        kind=Halt,
        says="The account's quota is used up {said}.",
        hint="Add credit or raise the limit, then run the same again: what was answered is kept.",
    ),
    _Row(
        statuses={401},
        codes={"invalid_api_key"},
        kind=Halt,
        says="The service does not accept the key {said}.",
        hint="Check OPENAI_API_KEY, its project and OPENAI_BASE_URL.",
    ),
    _Row(
        codes={"model_not_found", "model_not_available", "model_deprecated"},
        kind=Halt,
        says="The model {model!r} is not offered to this key {said}.",
        hint="{use_instead}",
    ),
    _Row(
        statuses={404},
        parameters={"model"},
        kind=Halt,
        says="The model {model!r} is not offered to this key {said}.",
        hint="{use_instead}",
    ),
    _Row(
        statuses={403},
        kind=NotAllowed,
        says="The key is not allowed to do this {said}.",
        hint="Check the key's permissions, the project's models and whether the region is supported.",
    ),
    _Row(
        codes={"conversation_locked"},
        kind=Retryable,
        says="Another request is using the conversation {said}.",
    ),
    _Row(
        statuses={404, 405, 501},
        kind=NotOffered,
        says="The service does not have what was asked for {said}.",
        hint="Check OPENAI_BASE_URL and the model.",
    ),
    _Row(
        statuses={408, 409, 429},
        codes={"rate_limit_exceeded", "overloaded"},
        kind=Retryable,
        says="The service is busy or failing {said}.",
    ),
    _Row(
        statuses={*range(500, 600)},
        codes={"server_error"},
        kind=Failing,
        says="The service is busy or failing {said}.",
    ),
    _Row(
        statuses={400, 422},
        parameters={"model", "text", "reasoning", "prompt_cache_key", "prompt_cache_options", "response_format"},
        kind=BadSetting,
        says="The service does not accept the setting {parameter!r} {said}.",
        hint="{use_instead}",
    ),
    _Row(kind=BadRequest, says="The service does not accept the request {said}."),
)
"""The first row that fits counts."""


def refused(
    about: About,
    status: int,
    code: str,
    parameter: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    key: str = "",
) -> CommonplaceError:
    """What a refusal means: an answer's, a line's of a batch, or that of a batch which failed as a whole (status 0).
    `key` is what was shown there, which no error tells."""
    if status == 404 and about.is_one:
        return Missing(f"It is not there any more (asked for {about.what}).")
    code, whole = named(code, key), named((parameter or "").split(".")[0].split("[")[0], key)
    row = next(row for row in _TABLE if row.fits(status, code, whole))
    said = ", ".join(part for part in (f"HTTP {status}" if status else "", code) if part)
    facts = {
        "said": f"({said}; asked for {about.what})",
        "model": about.model,
        "parameter": whole,
        "use_instead": use_instead(about),
    }
    hint = row.hint.format(**facts) if row.hint else None
    if issubclass(row.kind, Retryable):
        return row.kind(row.says.format(**facts), hint=hint, retry_after=retry_after(headers or {}))
    return row.kind(row.says.format(**facts), hint=hint)


def named(said: str, key: str = "") -> str:
    """A name of an error or a parameter, where it is one: whoever answers may say anything there, our own key too,
    which may look like a name."""
    is_key = bool(key) and (said.casefold() == key.casefold() or (len(key) >= _TELLING and key in said))
    return said if _NAME.fullmatch(said) and not is_key else ""


def translated(error: openai.OpenAIError, about: About, *, key: str = "") -> CommonplaceError:
    """What an error of the SDK means."""
    import openai

    if isinstance(error, openai.APIStatusError):
        code = str(error.code or error.type or "")
        return refused(about, error.status_code, code, error.param, error.response.headers, key=key)
    if isinstance(error, openai.APIConnectionError):
        return _unanswered(error, about)
    if isinstance(error, openai.APIResponseValidationError):
        return unreadable(about)
    if isinstance(error, openai.APIError):  # said in the middle of a stream
        return refused(about, 0, str(error.code or error.type or "server_error"), error.param, key=key)
    return Halt(f"The client of the service does not work ({type(error).__name__}).", hint="Check OPENAI_API_KEY.")


def _unanswered(error: openai.APIConnectionError, about: About) -> CommonplaceError:
    import httpx2
    import openai

    if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return Retryable(f"The service could not be reached (asked for {about.what}).")
    if isinstance(error, openai.APITimeoutError):
        return NoAnswer(f"The service did not answer in time (asked for {about.what}).")
    return broken(about)


def broken(about: About) -> NoAnswer:
    """The connection ended before the answer did."""
    return NoAnswer(f"The service could not be reached, or the connection broke (asked for {about.what}).")


def unreadable(about: About) -> NoAnswer:
    """Something answered that is not the service: a proxy's page, half an answer."""
    return NoAnswer(
        f"The answer of the service could not be read (asked for {about.what}).",
        hint="If it stays so, check OPENAI_BASE_URL.",
    )


def use_instead(about: About) -> str:
    """What to do about a model that will not do."""
    if about.model == DEFAULT_MODEL:
        return f"See the service's list of models and set one under {about.setting}."
    return f"Set {about.setting} to {DEFAULT_MODEL!r} or another current one."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """When to come back, in seconds: milliseconds first, then seconds, durations or a date."""
    exact = seconds_of(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    text = headers.get("retry-after")
    seconds = seconds_of(text)
    return seconds if seconds is not None else seconds_until(text)
