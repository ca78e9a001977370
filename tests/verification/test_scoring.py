"""Scores against known answers, their properties on drawn data, and intervals that cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from verification.calibration import scoring
from verification.calibration.scoring import Bools, Doubles


def drawn(seed: int, n: int = 400, sharpness: float = 2.0) -> tuple[Doubles, Bools, Doubles]:
    """Calibrated LLRs of two normal classes: llr ~ N(+-m, 2m) is its own log-likelihood ratio."""
    dice = np.random.default_rng(seed)
    truth = dice.random(n) < 0.5
    llr = dice.normal(np.where(truth, sharpness, -sharpness), math.sqrt(2 * sharpness))
    return llr, truth, dice.uniform(0.5, 1.5, n)


def probability(llr: Doubles) -> Doubles:
    p: Doubles = 1 / (1 + np.exp(-llr))
    return p


TRUTH = np.array([True, True, False, False])
EVEN = np.ones(4)


def test_known_answers() -> None:
    p = np.array([0.9, 0.6, 0.4, 0.1])
    assert scoring.brier(p, TRUTH, EVEN) == pytest.approx((0.01 + 0.16) / 2)
    assert scoring.log_score(p, TRUTH, EVEN) == pytest.approx(-(math.log2(0.9) + math.log2(0.6)) / 2)
    llr = np.log([3.0, 3.0, 1 / 3, 1.0])
    expected = (math.log2(4 / 3) * 2 / 2 + (math.log2(4 / 3) + 1) / 2) / 2
    assert scoring.cllr(llr, TRUTH, EVEN) == pytest.approx(expected)


def test_a_perfect_source_costs_nothing_and_a_silent_one_a_bit() -> None:
    sure = np.where(TRUTH, 40.0, -40.0)
    assert scoring.cllr(sure, TRUTH, EVEN) == pytest.approx(0, abs=1e-9)
    assert scoring.cllr(np.zeros(4), TRUTH, EVEN) == pytest.approx(1)
    assert scoring.cllr_min(np.zeros(4), TRUTH, EVEN) == pytest.approx(1)
    assert scoring.cllr_min(np.array([0.2, 0.1, 0.0, -5.0]), TRUTH, EVEN) == pytest.approx(0, abs=1e-9)
    assert scoring.brier(TRUTH.astype(float), TRUTH, EVEN) == 0
    assert scoring.log_score(np.full(4, 0.5), TRUTH, EVEN) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_cllr_min_is_blind_to_monotone_change_and_never_above_cllr(seed: int) -> None:
    llr, truth, weights = drawn(seed)
    least = scoring.cllr_min(llr, truth, weights)
    for changed in (llr, 5 * llr + 3, llr**3):
        assert scoring.cllr_min(changed, truth, weights) == pytest.approx(least)
        assert scoring.cllr(changed, truth, weights) >= least - 1e-9
    assert scoring.cllr(llr, truth, weights) - least < 0.08  # calibrated by construction
    assert scoring.cllr(5 * llr + 3, truth, weights) - least > 0.3


@pytest.mark.parametrize("seed", range(5))
def test_pav_is_monotone_keeps_the_mean_and_agrees_with_a_peer(seed: int) -> None:
    llr, truth, weights = drawn(seed)
    score = np.round(llr, 1)  # with ties
    fitted = scoring.pav(score, truth, weights)
    assert np.all(np.diff(fitted[np.argsort(score, kind="stable")]) >= -1e-12)
    assert np.sum(fitted * weights) == pytest.approx(np.sum(truth * weights))
    peer = IsotonicRegression().fit(score, truth.astype(float), weights).predict(score)
    assert fitted == pytest.approx(peer, abs=1e-9)


def test_ece_is_small_for_the_calibrated_large_for_the_boastful_and_blind_to_order() -> None:
    llr, truth, _ = drawn(1, n=20_000)
    even = np.ones(len(llr))
    p = probability(llr)
    assert scoring.ece(p, truth, even) < 0.02
    assert scoring.ece(probability(llr * 4), truth, even) > 0.05
    rounded = np.round(p, 1)
    order = np.random.default_rng(0).permutation(len(p))
    assert scoring.ece(rounded, truth, even) == pytest.approx(scoring.ece(rounded[order], truth[order], even))
    assert scoring.ece(np.full(4, 0.9), TRUTH, EVEN) == pytest.approx(0.4)
    mass, _, _ = scoring.reliability(p, truth, even)
    assert len(mass) == scoring.BINS
    assert np.ptp(mass) < 0.01


@pytest.mark.parametrize("seed", range(3))
def test_auc_agrees_with_a_peer(seed: int) -> None:
    llr, truth, weights = drawn(seed)
    score = np.round(llr)
    peer = roc_auc_score(truth, score, sample_weight=weights)
    assert scoring.auc(score, truth, weights) == pytest.approx(peer)


def test_weights_stand_for_the_stated_population() -> None:
    truth = np.array([True] * 5 + [False] * 10)
    families = ["honest"] * 5 + ["crop"] * 9 + ["print"]
    weights = scoring.shares(truth, families, 0.6)
    assert weights.sum() == pytest.approx(1)
    assert weights[:5].sum() == pytest.approx(0.6)
    assert weights[5:14].sum() == pytest.approx(0.2)
    assert weights[14] == pytest.approx(0.2)
    twice = np.repeat(np.arange(15), 2)
    again = scoring.shares(truth[twice], [families[k] for k in twice], 0.6)
    assert again[::2] * 2 == pytest.approx(weights)


def test_a_class_that_is_absent_is_an_error() -> None:
    for figure in (scoring.cllr, scoring.cllr_min, scoring.auc):
        with pytest.raises(ValueError, match="absent"):
            figure(np.zeros(2), np.array([True, True]), np.ones(2))


def test_wilson_known_answers() -> None:
    assert scoring.wilson(0.0, 300) == pytest.approx((0.0, 0.01264), abs=1e-4)
    assert scoring.wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_a_rate_knows_its_clusters() -> None:
    independent = scoring.rate(np.arange(200) % 4 == 0, [str(k) for k in range(200)])
    together = scoring.rate(np.repeat(np.arange(20) % 4 == 0, 10), [str(k // 10) for k in range(200)])
    assert independent.value == together.value == 0.25
    assert together.high - together.low > 2.5 * (independent.high - independent.low)
    never = scoring.rate(np.zeros(200, dtype=bool), [str(k // 10) for k in range(200)])
    assert (never.value, never.clusters) == (0, 20)
    assert never.high == pytest.approx(scoring.wilson(0, 20)[1])
    assert math.isnan(scoring.rate(np.zeros(0, dtype=bool), []).value)


def test_intervals_over_clusters_cover_and_over_samples_would_not() -> None:
    """100 runs of 30 clusters whose 8 samples are one sample: the mean lies within its interval."""
    covered, naive = 0, 0
    for seed in range(100):
        dice = np.random.default_rng(seed)
        p = np.repeat(dice.random(30), 8)
        truth = np.zeros(240, dtype=bool)

        def mean(p: Doubles, _: Bools, weights: Doubles) -> float:
            return float(np.average(p, weights=weights))

        bases, alone = [str(k // 8) for k in range(240)], [str(k) for k in range(240)]
        figure = scoring.clustered(mean, p, truth, np.ones(240), bases, seed=seed, rounds=200)
        covered += figure.low <= 0.5 <= figure.high
        figure = scoring.clustered(mean, p, truth, np.ones(240), alone, seed=seed, rounds=200)
        naive += figure.low <= 0.5 <= figure.high
    assert covered >= 86
    assert naive <= 65


def test_the_same_seed_gives_the_same_interval() -> None:
    llr, truth, weights = drawn(3)
    bases = [str(k % 40) for k in range(len(llr))]
    one, two = (scoring.clustered(scoring.cllr, llr, truth, weights, bases, seed=5, rounds=50) for _ in "ab")
    assert one == two
    assert one.low < one.value < one.high
