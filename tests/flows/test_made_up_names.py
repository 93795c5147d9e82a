"""A name that Prefect made up gives way to ours; one that a person gave stays."""

from __future__ import annotations

import pytest
from prefect.utilities.names import generate_slug

from flows.made_up_names import is_made_up


def test_every_name_that_prefect_makes_up_is_known() -> None:
    assert [name for name in {generate_slug(2) for _ in range(500)} if not is_made_up(name)] == []


@pytest.mark.parametrize(
    "name",
    ["omicron3-sarraqa-r", "beta28-canis-majoris-void", "psi-barad-dur-nebula", "alpha2-comae-berenices", "mu5-vega"],
)
def test_a_name_that_the_form_of_a_run_was_filled_with_is_known(name: str) -> None:
    assert is_made_up(name)


@pytest.mark.parametrize(
    "name",
    [
        "beta-test",
        "alpha",
        "pi-day-backup",
        "gamma3",
        "nightly-check",
        "second-try",
        "before-holidays",
        "heron-amber",
        "check",
        "a-b-c",
        "",
    ],
)
def test_a_name_of_other_words_is_a_persons(name: str) -> None:
    assert not is_made_up(name)
