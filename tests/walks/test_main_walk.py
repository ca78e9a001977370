"""The README's walk on the real market: asked, claimed, captured, judged, paid, checked offline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from skimage import data
from sklearn.datasets import load_sample_image

from agent_sdk import Spotcheck
from core.geo import Spot
from market.simulator.instrument import spike
from tests.servers import House
from tests.walks.asks import phone_at, photo_bounty, probe_at, stream_bounty

# Each walk on the shared house has a scene of its own: two renders of one photograph are copies.
PLACE = Spot(35.6892, 51.3890)
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def agent_key(house: House) -> str:
    return house.account()


@pytest.fixture
def spot(house: House, agent_key: str, tmp_path: Path) -> Iterator[Spotcheck]:
    log_key = house.get("/log/key").text.strip()
    with Spotcheck(api_key=agent_key, base_url=house.url, log_key=log_key, state_dir=tmp_path) as client:
        yield client


def test_the_agent_asks_a_person_looks_and_the_receipt_verifies_offline(
    house: House, spot: Spotcheck
) -> None:
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
    with phone_at(house.url, PLACE, seed=11) as phone:
        assert bounty.id in [card["id"] for card in phone.near()]
        capture = phone.earn(bounty.id, load_sample_image("flower.jpg"), 3)
        assert (capture.status, str(capture.paid)) == ("accepted", "0.50")
        assert phone.get("/v1/me")["balances"]["payable"] == "0.50"
    [observation] = spot.bounties.wait(bounty.id, timeout=30).observations
    assert observation.answer == 3
    assert observation.p_genuine is not None
    assert observation.p_genuine > 0.8
    media = spot.observations.media(observation.id, observation.media[0].sha256)
    assert hashlib.sha256(media).hexdigest() == observation.media[0].sha256
    verified = spot.receipts.verify(observation, media=[media])
    assert verified.ok


def test_a_dearer_bounty_asks_for_a_code_in_the_scene_and_holds_the_money_back(
    house: House, agent_key: str
) -> None:
    bounty = house.post("/v1/bounties", photo_bounty(PLACE, reward="3.00", slots=2), key=agent_key).json()
    assert bounty["tier"] == 1
    operator = house.account(kind="operator", name="reviewer")
    with phone_at(house.url, PLACE, seed=12) as honest:
        capture = honest.earn(bounty["id"], data.astronaut(), 0)
        # Code and turns are drawn at random: some cannot be read in every light, and are a person's case.
        if capture.status == "review":
            decision = {"verdict": "accept", "note": "the code is on paper"}
            assert house.post(f"/v1/reviews/{capture.id}", decision, key=operator).status_code == 200
        assert honest.read(capture.id).status == "accepted"
        balances = honest.get("/v1/me")["balances"]
    assert (balances["pending"], balances["payable"]) == ("3.00", "0.00")


def test_an_instrument_is_paid_by_the_window_and_not_for_a_bad_one(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", stream_bounty(PLACE, slots=2), key=agent_key).json()
    lab = house.account(kind="lab", deposit=None)
    with probe_at(house.url, PLACE, 5, lab) as probe:
        claim = probe.claim(bounty["id"])
        good = probe.deliver(claim, probe.measure(claim))
        claim = probe.claim(bounty["id"])
        bad = probe.deliver(claim, spike(probe.measure(claim), 4, 900.0))
    assert (good.status, str(good.paid)) == ("accepted", "0.10")
    assert (bad.status, bad.paid, bad.reasons) == ("rejected", None, ("readings_refused",))
    waited = house.get(f"/v1/bounties/{bounty['id']}/wait?timeout=0", key=agent_key).json()
    [observation] = waited["observations"]
    readings = house.get(observation["media"][0]["url"], key=agent_key).text.splitlines()
    assert len(readings) == 20


def test_a_person_overturns_a_rejection_and_the_contributor_is_paid(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", photo_bounty(PLACE), key=agent_key).json()
    operator = house.account(kind="operator", name="reviewer")
    with phone_at(house.url, PLACE, seed=13) as phone:
        claim = phone.claim(bounty["id"])
        media = phone.shoot(claim, data.immunohistochemistry()).jpeg
        elsewhere = phone.sign(phone.statement(claim, media, lat=PLACE.lat + 0.5))
        capture = phone.hand_in(claim, elsewhere, media, 1)
        assert (capture.status, capture.paid) == ("rejected", None)
        said = {"statement": "My phone thought it was elsewhere."}
        assert house.post(f"/v1/captures/{capture.id}/appeal", said, key=phone.secret).status_code == 202
        waiting = house.get("/v1/reviews", key=operator).json()["items"]
        assert capture.id in [item["capture"] for item in waiting]
        decision = {"verdict": "accept", "note": "the sign is theirs"}
        assert house.post(f"/v1/reviews/{capture.id}", decision, key=operator).status_code == 200
        assert phone.read(capture.id).status == "accepted"
        assert phone.get("/v1/me")["balances"]["payable"] == "0.50"


def test_the_same_readings_are_not_paid_twice(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", stream_bounty(PLACE, slots=2), key=agent_key).json()
    lab = house.account(kind="lab", deposit=None)
    with probe_at(house.url, PLACE, 6, lab) as probe:
        claim = probe.claim(bounty["id"])
        readings = probe.measure(claim)
        assert probe.deliver(claim, readings).status == "accepted"
        again = probe.deliver(probe.claim(bounty["id"]), readings)
    assert (again.status, again.paid, again.reasons) == ("rejected", None, ("readings_refused",))
