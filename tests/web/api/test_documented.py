"""The API against its own description: whatever schemathesis makes up of it, as two people, nothing breaks or leaks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from commonplace.archive.access import keys
from commonplace.archive.access.scopes import READING
from commonplace.archive.conversations.merge import merge
from commonplace.web.api.actions import document
from tests.archive.builders import simple_chat
from tests.web.conftest import Live, Start

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
PEOPLE = (("me", "xyzzy"), ("eve", "patience"))
"""Each, and a word that only the other's conversations hold."""


@pytest.fixture
def live(start: Start) -> Live:
    running = start("[answers]\nmodel = 'none'\n", RATELIMIT_DEFAULT="1000000/minute")
    merge(running.archive, None, [simple_chat("c-1", "how to bake bread", "with patience", updated=5)])
    merge(running.archive.of("eve"), None, [simple_chat("hers", "xyzzy", "xyzzy", updated=7)])
    return running


def _try(live: Live, examples: int) -> None:
    few = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    described = schemathesis.openapi.from_dict(document(live.url))
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == 7
    statuses = set()
    for owner, never in PEOPLE:
        secret = keys.add_key(live.archive.of(owner), "test", READING, days=1)[0]
        shown = {"authorization": f"Bearer {secret}"}
        for operation in operations:

            @few
            @given(case=operation.as_strategy())
            def one(case: schemathesis.Case[Any]) -> None:
                reply = case.call(base_url=live.url, headers=shown, timeout=120)  # noqa: B023  (called at once)
                case.validate_response(reply, checks=CHECKS)
                statuses.add(reply.status_code)
                assert len(reply.text) < 100_000
                assert never not in reply.text  # noqa: B023

            one()
    assert 200 in statuses
    assert 401 not in statuses


def _try_in_a_row(live: Live, examples: int) -> set[tuple[str, int]]:
    """What the description says one can ask with what came before. Returns which links led to which answer."""
    followed = set[tuple[str, int]]()
    described = schemathesis.openapi.from_dict(document(live.url))
    for owner, never in PEOPLE:
        secret = keys.add_key(live.archive.of(owner), "test", READING, days=1)[0]

        class Asking(described.as_state_machine()):  # type: ignore[misc]
            secret_, never_ = secret, never

            def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
                shown = {"authorization": f"Bearer {self.secret_}"}
                return {"base_url": live.url, "headers": shown, "timeout": 120}

            def validate_response(self, response: Any, case: schemathesis.Case[Any], **_: Any) -> None:
                case.validate_response(response, checks=CHECKS)
                assert self.never_ not in response.text

            def step(self, input: Any) -> Any:
                output = super().step(input)
                if input.transition is not None and input.is_applied:
                    followed.add((input.transition.id, output.response.status_code))
                return output

        Asking.run(
            settings=settings(
                max_examples=examples,
                stateful_step_count=6,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
        )
    return followed


def test_nothing_that_the_description_allows_breaks_the_api(live: Live) -> None:
    _try(live, 3)


def test_what_one_reply_leads_to_is_there_for_its_owner_and_nothing_of_anothers(live: Live) -> None:
    assert 200 in {status for _, status in _try_in_a_row(live, 8)}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nor_does_much_more_of_it(live: Live) -> None:
    _try(live, 300)
    followed = _try_in_a_row(live, 150)
    assert len({link for link, status in followed if status == 200}) >= 4
