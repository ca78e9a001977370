"""The statement a device signs, read with suspicion.

Its exact text is what was hashed and signed, so it must have one meaning: a duplicate key, a NaN or
a nesting bomb makes it unreadable rather than ambiguous.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime

from core.clock import parse_instant
from core.geo import Spot
from verification.evidence import Json, Session

MAX_STATEMENT = 4096  # characters
MOMENTS = ("taken_at", "captured_at")  # the market's name of when it was taken, and the one outside


class Said(dict[str, Json]):
    """A statement outside the market as checks read it: a key that is null is left out.

    Attributes:
        signed: the same as the device signed it, nulls and all.
    """

    def __init__(self, signed: Mapping[str, Json]) -> None:
        super().__init__((key, value) for key, value in signed.items() if value is not None)
        self.signed = signed


def parse_object(text: str, limit: int) -> dict[str, Json] | None:
    """A JSON object with unique keys and finite numbers from at most `limit` characters, else None."""
    if len(text) > limit:
        return None
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parse_statement(text: str) -> Mapping[str, Json] | None:
    """The statement as a mapping, or None when it is not one JSON object of at most 4096 characters."""
    return parse_object(text, MAX_STATEMENT)


def said_in(session: Session) -> Mapping[str, Json] | None:
    """What the device of a session said, as checks read it; None when its statement is no JSON object."""
    statement = parse_statement(session.statement)
    return Said(statement) if statement is not None and session.outside else statement


def number(value: Json) -> float | None:
    """A finite number (never a bool), else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 and math.isfinite(value) else None


def spot_of(statement: Mapping[str, Json] | None) -> Spot | None:
    """Where the device says it was, else None."""
    if statement is None:
        return None
    lat, lon = number(statement.get("lat")), number(statement.get("lon"))
    if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    return Spot(lat, lon)


def instant_of(value: Json) -> datetime | None:
    """An RFC 3339 instant with an offset, else None."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        return parse_instant(value)
    except (ValueError, OverflowError):
        return None


def moment_of(statement: Mapping[str, Json] | None) -> datetime | None:
    """When the device says it took the picture ("taken_at"; outside the market "captured_at"), else None."""
    said = statement or {}
    return instant_of(said.get("taken_at", said.get("captured_at")))


def moments_in(statement: Mapping[str, Json]) -> set[datetime | None]:
    """What its keys say of when it was taken, one moment if they agree; None for what is no time."""
    return {instant_of(statement[key]) for key in MOMENTS if key in statement}


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is beyond what a float holds")
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")
