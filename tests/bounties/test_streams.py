"""Streams that are sold can be handed in: a window's measuring fits in the time there is for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bounties import rules
from bounties.rules import Kind, StreamTerms
from core import clock
from core.accounts.rules import Kind as AccountKind
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.inside import Inside

HALF_AN_HOUR = timedelta(minutes=30)


def asked(readings: int, apart: float, **changes: Any) -> rules.Ask:
    stream = StreamTerms("Cel", 0.0, 50.0, readings, apart)
    return scene.ask(**{"kind": Kind.STREAM, "stream": stream, "max_freshness_s": 600.0, **changes})


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({}, 600),  # its freshness
        ({"max_freshness_s": 1200.0}, 1200),
        ({"max_freshness_s": 86_400.0}, 1800),  # the claim
        ({"closes_at": NOW + timedelta(seconds=90)}, 90),
        ({"opens_at": NOW - timedelta(days=1), "closes_at": NOW + timedelta(seconds=90)}, 90),
        ({"opens_at": NOW + timedelta(hours=1), "closes_at": NOW + timedelta(seconds=3660)}, 60),
    ],
)
def test_a_window_takes_no_longer_than_whatever_ends_first(changes: dict[str, Any], most: int) -> None:
    assert rules.stream_fault(asked(most + 1, 1.0, **changes), HALF_AN_HOUR, NOW) is None
    fault = rules.stream_fault(asked(most + 2, 1.0, **changes), HALF_AN_HOUR, NOW)
    assert fault is not None
    assert fault.endswith(f" {most} s")


def test_what_has_no_spacing_or_is_no_stream_has_no_such_bound() -> None:
    for fine in (asked(10_000, 0.0), asked(1, 86_400.0), scene.ask()):
        assert rules.stream_fault(fine, HALF_AN_HOUR, NOW) is None
    over = asked(2, 86_400.0, closes_at=NOW - timedelta(hours=1))
    assert rules.stream_fault(over, HALF_AN_HOUR, NOW) is None  # its times are refused by their own name


@pytest.mark.parametrize("path", ["/v1/bounties", "/v1/approvals"])
def test_a_window_that_nobody_could_hand_in_is_not_sold(inside: Inside, path: str) -> None:
    key = inside.key(AccountKind.AGENT)
    stream = {
        "unit": "Cel",
        "minimum": 0,
        "maximum": 50,
        "readings_per_window": 10_000,
        "min_interval_s": 86_400,
    }
    body = {
        "kind": "stream",
        "ask": "Air temperature, and its mean.",
        "answer_schema": {"type": "number"},
        "area": {"type": "Point", "coordinates": [4.1, 52.1], "radius_m": 100},
        "closes_at": clock.wire(clock.now() + timedelta(hours=24)),
        "reward": "0.80",
        "purpose": "testing",
        "stream": stream,
    }
    refused = inside.send("POST", path, key, json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "BadInput")
    assert refused.json()["facts"] == {"field": "stream"}
    assert "max_freshness_s is 600 s" in refused.json()["detail"]
    assert "fewer readings" in refused.json()["hint"]
    fits = {**body, "stream": {**stream, "readings_per_window": 61, "min_interval_s": 10}}
    assert inside.send("POST", path, key, json=fits).status_code == 201
