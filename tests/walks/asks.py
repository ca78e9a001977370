"""Bounties that walks post, as JSON bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2

from core.clock import now, wire
from core.geo import Spot
from market.simulator.instrument import Instrument
from market.simulator.phone import Phone


def photo_bounty(spot: Spot, **changes: object) -> dict[str, Any]:
    """A $0.50 photo bounty with a counting question, open for two hours."""
    body: dict[str, Any] = {
        "ask": "The cups on the table by the window",
        "answer_schema": {"type": "integer", "minimum": 0},
        "area": {"type": "Point", "coordinates": [spot.lon, spot.lat], "radius_m": 100},
        "closes_at": wire(now() + timedelta(hours=2)),
        "reward": "0.50",
        "purpose": "counting cups",
    }
    return {**body, **changes}


def video_bounty(spot: Spot, **changes: object) -> dict[str, Any]:
    """A $0.50 video bounty with a counting question."""
    return photo_bounty(spot, kind="video", ask="The street from the corner, for ten seconds", **changes)


def stream_bounty(spot: Spot, **changes: object) -> dict[str, Any]:
    """A stream bounty: windows of 20 temperature readings."""
    stream = {
        "unit": "Cel",
        "minimum": -20.0,
        "maximum": 60.0,
        "readings_per_window": 20,
        "min_interval_s": 0.0,
    }
    body = photo_bounty(spot, kind="stream", ask="Air temperature on the roof", stream=stream, reward="0.10")
    return {**body, "answer_schema": {}, **changes}


@contextmanager
def probe_at(url: str, spot: Spot, seed: int, lab: str) -> Iterator[Instrument]:
    """An enrolled simulated instrument of the lab with this key; its connection is closed at the end."""
    with httpx2.Client(base_url=url, timeout=60) as client:
        probe = Instrument(client, secret=lab, spot=spot, seed=seed)
        probe.enrol()
        yield probe


@contextmanager
def phone_at(url: str, spot: Spot, seed: int) -> Iterator[Phone]:
    """An enrolled simulated phone whose connection is closed at the end."""
    with httpx2.Client(base_url=url, timeout=60) as client:
        phone = Phone(client, spot, seed=seed)
        phone.enrol()
        yield phone
