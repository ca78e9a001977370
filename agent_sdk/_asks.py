"""What a post asks for, as the wire wants it; and the approval of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypedDict

from pydantic import AwareDatetime, JsonValue

from agent_sdk._core import Core
from agent_sdk.areas import Disc, Ring
from agent_sdk.errors import BadInput
from agent_sdk.types import Amount, StreamTerms, Wire, amount, timestamp

DEFAULT_CLOSES_IN = timedelta(hours=24)


class Approval(Wire):
    """A post that a limited key asked for. status: waiting | approved | refused | used | lapsed.

    Attributes:
        key: the id of the key that asked, and that may post it.
        amount: dollars it would hold, fees included. summary: what it is, in one line.
        request: the body of the post: `client.bounties.post_approved` sends it.
        bounty: what came of it, once used.
    """

    id: str
    status: str
    key: str
    amount: Amount
    summary: str = ""
    request: dict[str, JsonValue]
    created_at: AwareDatetime
    lapses_at: AwareDatetime
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    bounty: str | None = None


class Terms(TypedDict, total=False):
    """The arguments that say what a post asks for; see `Bounties.post`."""

    area: Disc | Ring | Mapping[str, JsonValue] | None
    lat: float | None
    lon: float | None
    radius_m: float
    answer_schema: Mapping[str, JsonValue] | None
    reward: str | int | Decimal
    closes_in: timedelta | float | None
    closes_at: datetime | None
    opens_at: datetime | None
    slots: int
    tier: int | None
    kind: str
    stream: StreamTerms | Mapping[str, JsonValue] | None
    licence: str
    purpose: str
    max_freshness_s: float | None


def request_body(core: Core, ask: str, terms: Terms) -> dict[str, JsonValue]:
    """The body of a post. Raises BadInput for what can be seen to be wrong on this side."""
    place = _area(terms.get("area"), terms.get("lat"), terms.get("lon"), terms.get("radius_m", 100.0))
    closes = _closing(core, terms.get("closes_in"), terms.get("closes_at"))
    body: dict[str, JsonValue] = {
        "kind": terms.get("kind", "photo"),
        "ask": ask,
        "answer_schema": dict(terms.get("answer_schema") or {}),
        "area": place,
        "closes_at": timestamp(closes),
        "reward": amount(terms.get("reward", "0.50")),
        "slots": terms.get("slots", 1),
        "licence": terms.get("licence", "buyer-only"),
        "purpose": terms.get("purpose", "not stated"),
    }
    opens_at, stream = terms.get("opens_at"), terms.get("stream")
    if opens_at is not None:
        body["opens_at"] = timestamp(opens_at)
    if (tier := terms.get("tier")) is not None:
        body["tier"] = tier
    if (freshest := terms.get("max_freshness_s")) is not None:
        body["max_freshness_s"] = freshest
    if stream is not None:
        body["stream"] = stream.model_dump() if isinstance(stream, StreamTerms) else dict(stream)
    return body


def _area(
    area: Disc | Ring | Mapping[str, JsonValue] | None, lat: float | None, lon: float | None, radius_m: float
) -> dict[str, JsonValue]:
    if area is not None:
        if lat is not None or lon is not None:
            raise BadInput("give area, or lat and lon, not both")
        return area.geojson() if isinstance(area, Disc | Ring) else dict(area)
    if lat is None or lon is None:
        raise BadInput("a bounty needs a place", hint="Give area=, or lat=, lon= and radius_m=.")
    return Disc(lat=lat, lon=lon, radius_m=radius_m).geojson()


def _closing(core: Core, closes_in: timedelta | float | None, closes_at: datetime | None) -> datetime:
    if closes_at is not None:
        if closes_in is not None:
            raise BadInput("give closes_in or closes_at, not both")
        return closes_at
    span = DEFAULT_CLOSES_IN if closes_in is None else closes_in
    return core.now() + (span if isinstance(span, timedelta) else timedelta(seconds=span))
