"""Honest rooms by lamplight: the sun is down, and no room is lit like a day outdoors."""

from __future__ import annotations

import numpy as np

from verification.checks.sun import NIGHT_DEG, sun_elevation_deg
from verification.redteam.indoors import indoors
from verification.redteam.photographs import shelves
from verification.redteam.registry import Split
from verification.redteam.staging import lit_at_night
from verification.redteam.workshop import Workshop


def test_the_sun_is_down_and_lamps_are_no_day() -> None:
    shelf, down, lux = shelves(None)[Split.REPORTED], [], []
    assert any(indoors(photo) for photo in shelf.real)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        workshop = Workshop(rng, shelf.real[0], shelf, "reported", "web", 1, None)  # type: ignore[arg-type]
        lit_at_night(workshop, (9.5, 16.0), 1200)
        assert indoors(workshop.base)
        down.append(sun_elevation_deg(workshop.place, workshop.issued_at) < NIGHT_DEG)
        lux.append(workshop.camera.conditions.lux)
    assert np.mean(down) > 0.9
    assert min(lux) >= 80
    assert 600 < max(lux) <= 1200
    assert workshop.camera.conditions.shutter_s >= 1 / 400
