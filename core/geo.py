"""Where: areas as GeoJSON, H3 cells to find by, exact distances to decide by.

Cells (Uber H3) only shorten the search; every decision uses the distance in metres on the mean
sphere (R = 6,371,008.8 m, IUGG). Against the ellipsoid that is off by at most 0.56 %.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import h3
from shapely import segmentize
from shapely.geometry import LinearRing, Point, Polygon

EARTH_RADIUS_M = 6_371_008.8
FIND_RESOLUTION = 5  # cells about 17 km across: a 50 km search is some dozens of them
COARSE_RESOLUTION = 7  # cells about 2.4 km across: what others may see of a place
FINEST_FENCE = 9  # cells about 350 m across: a fence need be no finer
MAX_RADIUS_M = 50_000.0
_CELL = re.compile(r"[0-9a-f]{15}")
_EDGE_STEP_DEGREES = 0.05  # an edge is straight in longitude and latitude (RFC 7946), not on the sphere


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in WGS 84 degrees: lat -90..90, lon -180..180, both finite."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lat) and math.isfinite(self.lon)):
            raise ValueError("latitude and longitude must be finite")
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError("latitude is -90..90 and longitude -180..180")


def distance_m(a: Spot, b: Spot) -> float:
    """Great-circle distance in metres (haversine)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b.lon - a.lon) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


def cell(spot: Spot, resolution: int = FIND_RESOLUTION) -> str:
    """The H3 cell that holds a spot."""
    return str(h3.latlng_to_cell(spot.lat, spot.lon, resolution))


def fence_cell(text: str) -> str:
    """An H3 cell of resolution 0..9, as lower-case hex, that may be part of a fence.

    Raises:
        ValueError: anything else.
    """
    known = _CELL.fullmatch(text) and h3.is_valid_cell(text)  # h3 alone reads capitals and spaces too
    if not known or h3.get_resolution(text) > FINEST_FENCE:
        raise ValueError(f"not an H3 cell of resolution 0..{FINEST_FENCE} in lower-case hex")
    return text


def inside_fence(spot: Spot, cells: Collection[str]) -> bool:
    """Whether a spot lies in one of these cells, of whatever resolutions."""
    return any(cell(spot, resolution) in cells for resolution in {h3.get_resolution(c) for c in cells})


def cells_within(spot: Spot, radius_m: float) -> list[str]:
    """Cells of FIND_RESOLUTION that may hold points within `radius_m` (0..50,000 m) of a spot."""
    edge_m = h3.average_hexagon_edge_length(FIND_RESOLUTION, unit="m")
    rings = math.ceil(radius_m / edge_m) + 1
    return sorted(h3.grid_disk(cell(spot), rings))


