"""The one table from the service's refusals to our errors."""

from __future__ import annotations

import pytest

from commonplace.errors import CommonplaceError, Halt, Permanent, Retryable
from commonplace.openai.errors import About, BadSetting, refused, retry_after

ABOUT = About(model="gpt-4o", setting="[projects] model")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_prompt", Permanent),
        (400, "context_length_exceeded", Permanent),
        (400, "conversation_locked", Retryable),
        (401, "invalid_api_key", Halt),
        (402, "billing_not_active", Halt),
        (402, "", Halt),
        (403, "", Halt),
        (404, "model_not_found", Halt),
        (404, "", Halt),
        (405, "", Halt),
        (408, "", Retryable),
        (409, "", Retryable),
        (413, "", Permanent),
        (422, "", Permanent),
        (429, "insufficient_quota", Halt),
        (429, "rate_limit_exceeded", Retryable),
        (500, "", Retryable),
        (503, "", Retryable),
        (529, "", Retryable),
    ],
)
def test_each_refusal_is_told_by_what_to_do(status: int, code: str, kind: type[CommonplaceError]) -> None:
    error = refused(ABOUT, status, code)
    assert isinstance(error, kind)
    assert str(status) in error.message
    assert error.hint or not isinstance(error, Halt)


def test_a_key_that_looks_like_a_name_is_told_neither_as_a_code_nor_as_a_parameter() -> None:
    key = "openSesame"
    for said in (key, key.lower(), f"wrong_{key}"):
        assert key.lower() not in str(refused(ABOUT, 400, said, key=key)).lower()
        assert key.lower() not in str(refused(ABOUT, 400, "no", said, key=key)).lower()
    assert "wrong_key" in str(refused(ABOUT, 400, "wrong_key", key="key"))


def test_what_every_request_has_stops_the_run_and_the_rest_only_this_request() -> None:
    assert isinstance(refused(ABOUT, 400, "unsupported_parameter", "text.format.schema"), BadSetting)
    assert isinstance(refused(ABOUT, 422, "", "response_format"), BadSetting)
    assert isinstance(refused(ABOUT, 400, "too_long", "input[1]"), Permanent)


def test_a_model_that_will_not_do_names_its_setting() -> None:
    assert "[projects] model" in str(refused(ABOUT, 404, "", "model"))


def test_a_failure_without_a_status_is_told_by_its_code() -> None:
    """As in the middle of a stream, or of a batch that failed as a whole."""
    assert isinstance(refused(ABOUT, 0, "insufficient_quota"), Halt)
    assert isinstance(refused(ABOUT, 0, "server_error"), Retryable)
    assert "HTTP" not in str(refused(ABOUT, 0, "mismatched_model"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
