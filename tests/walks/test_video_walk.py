"""A video through the whole market: asked, filmed (simulated), streamed, judged, paid, delivered, checked."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from skimage import data
from sklearn.datasets import load_sample_image

from agent_sdk import Spotcheck
from core.geo import Spot
from market.simulator.phone import FILM_FPS
from market.simulator.recorder import record
from tests.servers import House
from tests.walks.asks import phone_at, video_bounty

PLACE = Spot(48.2082, 16.3738)
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def agent_key(house: House) -> str:
    return house.account()


@pytest.fixture
def spot(house: House, agent_key: str, tmp_path: Path) -> Iterator[Spotcheck]:
    log_key = house.get("/log/key").text.strip()
    with Spotcheck(api_key=agent_key, base_url=house.url, log_key=log_key, state_dir=tmp_path) as client:
        yield client


def pictures_of(film: bytes) -> int:
    """How many frames a film has; it also has no sound."""
    with av.open(io.BytesIO(film)) as opened:
        assert not opened.streams.audio
        return sum(1 for _ in opened.decode(video=0))


def test_an_honest_video_is_paid_and_delivered_and_its_receipt_verifies(
    house: House, spot: Spotcheck
) -> None:
    bounty = spot.bounties.post(
        "The street from the corner, for ten seconds",
        kind="video",
        lat=PLACE.lat,
        lon=PLACE.lon,
        radius_m=100,
        closes_in=3600,
        reward="0.50",
        answer_schema={"type": "integer", "minimum": 0},
        purpose="counting cars",
    )
    with phone_at(house.url, PLACE, seed=41) as phone:
        [card] = [card for card in phone.near() if card["id"] == bounty.id]
        assert card["kind"] == "video"
        capture = phone.earn(bounty.id, load_sample_image("china.jpg"), 3)
        assert (capture.status, str(capture.paid)) == ("accepted", "0.50"), capture
        assert phone.get("/v1/me")["balances"]["payable"] == "0.50"
    [observation] = spot.bounties.wait(bounty.id, timeout=30).observations
    assert (observation.kind, observation.answer) == ("video", 3)
    [item] = observation.media
    assert item.media_type == "video/mp4"
    media = spot.observations.media(observation.id, item.sha256)
    assert hashlib.sha256(media).hexdigest() == item.sha256
    assert pictures_of(media) == 6 * FILM_FPS
    assert spot.receipts.verify(observation, media=[media]).ok


def test_a_copied_video_is_refused(house: House, agent_key: str) -> None:
    """The same bytes, and the same film cut short, made smaller and encoded anew: neither is paid."""
    bounty = house.post("/v1/bounties", video_bounty(PLACE, slots=3), key=agent_key).json()
    with phone_at(house.url, PLACE, seed=42) as honest:
        claim = honest.claim(bounty["id"])
        film = honest.film(claim, data.coffee(), seconds=7.0, codec="vp8")
        first = honest.hand_in(claim, honest.sign(honest.statement(claim, film)), film, 1)
    assert first.status == "accepted", first
    with av.open(io.BytesIO(film)) as opened:
        frames = [frame.reformat(480, 360).to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    again = record(frames[9:-8], fps=FILM_FPS)
    for seed, copy in enumerate((film, again)):
        with phone_at(house.url, PLACE, seed=43 + seed) as cheat:
            claim = cheat.claim(bounty["id"])
            capture = cheat.hand_in(claim, cheat.sign(cheat.statement(claim, copy)), copy, 1)
        assert (capture.status, capture.paid, capture.reasons) == ("rejected", None, ("copy_of_earlier",))
    left = house.get(f"/v1/bounties/{bounty['id']}", key=agent_key).json()
    assert (left["slots_open"], len(left["observations"])) == (2, 1)
