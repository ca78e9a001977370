"""The README's walk on the real market: asked, claimed, captured, judged, paid, checked offline."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from skimage import data

from agent_sdk import Spotcheck
from core.geo import Spot
from market.simulator.instrument import Instrument, spike
from market.simulator.phone import Phone
from tests.servers import House
from tests.walks.asks import photo_bounty, stream_bounty

PLACE = Spot(35.6892, 51.3890)
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def agent_key(house: House) -> str:
    return house.account()


def client(house: House, key: str, folder: Path) -> Spotcheck:
    log_key = house.get("/log/key").text.strip()
    return Spotcheck(api_key=key, base_url=house.url, log_key=log_key, state_dir=folder)


def test_the_agent_asks_a_person_looks_and_the_receipt_verifies_offline(
    house: House, agent_key: str, tmp_path: Path
) -> None:
    spot = client(house, agent_key, tmp_path)
    bounty = spot.bounties.post(
        "The cups on the table by the window",
        lat=PLACE.lat,
        lon=PLACE.lon,
        radius_m=100,
        closes_in=3600,
        reward="0.50",
        answer_schema={"type": "integer", "minimum": 0},
        purpose="counting cups",
    )
    phone = Phone(house.url, PLACE, seed=11)
    phone.enrol()
    assert bounty.id in [card["id"] for card in phone.near()]
    capture = phone.earn(bounty.id, data.coffee(), 3)
    assert (capture.status, str(capture.paid)) == ("accepted", "0.50")
    seen = spot.bounties.wait(bounty.id, timeout=30)
    [observation] = seen.observations
    assert observation.answer == 3
    assert observation.p_genuine is not None
    assert observation.p_genuine > 0.8
    media = spot.observations.media(observation.id, observation.media[0].sha256)
    assert hashlib.sha256(media).hexdigest() == observation.media[0].sha256
    verified = spot.receipts.verify(observation, media=[media])
    assert verified
    assert phone.get("/v1/me")["balances"]["payable"] == "0.50"


def test_a_dearer_bounty_asks_for_a_code_in_the_scene_and_holds_the_money_back(
    house: House, agent_key: str
) -> None:
    bounty = house.post("/v1/bounties", photo_bounty(PLACE, reward="3.00", slots=2), key=agent_key).json()
    assert bounty["tier"] == 1
    honest = Phone(house.url, PLACE, seed=12)
    honest.enrol()
    assert honest.earn(bounty["id"], data.astronaut(), 0).status == "accepted"
    balances = honest.get("/v1/me")["balances"]
    assert (balances["pending"], balances["payable"]) == ("3.00", "0.00")


def test_an_instrument_is_paid_by_the_window_and_not_for_a_bad_one(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", stream_bounty(PLACE, slots=2), key=agent_key).json()
    probe = Instrument(house.url, secret=house.account(kind="lab", deposit=None), spot=PLACE, seed=5)
    probe.enrol()
    claim = probe.claim(bounty["id"])
    good = probe.deliver(claim, probe.measure(claim))
    assert (good.status, str(good.paid)) == ("accepted", "0.10")
    claim = probe.claim(bounty["id"])
    bad = probe.deliver(claim, spike(probe.measure(claim), 4, 900.0))
    assert (bad.status, bad.paid) == ("rejected", None)
    assert "readings_refused" in bad.reasons


def test_a_person_overturns_a_rejection_and_the_contributor_is_paid(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", photo_bounty(PLACE), key=agent_key).json()
    phone = Phone(house.url, PLACE, seed=13)
    phone.enrol()
    claim = phone.claim(bounty["id"])
    media = phone.shoot(claim, data.rocket()).jpeg
    elsewhere = phone.sign(phone.statement(claim, media, lat=PLACE.lat + 0.5))
    capture = phone.hand_in(claim, elsewhere, media, 1)
    assert (capture.status, capture.paid) == ("rejected", None)
    operator = house.account(kind="operator", name="reviewer")
    said = {"statement": "My phone thought it was elsewhere."}
    assert house.post(f"/v1/captures/{capture.id}/appeal", said, key=phone.secret).status_code == 202
    waiting = house.get("/v1/reviews", key=operator).json()["items"]
    assert capture.id in [item["capture"] for item in waiting]
    decided = house.post(
        f"/v1/reviews/{capture.id}", {"verdict": "accept", "note": "the sign is theirs"}, key=operator
    )
    assert decided.status_code == 200
    assert phone.read(capture.id).status == "accepted"
    assert phone.get("/v1/me")["balances"]["payable"] == "0.50"
