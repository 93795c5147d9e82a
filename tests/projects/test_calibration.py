"""From scores to promises."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from commonplace.projects import calibration


def test_coefficients_are_found_again_where_there_is_enough_to_learn_from() -> None:
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(20_000, 2))
    truth = np.array([-1.0, 2.0, -0.5])
    is_right = draw.random(20_000) < calibration.sigmoid(calibration.with_constant(inputs) @ truth)
    assert np.allclose(calibration.fit(inputs, is_right, np.zeros(3)), truth, atol=0.1)


def test_with_nothing_to_learn_from_the_expected_stays() -> None:
    expected = np.array([1.0, 2.0])
    assert np.allclose(calibration.fit(np.zeros((0, 1)), np.zeros(0, dtype=bool), expected), expected)


def test_kinds_that_are_far_apart_are_told_apart_without_overshooting() -> None:
    inputs = np.concatenate((np.full((50, 1), 9.0), np.full((500, 1), -9.0)))
    is_right = np.arange(550) < 50
    fitted = calibration.fit(inputs, is_right, np.array([-1.5, 0.7]))
    predicted = calibration.sigmoid(calibration.with_constant(inputs) @ fitted)
    assert predicted[:50].min() > 0.95
    assert predicted[50:].max() < 0.05


def test_the_share_of_members_is_found_in_a_mixture() -> None:
    draw = np.random.default_rng(1)
    members = draw.normal(2.0, 1.0, 2000)
    for share in (0.1, 0.3, 0.7):
        mixed = np.where(draw.random(4000) < share, draw.normal(2.0, 1.0, 4000), draw.normal(-2.0, 1.0, 4000))
        assert abs(calibration.member_share(members, mixed) - share) < 0.06


def test_few_examples_promise_little_and_many_never_everything() -> None:
    assert calibration.ceiling(0) == 0.0
    assert calibration.ceiling(20) < 0.9 < calibration.ceiling(21)
    assert calibration.ceiling(1_000_000) == 0.99


def test_a_threshold_keeps_what_it_promises() -> None:
    sure, unsure = np.full(200, 0.98), np.full(200, 0.3)
    assert calibration.threshold(np.concatenate((sure, unsure)), 0.9, sure) == 0.98
    assert calibration.threshold(np.zeros(0), 0.9, sure) == calibration.NEVER
    assert calibration.threshold(unsure, 0.9, sure) == calibration.NEVER


def test_few_examples_make_a_threshold_more_careful() -> None:
    probabilities = np.linspace(0.5, 0.98, 400)
    few, many = (calibration.threshold(probabilities, 0.9, np.linspace(0.5, 0.98, count)) for count in (60, 6000))
    assert many < few


def test_a_few_examples_that_are_all_right_are_enough_up_to_what_they_let_one_be_sure_of() -> None:
    ceiling = calibration.ceiling(25)
    assert calibration.threshold(np.full(9, ceiling), 0.9, np.full(25, ceiling), ceiling) == ceiling


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.99), max_size=300), st.floats(0.5, 0.99))
def test_what_is_above_a_threshold_is_as_good_as_promised(probabilities: list[float], precision: float) -> None:
    values = np.array(probabilities, dtype=np.float64)
    above = values[values >= calibration.threshold(values, precision, values)]
    assert not len(above) or above.mean() >= precision - 1e-9
