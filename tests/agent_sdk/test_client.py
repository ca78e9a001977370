"""Both clients over one market in memory: the same calls, the same answers."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_type

import httpx2
import pytest

from agent_sdk import (
    AsyncSpotcheck,
    BadInput,
    Bounty,
    LiveBounty,
    MediaMismatch,
    Observation,
    Spotcheck,
    Waited,
)
from agent_sdk.areas import Disc, Ring
from agent_sdk.resources.bounties import AsyncLiveBounty
from agent_sdk.types import amount
from tests.agent_sdk.market import PICTURE, START, Market


def test_post_wait_and_read_blocking() -> None:
    market = Market()
    market.answers["open?"] = [{"answer": True}]
    with market.client() as client:
        bounty = client.bounties.post("open?", lat=52.0, lon=4.0, reward="2.00", closes_in=60)
        assert_type(bounty, LiveBounty)
        waited = bounty.wait(timeout=30)
        assert_type(waited, Waited)
        seen = waited.first
        assert seen is not None
        assert (seen.answer, seen.reward, bounty.fee) == (True, Decimal("2.00"), Decimal("0.20"))
        assert client.observations.get(seen.id) == seen
        assert client.observations.media(seen.id, seen.media[0].sha256) == PICTURE
        assert client.balance().available == Decimal("9.50")
    body = json.loads(market.sent("POST", "/v1/bounties")[0].content)
    assert body["area"] == {"type": "Point", "coordinates": [4.0, 52.0], "radius_m": 100.0}
    assert body["closes_at"] == "2026-11-23T12:01:00Z"
    assert body["reward"] == "2.00"


def test_post_wait_and_read_awaiting() -> None:
    market = Market()
    market.answers["open?"] = [{"answer": False}]

    async def walk() -> None:
        async with market.aclient() as client:
            bounty = await client.bounties.post("open?", lat=52.0, lon=4.0, reward=Decimal("2.00"))
            assert_type(bounty, AsyncLiveBounty)
            seen = (await bounty.wait(timeout=30)).first
            assert seen is not None
            assert seen.answer is False
            assert await client.observations.media(seen.id, seen.media[0].sha256) == PICTURE
            assert (await client.balance()).held == Decimal("0.70")
            assert (await bounty.cancel()).status == "cancelled"

    asyncio.run(walk())


def test_listings_fetch_page_after_page() -> None:
    market = Market()
    client = market.client()
    for number in range(5):
        bounty = client.bounties.post(f"ask {number}", lat=1.0, lon=2.0)
        market.observe(market.bounties[bounty.id], {})
    asks = [bounty.ask for bounty in client.bounties.list()]
    assert asks == [f"ask {number}" for number in range(5)]
    assert [request.url.query.decode() for request in market.sent("GET", "/v1/bounties")] == [
        "limit=100",
        "limit=100&after=bty_1",
        "limit=100&after=bty_3",
    ]

    async def walk() -> list[Observation]:
        async with market.aclient() as aclient:
            return [seen async for seen in aclient.observations.list()]

    assert len(asyncio.run(walk())) == 5


def test_a_page_is_fetched_only_when_it_is_needed() -> None:
    market = Market()
    client = market.client()
    for number in range(5):
        client.bounties.post(f"ask {number}", lat=1.0, lon=2.0)
    next(client.bounties.list())
    assert len(market.sent("GET", "/v1/bounties")) == 1


def test_waiting_long_polls_until_time_is_up() -> None:
    market = Market()
    client = market.client()
    bounty = client.bounties.post("anybody?", lat=1.0, lon=2.0)
    waited = client.bounties.wait(bounty.id, timeout=60)
    assert (waited.observations, waited.bounty.status) == ((), "open")
    polls = market.sent("GET", f"/v1/bounties/{bounty.id}/wait")
    assert [request.url.query.decode() for request in polls] == [
        "timeout=25.000&seen=0",
        "timeout=25.000&seen=0",
        "timeout=10.000&seen=0",
    ]


def test_waiting_for_more_does_not_spin_on_a_server_that_answers_at_once() -> None:
    market = Market()
    client = market.client()
    bounty = client.bounties.post("twice", lat=1.0, lon=2.0, slots=2)
    row = market.bounties[bounty.id]
    market.observe(row, {})
    row.update(status="expired", slots_pending=1)  # one more is being judged
    waited = client.bounties.wait(bounty.id, timeout=3, at_least=2)
    assert len(waited.observations) == 1
    assert market.clock.slept == [1.0, 1.0, 1.0]


def test_the_end_of_a_bounty_ends_the_wait() -> None:
    market = Market()
    client = market.client()
    bounty = client.bounties.post("anybody?", lat=1.0, lon=2.0, closes_in=timedelta(seconds=30))
    waited = bounty.wait(timeout=3600)
    assert waited.bounty.status == "expired"
    assert market.clock.seconds <= 50


def test_media_that_is_not_what_its_name_says_is_refused() -> None:
    market = Market()
    with pytest.raises(MediaMismatch):
        market.client().observations.media("obs_1", "00" * 32)


def test_unknown_fields_are_ignored_and_values_are_frozen() -> None:
    market = Market()
    bounty = market.client().bounties.post("x", lat=1.0, lon=2.0)
    assert not hasattr(bounty, "a_field_of_tomorrow")
    with pytest.raises(ValueError, match="frozen"):
        bounty.status = "paid"


def test_register_makes_a_client_with_the_new_key() -> None:
    market = Market()
    transport = httpx2.MockTransport(market.handle)
    client = Spotcheck.register("my agent", "http://market.test/", transport=transport)
    assert client.api_key == "sk_new"
    assert "sk_new" not in repr(client)
    assert json.loads(market.requests[0].content) == {"name": "my agent", "kind": "agent"}
    assert "authorization" not in market.requests[0].headers

    async def walk() -> str | None:
        return (await AsyncSpotcheck.register("a", "http://market.test", transport=transport)).api_key

    assert asyncio.run(walk()) == "sk_new"


def test_from_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPOTCHECK_API_KEY", raising=False)
    with pytest.raises(BadInput, match="SPOTCHECK_API_KEY"):
        Spotcheck.from_env()
    monkeypatch.setenv("SPOTCHECK_API_KEY", "sk_1")
    monkeypatch.setenv("SPOTCHECK_BASE_URL", "https://market.example/")
    client = Spotcheck.from_env()
    assert (client.api_key, client.base_url) == ("sk_1", "https://market.example")


@pytest.mark.parametrize(
    "place",
    [{}, {"lat": 1.0}, {"lon": 1.0}, {"lat": 1.0, "lon": 1.0, "area": Disc(lat=1, lon=1, radius_m=5)}],
)
def test_a_bounty_needs_one_place(place: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Market().client().bounties.post("x", **place)  # type: ignore[arg-type]


def test_times_have_a_zone_and_one_meaning() -> None:
    client = Market().client()
    with pytest.raises(BadInput, match="time zone"):
        client.bounties.post("x", lat=1, lon=1, closes_at=datetime(2026, 12, 1))  # noqa: DTZ001
    with pytest.raises(BadInput, match="not both"):
        client.bounties.post("x", lat=1, lon=1, closes_at=START, closes_in=5)


@pytest.mark.parametrize("bad", ["-1", "1e3", "0.0000001", "NaN", "", "1,50", "01"])
def test_amounts_are_plain_decimals(bad: str) -> None:
    with pytest.raises(BadInput):
        amount(bad)


def test_floats_are_no_money() -> None:
    with pytest.raises(TypeError):
        amount(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        amount(True)
    assert [amount(2), amount("0.50"), amount(Decimal("1E+1"))] == ["2", "0.50", "10"]


def test_ids_cannot_leave_their_place_in_the_path() -> None:
    market = Market()
    client = market.client()
    with pytest.raises(KeyError):  # the fake market knows no such bounty
        client.bounties.wait("../../v1/me", timeout=0)
    assert market.requests[-1].url.raw_path.startswith(b"/v1/bounties/..%2F..%2Fv1%2Fme/wait")
    with pytest.raises(BadInput):
        client.bounties.get("..")


def test_areas_are_geojson_with_longitude_first() -> None:
    ring = Ring(corners=((52.0, 4.0), (52.0, 5.0), (53.0, 5.0)))
    assert ring.geojson() == {
        "type": "Polygon",
        "coordinates": [[[4.0, 52.0], [5.0, 52.0], [5.0, 53.0], [4.0, 52.0]]],
    }
    with pytest.raises(ValueError, match="corners"):
        Ring(corners=())


def test_methods_keep_their_signature_and_doc() -> None:
    client = Market().client()
    assert "escrow" in (client.bounties.post.__doc__ or "")
    bounty = Bounty(
        id="bty_1",
        status="open",
        kind="photo",
        ask="x",
        closes_at=datetime(2026, 12, 1, tzinfo=UTC),
        reward=Decimal(1),
    )
    assert not bounty.over
    assert bounty.model_copy(update={"status": "expired"}).over
    assert not bounty.model_copy(update={"status": "expired", "slots_pending": 1}).over
