"""Where a bounty is: a disc or a polygon, as the wire wants it (GeoJSON, RFC 7946)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, JsonValue

from agent_sdk.types import Wire


class Disc(Wire):
    """An area: `radius_m` (1..50,000) metres about a WGS 84 point."""

    lat: float
    lon: float
    radius_m: float

    def geojson(self) -> dict[str, JsonValue]:
        """As the wire wants it: lon first (RFC 7946)."""
        return {"type": "Point", "coordinates": [self.lon, self.lat], "radius_m": self.radius_m}


class Ring(Wire):
    """An area: a polygon without holes, by its (lat, lon) corners, three and more."""

    corners: Annotated[tuple[tuple[float, float], ...], Field(min_length=3)]

    def geojson(self) -> dict[str, JsonValue]:
        """As the wire wants it: lon first, first corner repeated (RFC 7946)."""
        closed: Sequence[tuple[float, float]] = (*self.corners, self.corners[0])
        return {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in closed]]}
