"""Geography: known distances, areas at the world's awkward places, GeoJSON that lies."""

from __future__ import annotations

import math

import h3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.geo import (
    EARTH_RADIUS_M,
    MAX_RADIUS_M,
    Area,
    Spot,
    area_from_geojson,
    cell,
    cells_within,
    distance_m,
)

SPOTS = st.builds(Spot, st.floats(-90, 90), st.floats(-180, 180))
HALF_WAY_ROUND = math.pi * EARTH_RADIUS_M

# Great-circle distances on the mean sphere, from the cosine rule in 50-digit arithmetic.
KNOWN = (
    (Spot(35.6892, 51.3890), Spot(48.8566, 2.3522), 4_208_372.831),
    (Spot(0, 0), Spot(0, 1), 111_195.080),
    (Spot(0, 179.9995), Spot(0, -179.9995), 111.195),
    (Spot(90, 0), Spot(90, 120), 0.0),
    (Spot(89.9995, 0), Spot(89.9995, 180), 111.195),
    (Spot(90, 0), Spot(-90, 0), HALF_WAY_ROUND),
    (Spot(0, 0), Spot(0, 180), HALF_WAY_ROUND),
    (Spot(-33.8568, 151.2153), Spot(51.5007, -0.1246), 16_993_480.763),
)


def step(spot: Spot, bearing_degrees: float, metres: float) -> Spot:
    """The spot `metres` away along a great circle."""
    angle, bearing = metres / EARTH_RADIUS_M, math.radians(bearing_degrees)
    lat, lon = math.radians(spot.lat), math.radians(spot.lon)
    there = math.asin(math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(bearing))
    turned = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(lat),
        math.cos(angle) - math.sin(lat) * math.sin(there),
    )
    return Spot(math.degrees(there), (math.degrees(lon + turned) + 180) % 360 - 180)


def square(lat: float, lon: float, half: float) -> Area:
    low, high, west, east = lat - half, lat + half, lon - half, lon + half
    return Area.polygon([(low, west), (low, east), (high, east), (high, west)])


@pytest.mark.parametrize(("a", "b", "metres"), KNOWN)
def test_known_distances(a: Spot, b: Spot, metres: float) -> None:
    assert distance_m(a, b) == pytest.approx(metres, rel=1e-9, abs=1e-3)


@given(SPOTS, SPOTS)
def test_distance_is_a_distance(a: Spot, b: Spot) -> None:
    assert distance_m(a, b) == distance_m(b, a)
    assert 0 <= distance_m(a, b) <= HALF_WAY_ROUND * (1 + 1e-12)
    assert distance_m(a, a) == 0


@given(SPOTS, st.floats(0, 360), st.floats(1, 1_000_000))
def test_a_step_is_as_long_as_it_says(spot: Spot, bearing: float, metres: float) -> None:
    assert distance_m(spot, step(spot, bearing, metres)) == pytest.approx(metres, rel=1e-5, abs=0.2)


@given(
    st.builds(Spot, st.floats(-89.9, 89.9), st.floats(-180, 180)),
    st.floats(0, 360),
    st.floats(0, MAX_RADIUS_M),
)
def test_every_spot_of_a_search_lies_in_one_of_its_cells(spot: Spot, bearing: float, metres: float) -> None:
    assert cell(step(spot, bearing, metres)) in cells_within(spot, metres + 1)


def test_a_search_at_its_widest_is_a_few_hundred_cells() -> None:
    assert len(cells_within(Spot(35.7, 51.4), 2 * MAX_RADIUS_M)) < 1000
    assert h3.get_resolution(cell(Spot(0, 0))) == 5


@pytest.mark.parametrize("centre", [Spot(0, 180), Spot(0, -180), Spot(90, 0), Spot(-90, 0), Spot(0, 0)])
def test_a_disc_is_round_everywhere(centre: Spot) -> None:
    disc = Area.disc(centre.lat, centre.lon, 100)
    for bearing in range(0, 360, 30):
        assert disc.distance_m(step(centre, bearing, 99)) == 0
        assert disc.distance_m(step(centre, bearing, 150)) == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize("lat", [0.0, 35.7, -60.0, 80.0, 89.0])
@pytest.mark.parametrize("lon", [0.0, 51.4, 179.9, -179.9])
def test_a_square_knows_inside_from_outside(lat: float, lon: float) -> None:
    area = square(lat, lon, 0.05)
    assert area.distance_m(area.centre) == 0
    north = Spot(lat + 0.06, lon)
    assert area.distance_m(north) == pytest.approx(math.radians(0.01) * EARTH_RADIUS_M, rel=1e-3)
    corner = Spot(lat + 0.05, lon + 0.05)
    beyond = Spot(lat + 0.0501, lon + 0.0501)
    assert area.distance_m(beyond) <= distance_m(corner, beyond) + 0.01