@dataclass(frozen=True, slots=True)
class Area:
    """Where a capture must be made: a disc (`radius_m` > 0) or a polygon ring without holes.

    Attributes:
        kind: "disc" or "polygon".
        centre: of the disc, or the polygon's centroid.
        radius_m: of the disc in metres, or of the circle about the centroid that holds the polygon.
        ring: the polygon's corners, not repeated at the end; empty for a disc.
    """

    kind: Literal["disc", "polygon"]
    centre: Spot
    radius_m: float
    ring: tuple[Spot, ...] = ()

    @classmethod
    def disc(cls, lat: float, lon: float, radius_m: float) -> Area:
        """A disc of 1..50,000 m about a point. Raises ValueError when out of range."""
        if not (math.isfinite(radius_m) and 1 <= radius_m <= MAX_RADIUS_M):
            raise ValueError(f"radius_m is 1..{MAX_RADIUS_M:.0f}")
        return cls("disc", Spot(lat, lon), float(radius_m))

    @classmethod
    def polygon(cls, corners: list[tuple[float, float]]) -> Area:
        """A polygon from (lat, lon) corners. Raises ValueError when not simple, tiny, or too wide."""
        ring = tuple(Spot(lat, lon) for lat, lon in corners)
        if ring and ring[0] == ring[-1]:
            ring = ring[:-1]
        if not 3 <= len(ring) <= 100:
            raise ValueError("a polygon has 3..100 corners")
        if max(s.lon for s in ring) - min(s.lon for s in ring) > 180:
            raise ValueError("a polygon must not cross the antimeridian; use a point and radius")
        flat = Polygon([(s.lon, s.lat) for s in ring])
        if not flat.is_valid or flat.area == 0:
            raise ValueError("the polygon crosses itself or has no area")
        centre = Spot(flat.centroid.y, flat.centroid.x)
        radius = max(distance_m(centre, s) for s in ring)
        if radius > MAX_RADIUS_M:
            raise ValueError(f"the polygon reaches over {MAX_RADIUS_M:.0f} m from its centre")
        return cls("polygon", centre, radius, ring)

    def distance_m(self, spot: Spot) -> float:
        """Metres from a spot to the area's edge; 0 inside."""
        if self.kind == "disc":
            return max(0.0, distance_m(self.centre, spot) - self.radius_m)
        corners = [(s.lon, s.lat) for s in self.ring]
        if Polygon(corners).covers(Point(spot.lon, spot.lat)):
            return 0.0
        edge = segmentize(LinearRing(corners), _EDGE_STEP_DEGREES)
        seen = [_seen_from(spot, Spot(lat, lon)) for lon, lat in edge.coords]
        flat = float(LinearRing(seen).distance(Point(0.0, 0.0)))
        # Near the far side of the world two corners are seen in opposite directions, and the straight line
        # between them runs past the origin. No point of the area is nearer than this:
        return max(flat, distance_m(self.centre, spot) - self.radius_m)

    def geojson(self) -> dict[str, object]:
        """The area on the wire: a GeoJSON Point with `radius_m`, or a Polygon (RFC 7946, lon first)."""
        if self.kind == "disc":
            point = [self.centre.lon, self.centre.lat]
            return {"type": "Point", "coordinates": point, "radius_m": self.radius_m}
        ring = [[s.lon, s.lat] for s in (*self.ring, self.ring[0])]
        return {"type": "Polygon", "coordinates": [ring]}


def _seen_from(origin: Spot, spot: Spot) -> tuple[float, float]:
    """A spot in metres east and north of `origin`, its distance and bearing kept (azimuthal equidistant).

    True for any pair of spots, across the antimeridian, the poles and the far side of the world.
    """
    lat, other = math.radians(origin.lat), math.radians(spot.lat)
    turn = math.radians(spot.lon - origin.lon)
    east = math.sin(turn) * math.cos(other)
    north = math.cos(lat) * math.sin(other) - math.sin(lat) * math.cos(other) * math.cos(turn)
    bearing, far = math.atan2(east, north), distance_m(origin, spot)
    return far * math.sin(bearing), far * math.cos(bearing)


def area_from_geojson(value: dict[str, object]) -> Area:
    """Reads `Area.geojson()` back, or what a caller wrote in that form.

    Raises:
        ValueError: another type, missing or non-numeric coordinates, or a bad extent.
    """
    kind, coordinates = value.get("type"), value.get("coordinates")
    try:
        if kind == "Point" and isinstance(coordinates, list):
            lon, lat = (_number(c) for c in coordinates[:2])
            return Area.disc(lat, lon, _number(value.get("radius_m")))
        if kind == "Polygon" and isinstance(coordinates, list) and len(coordinates) == 1:
            return Area.polygon([(_number(c[1]), _number(c[0])) for c in coordinates[0]])
    except (TypeError, IndexError, KeyError, OverflowError) as error:
        raise ValueError("coordinates are not [lon, lat] numbers") from error
    raise ValueError("an area is a GeoJSON Point with radius_m, or a Polygon with one ring")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)
