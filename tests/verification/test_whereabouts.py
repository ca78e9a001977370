"""Place, travel, sun and clock: evidence about where and when, never trusted for more than it is."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from core.clock import parse_instant, wire
from core.geo import Area, Spot
from tests.assets.build import make, scene
from tests.verification import stage
from tests.verification.stage import GREENWICH, NOON
from verification.case import Case
from verification.checks.clock import clock
from verification.checks.place import installed_place, place
from verification.checks.sun import light, sun, sun_elevation_deg
from verification.checks.travel import travel
from verification.evidence import Evidence, Json, Outcome, Status
from verification.memory import PastSpot
from verification.picture import Decoder, Picture, Pixels
from verification.registry import CheckFunction
from verification.statement import parse_statement

MEDIA = make("honest.jpg")
METRES_PER_DEGREE = 111_195.0


def judged(
    check: CheckFunction,
    evidence: Evidence,
    decoder: Decoder,
    *,
    picture: Picture | None = None,
    last: PastSpot | None = None,
) -> Outcome:
    statement = parse_statement(evidence.session.statement)
    return check(Case(evidence, stage.tools(decoder, last=last), picture, statement))


def north(metres: float) -> dict[str, Json]:
    """A position so many metres north of the area's centre (its radius is 150 m)."""
    return {"lat": GREENWICH.lat + metres / METRES_PER_DEGREE, "lon": GREENWICH.lon}


def test_inside(decoder: Decoder) -> None:
    outcome = judged(place, stage.photo(MEDIA), decoder)
    assert outcome.reason == "inside_area"
    assert 0.5 < outcome.llr < 0.7


def test_a_little_outside_is_judged_by_the_accuracy(decoder: Decoder) -> None:
    coarse = judged(place, stage.photo(MEDIA, say={**north(170), "accuracy_m": 40.0}), decoder)
    fine = judged(place, stage.photo(MEDIA, say={**north(230), "accuracy_m": 6.0}), decoder)
    assert (coarse.reason, fine.reason) == ("near_area", "near_area")
    assert coarse.llr > 0.4
    assert fine.llr < -4


def test_likelihood_falls_with_distance(decoder: Decoder) -> None:
    scores = [
        judged(place, stage.photo(MEDIA, say={**north(metres), "accuracy_m": 20.0}), decoder).llr
        for metres in (100, 155, 165, 180, 200, 230)
    ]
    assert scores == sorted(scores, reverse=True)


def test_far_outside(decoder: Decoder) -> None:
    outcome = judged(place, stage.photo(MEDIA, say=north(9_000)), decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "outside_area")


def test_absurd_accuracy_does_not_hide_a_far_position(decoder: Decoder) -> None:
    outcome = judged(place, stage.photo(MEDIA, say={**north(30_000), "accuracy_m": 1e9}), decoder)
    assert outcome.reason == "outside_area"


@pytest.mark.parametrize("accuracy", [0, -5.0, 1e9, None, "12", True])
def test_accuracy_that_is_not_credible(decoder: Decoder, accuracy: Json) -> None:
    outcome = judged(place, stage.photo(MEDIA, say={"accuracy_m": accuracy}), decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "accuracy_not_credible")


@pytest.mark.parametrize("lat", [None, 91, "51", True, [51]])
def test_a_position_that_was_left_out_is_refused_not_reviewed(decoder: Decoder, lat: Json) -> None:
    """Else whoever leaves it out fills the slots of a bounty with captures that wait for a person."""
    outcome = judged(place, stage.photo(MEDIA, say={"lat": lat}), decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "no_position")


def test_without_a_statement_there_is_nothing_to_say_of_the_place(decoder: Decoder) -> None:
    evidence = stage.photo(MEDIA)
    unread = dataclasses.replace(evidence, session=dataclasses.replace(evidence.session, statement="{"))
    outcome = judged(place, unread, decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "no_statement")


def test_the_very_centre_is_what_a_forger_types(decoder: Decoder) -> None:
    outcome = judged(place, stage.photo(MEDIA, say=north(0.1)), decoder)
    assert outcome.reason == "exact_centre"
    assert outcome.llr < 0


def test_a_vast_area_says_little(decoder: Decoder) -> None:
    vast = stage.terms(area=Area.disc(GREENWICH.lat, GREENWICH.lon, 50_000))
    narrow = judged(place, stage.photo(MEDIA), decoder).llr
    assert judged(place, stage.photo(MEDIA, ask=vast), decoder).llr < narrow


def test_instruments_stand_where_they_are_registered(decoder: Decoder) -> None:
    stream = stage.recording()
    inside = judged(installed_place, stream.evidence(), decoder)
    nowhere = judged(installed_place, stream.evidence(installed_at=None), decoder)
    abroad = judged(installed_place, stream.evidence(installed_at=Spot(48.0, 2.0)), decoder)
    assert (inside.status, inside.reason) == (Status.OK, "registered_inside")
    assert (nowhere.status, nowhere.reason) == (Status.ABSTAIN, "not_registered_anywhere")
    assert (abroad.status, abroad.reason) == (Status.HARD_FAIL, "outside_area")


