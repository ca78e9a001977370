"""The line recovers what made the data; the bounds grow with the sample and shrink with misleading ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.verification.test_scoring import drawn
from verification.calibration import logistic
from verification.calibration.scoring import Bools, Doubles


def balanced(truth: Bools) -> Doubles:
    weights: Doubles = np.where(truth, 1 / truth.sum(), 1 / (~truth).sum())
    return weights


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_line_undoes_scale_and_shift_whatever_the_share(share: float) -> None:
    dice = np.random.default_rng(3)
    truth = dice.random(20_000) < share
    llr = dice.normal(np.where(truth, 2.0, -2.0), 2.0)
    a, b = logistic.line(5 * llr + 7, truth, balanced(truth), n_true=truth.sum(), n_false=(~truth).sum())
    assert a * 5 == pytest.approx(1, abs=0.06)
    assert b + a * 7 == pytest.approx(0, abs=0.1)


def test_the_line_agrees_with_a_peer() -> None:
    llr, truth, _ = drawn(2, n=1000)
    peer = LogisticRegression(C=1e9).fit(llr[:, None], truth, sample_weight=balanced(truth) * 500)
    a, b = logistic.line(llr, truth, balanced(truth), n_true=1e9, n_false=1e9)
    assert (a, b) == pytest.approx((float(peer.coef_[0, 0]), float(peer.intercept_[0])), abs=1e-2)


def test_a_score_that_points_the_wrong_way_or_nowhere_gets_no_slope() -> None:
    llr, truth, _ = drawn(4)
    n = {"n_true": float(truth.sum()), "n_false": float((~truth).sum())}
    assert logistic.line(-llr, truth, balanced(truth), **n)[0] == 0
    a, b = logistic.line(np.full(len(llr), 0.3), truth, balanced(truth), **n)
    assert a == 0
    assert b == pytest.approx(0, abs=0.01)


def test_classes_that_part_get_a_finite_line() -> None:
    truth = np.arange(200) < 100
    score = np.where(truth, 0.3, -8.0)
    a, b = logistic.line(score, truth, balanced(truth), n_true=100, n_false=100)
    assert a * 0.3 + b == pytest.approx(math.log(101), abs=0.1)
    assert a * -8 + b == pytest.approx(-math.log(101), abs=0.1)


def test_speaking_is_part_of_what_is_said() -> None:
    """Half of the honest speak, a tenth of the cheats do, and all say the same: the line says 5 to 1."""
    truth = np.array([True] * 50 + [False] * 10)
    weights = np.full(60, 1 / 100)  # of 100 in each class
    a, b = logistic.line(np.zeros(60), truth, weights, n_true=1e6, n_false=1e6)
    assert a == 0
    assert b == pytest.approx(math.log(5), abs=1e-3)


@pytest.mark.parametrize("n", [50, 500, 5000])
def test_without_an_error_the_bounds_are_the_size_of_the_sample(n: int) -> None:
    truth = np.arange(2 * n) < n
    llr = np.where(truth, 30.0, -30.0)
    low, high = logistic.bounds(llr, truth, np.ones(2 * n), n_true=n, n_false=n)
    assert high == pytest.approx(math.log(n), abs=0.05)
    assert low == pytest.approx(-math.log(n), abs=0.05)
    # fewer independent ones carry less, however many copies there are
    assert logistic.bounds(llr, truth, np.ones(2 * n), n_true=10, n_false=10)[1] < math.log(11)


def test_misleading_samples_pull_the_bounds_in() -> None:
    truth = np.arange(1000) < 500
    clean = np.where(truth, 30.0, -30.0)
    tricked = clean.copy()
    tricked[500:550] = 30.0  # a tenth of the cheats looks perfect
    assert logistic.bounds(clean, truth, np.ones(1000), n_true=500, n_false=500)[1] > 6
    assert logistic.bounds(tricked, truth, np.ones(1000), n_true=500, n_false=500)[1] == pytest.approx(
        math.log(10), abs=0.1
    )


def test_a_source_that_says_nothing_has_no_range() -> None:
    truth = np.arange(400) < 200
    assert logistic.bounds(np.zeros(400), truth, np.ones(400), n_true=200, n_false=200) == (0.0, 0.0)


def test_shift_fits_the_mean() -> None:
    offset = np.linspace(-3, 3, 50)
    b = logistic.shift(offset, np.full(50, 0.9), np.ones(50))
    assert float(np.mean(1 / (1 + np.exp(-offset - b)))) == pytest.approx(0.9)
