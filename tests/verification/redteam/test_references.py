"""Photographs of a place that askers give along: several, and as many to the honest as to cheats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from verification.redteam.families.calibration import learn_honest_referenced, learn_wrong_place
from verification.redteam.families.honest import honest_referenced
from verification.redteam.families.sighted import wrong_place
from verification.redteam.photographs import Shelf, shelves
from verification.redteam.registry import Split
from verification.redteam.workshop import GIVEN, Sample, Workshop


def shelf_of(views: int) -> Shelf:
    """A shelf with one place of so many views, among other photographs."""
    real = shelves(None)[Split.REPORTED].real
    place = tuple(replace(real[k % len(real)], id=f"view{k}", group="place") for k in range(views))
    return Shelf((*real, place[0]), places={"place": place})


def workshop(shelf: Shelf, seed: int) -> Workshop:
    """At tier 0, where shooting is quick."""
    rng = np.random.default_rng(seed)
    return Workshop(rng, shelf.real[0], shelf, "reported", "web", 0, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("views", "given"), [(2, 1), (3, 2), (5, GIVEN), (9, GIVEN)])
def test_an_asker_gives_the_other_views_there_are(views: int, given: int) -> None:
    shelf = shelf_of(views)
    for seed in range(5):
        bench = workshop(shelf, seed)
        others = bench.given_views()
        assert len({view.id for view in others}) == given
        assert bench.base.group == "place"
        assert bench.base.id not in {view.id for view in others}


def count(make: Callable[[Workshop], Sample], views: int, seed: int) -> int:
    """How many references a family gives."""
    return len(make(workshop(shelf_of(views), seed)).context.evidence.references)


def test_a_wrong_place_has_as_many_references_as_the_right_one() -> None:
    for views in (2, 4):
        assert count(honest_referenced._make, views, 1) == count(wrong_place._make, views, 1) == views - 1


def test_a_wrong_place_is_captured_elsewhere() -> None:
    bench = workshop(shelf_of(4), 2)
    wrong_place._make(bench)
    assert bench.base.group != "place"


def test_calibration_learns_from_as_many_either_way() -> None:
    for make in (learn_honest_referenced._make, learn_wrong_place._make):
        counts = {count(make, 2, seed) for seed in range(8)}
        assert min(counts) >= 2
        assert max(counts) <= GIVEN
        assert len(counts) > 1
