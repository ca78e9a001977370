"""What laying one picture on another proves."""

from __future__ import annotations

import pytest

from verification.matching.comparison import Comparison
from verification.matching.residue import Reading

SHARED = Reading(squares=8, correlation=0.82, kept=1.3, variance=1.2)  # what a zoom on far woods can reach
SURER = Reading(squares=8, correlation=0.93, kept=1.1, variance=1.2)


@pytest.mark.parametrize(
    ("zoom", "noise", "sure"),
    [
        (1.0, SHARED, True),
        (1.7, SHARED, False),
        (1 / 1.7, SHARED, False),
        (1.7, SURER, True),
        (3.5, SURER, False),
    ],
)
def test_the_noise_of_what_a_lens_may_have_enlarged_must_be_surer(
    zoom: float, noise: Reading, sure: bool
) -> None:
    eye = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    found = Comparison(400, 200, 100, 0.91, 0.93, 0.0, 0.0, zoom, matrix=eye, grain=noise)
    assert found.sure is sure
    assert found.doubtful, "a person looks, whatever is proven"