def test_a_square_at_the_antimeridian_is_reached_from_the_other_side() -> None:
    area = square(10.0, 179.95, 0.04)
    east_of_the_line = Spot(10.0, -179.99)
    assert area.distance_m(east_of_the_line) == pytest.approx(
        distance_m(Spot(10.0, 179.99), east_of_the_line), rel=1e-3
    )


@given(SPOTS)
@example(Spot(0.0, 180.0))
@example(Spot(0.14, 179.99))
@example(Spot(-0.05, -179.93))
def test_nothing_far_away_is_inside_a_square(spot: Spot) -> None:
    area = square(0.0, 0.0, 0.1)
    gap = distance_m(area.centre, spot)
    measured = area.distance_m(spot)
    assert measured <= gap + 0.01
    assert measured >= (gap - area.radius_m) * 0.999 - 1


def test_the_far_side_of_the_world_is_not_inside() -> None:
    """On a flat map folded at +-180 degrees, a square's antipode lies inside it."""
    for lat in (0.0, 0.02, -0.02):
        assert square(0.0, 0.0, 0.1).distance_m(Spot(lat, 180.0)) > 19_000_000


def test_an_edge_is_straight_in_longitude_and_latitude() -> None:
    """RFC 7946: a long edge along a parallel stays on the parallel; the great circle bulges 100 m off it."""
    area = Area.polygon([(60.0, 10.0), (60.0, 11.2), (60.3, 11.2), (60.3, 10.0)])
    assert area.distance_m(Spot(60.0001, 10.6)) == 0
    assert area.distance_m(Spot(59.9999, 10.6)) == pytest.approx(11.1, abs=1.0)
    assert area.distance_m(Spot(59.999, 10.6)) == pytest.approx(111.2, abs=1.5)


@pytest.mark.parametrize(
    "area", [Area.disc(35.7, 51.4, 100), square(35.7, 51.4, 0.01), Area.disc(-90, 180, 1)]
)
def test_an_area_reads_back_from_its_geojson(area: Area) -> None:
    assert area_from_geojson(area.geojson()) == area


@pytest.mark.parametrize(("lat", "lon"), [
    (91, 0), (-90.0001, 0), (0, 180.0001), (0, -181), (math.nan, 0), (0, math.nan), (math.inf, 0), (0,
    -math.inf),
])  # fmt: skip
def test_no_such_spot(lat: float, lon: float) -> None:
    with pytest.raises(ValueError):
        Spot(lat, lon)


def _polygon(*corners: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [list(corners)]}


def _point(lon: object, lat: object, radius: object = 100) -> dict[str, object]:
    return {"type": "Point", "coordinates": [lon, lat], "radius_m": radius}


@pytest.mark.parametrize("value", [
    {}, {"type": "Point"}, {"type": "point", "coordinates": [0, 0], "radius_m": 10}, {"type": None,
    "coordinates": []},
    {"type": "Point", "coordinates": [0], "radius_m": 10}, {"type": "Point", "coordinates": {},
    "radius_m": 10},
    {"type": "Point", "coordinates": "00", "radius_m": 10}, {"type": "Point", "coordinates": [0, 0]},
    _point(35.7, 91.4), _point(0, 0, 0), _point(0, 0, 0.99), _point(0, 0, -5), _point(0, 0, 50_001),
    _point(0, 0, math.nan), _point(0, 0, math.inf), _point(0, 0, True), _point(0, 0, "10"), _point(0, 0,
    None),
    _point("0", 0), _point(None, 0), _point(True, 0), _point(math.nan, 0), _point(10**400, 0), _point(0, 0,
    10**400),
    _point([0], 0), _point({}, 0), {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
    {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0, 0.1], [0.1, 0]]]]},
    {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [1]},
    {"type": "Polygon", "coordinates": [[[0, 0], [0, 0.1], [0.1, 0]], [[0, 0], [0, 0.1], [0.1, 0]]]},
    _polygon(), _polygon([0, 0]), _polygon([0, 0], [0, 0.1], [0, 0]), _polygon([0, 0], [0.1, 0.1], [0.2,
    0.2]),
    _polygon([0, 0], [0.1, 0.1], [0, 0.1], [0.1, 0]), _polygon([0, 0], [0, 0.1], 1), _polygon([0, 0], [0,
    0.1], "ab"),
    _polygon([0, 0], [0, 0.1], {}), _polygon([0, 0], [0, 0.1], [0.1]), _polygon([0, 0], [0, 0.1], [None, 0]),
    _polygon([179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0.1]), _polygon([0, 0], [0, 10], [10, 0]),
    _polygon([0, 89.9], [120, 89.9], [-120, 89.9]), _polygon([0, 0], [0, 91], [1, 0]),
    _polygon(*[[0.001 * math.cos(i / 17), 0.001 * math.sin(i / 17)] for i in range(101)]),
    _polygon([0, 0], [0, 1e-200], [1e-200, 0]),
])  # fmt: skip
def test_what_is_no_area_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        area_from_geojson(value)