@pytest.mark.parametrize(
    ("km", "hours", "status", "reason"),
    [
        (0.3, 0.01, Status.ABSTAIN, "plausible_travel"),
        (80, 1, Status.ABSTAIN, "plausible_travel"),
        (700, 1.5, Status.OK, "very_fast_travel"),
        (9_000, 1, Status.HARD_FAIL, "impossible_travel"),
    ],
)
def test_travel(decoder: Decoder, km: float, hours: float, status: Status, reason: str) -> None:
    lat = GREENWICH.lat - km * 1000 / METRES_PER_DEGREE
    last = PastSpot(Spot(lat, GREENWICH.lon), NOON - timedelta(hours=hours))
    outcome = judged(travel, stage.photo(MEDIA), decoder, last=last)
    assert (outcome.status, outcome.reason) == (status, reason)


def test_travel_without_a_past_or_a_position(decoder: Decoder) -> None:
    assert judged(travel, stage.photo(MEDIA), decoder).reason == "first_capture"
    assert judged(travel, stage.photo(MEDIA, say={"lat": None}), decoder).reason == "no_position"


@pytest.mark.parametrize(
    ("lat", "lon", "at", "degrees"),
    [  # at solar noon elevation = 90 - |lat - declination|; at the poles it is the declination itself
        (51.4779, 0.0, "2026-06-21T12:02:00Z", 90 - (51.4779 - 23.437)),
        (0.0, 0.0, "2026-03-20T12:07:30Z", 89.96),
        (90.0, 0.0, "2026-12-21T20:00:00Z", -23.437),
        (-33.8688, 151.2093, "2026-12-21T01:53:00Z", 90 - (33.8688 - 23.437)),
    ],
)
def test_the_sun_stands_where_astronomy_says(lat: float, lon: float, at: str, degrees: float) -> None:
    assert sun_elevation_deg(Spot(lat, lon), parse_instant(at)) == pytest.approx(degrees, abs=0.06)


def test_the_sun_rises_and_sets_once_a_day() -> None:
    heights = [sun_elevation_deg(GREENWICH, NOON + timedelta(minutes=10 * step)) for step in range(144)]
    assert sum(a * b < 0 for a, b in pairwise(heights)) == 2


def flat(level: int, *, blue_top: bool = False) -> Pixels:
    pixels = np.full((120, 160, 3), level, np.uint8)
    if blue_top:
        pixels[:60] = (120, 170, 230)
    return pixels


def lit(pixels: Pixels) -> Picture:
    return Picture("JPEG", 160, 120, pixels, {}, 0)


MIDNIGHT = datetime.fromisoformat("2026-06-21T00:30:00+00:00")
SUNSET = datetime.fromisoformat("2026-06-21T20:20:00+00:00")


@pytest.mark.parametrize(
    ("at", "pixels", "status", "reason"),
    [
        (NOON, flat(120, blue_top=True), Status.OK, "light_fits"),
        (NOON, flat(8), Status.OK, "dark_by_day"),
        (NOON, flat(120), Status.ABSTAIN, "indoors_possible"),
        (MIDNIGHT, flat(120, blue_top=True), Status.OK, "daylight_at_night"),
        (MIDNIGHT, flat(8), Status.OK, "light_fits"),
        (MIDNIGHT, flat(120), Status.ABSTAIN, "indoors_possible"),
        (SUNSET, flat(120, blue_top=True), Status.ABSTAIN, "dusk"),
    ],
)
def test_light(decoder: Decoder, at: datetime, pixels: Pixels, status: Status, reason: str) -> None:
    evidence = stage.photo(MEDIA, issued_at=at, committed_at=at)
    outcome = judged(sun, evidence, decoder, picture=lit(pixels))
    assert (outcome.status, outcome.reason) == (status, reason)
    assert (outcome.llr < 0) == (reason in {"dark_by_day", "daylight_at_night"})


def test_light_needs_a_place(decoder: Decoder) -> None:
    outcome = judged(sun, stage.photo(MEDIA, say={"lat": None}), decoder, picture=lit(flat(9)))
    assert outcome.reason == "no_place_or_time"


def test_light_is_measured_in_order() -> None:
    median, high, sky = light(np.asarray(scene()))
    assert 0 < median < high <= 1
    assert 0 <= sky <= 1


@pytest.mark.parametrize(
    ("taken_at", "reason"),
    [
        (wire(NOON + timedelta(seconds=7)), "clock_agrees"),
        (wire(NOON - timedelta(seconds=90)), "clock_agrees"),
        (wire(NOON - timedelta(minutes=9)), "clock_off"),
        (wire(NOON + timedelta(hours=3)), "clock_off"),
        ("2026-06-21T12:00:07", "no_device_time"),
        ("yesterday", "no_device_time"),
        (7, "no_device_time"),
        ("9999-12-31T23:59:59-23:00", "no_device_time"),
    ],
)
def test_clock(decoder: Decoder, taken_at: Json, reason: str) -> None:
    assert judged(clock, stage.photo(MEDIA, say={"taken_at": taken_at}), decoder).reason == reason
