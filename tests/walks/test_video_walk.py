"""A video through the whole market: asked, filmed (simulated), streamed, judged, paid, delivered, checked."""

from __future__ import annotations

import hashlib
import io
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx2
import numpy as np
import pytest
from skimage import data
from sklearn.datasets import load_sample_image

from agent_sdk import DeviceKey, Shot, Spotcheck
from bounties.rules import MEDIA, Kind
from core.geo import Spot
from market.simulator.camera import render
from market.simulator.phone import FILM_FPS
from market.simulator.recorder import record
from tests.servers import House
from tests.verification import reels
from tests.walks.asks import phone_at, video_bounty
from verification.picture import Pixels

PLACE = Spot(48.2082, 16.3738)
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A market of its own: these scenes are in no other's memory."""
    running = House(tmp_path_factory.mktemp("house"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def agent_key(house: House) -> str:
    return house.account()


@pytest.fixture
def spot(house: House, agent_key: str, tmp_path: Path) -> Iterator[Spotcheck]:
    log_key = house.get("/log/key").text.strip()
    with Spotcheck(api_key=agent_key, base_url=house.url, log_key=log_key, state_dir=tmp_path) as client:
        yield client


def pictures_of(film: bytes, size: tuple[int, int] | None = None) -> list[Pixels]:
    """The frames of a film, which must have no sound; scaled to (width, height) where told."""
    with av.open(io.BytesIO(film), "r") as opened:
        assert not opened.streams.audio
        width, height = size or (None, None)
        frames = [frame.reformat(width, height, format="rgb24") for frame in opened.decode(video=0)]
        return [np.asarray(frame.to_ndarray(), np.uint8) for frame in frames]


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
    assert len(pictures_of(media)) == 6 * FILM_FPS
    assert spot.receipts.verify(observation, media=[media]).ok


def test_the_sdk_hands_in_a_film_from_its_file(house: House, agent_key: str, tmp_path: Path) -> None:
    bounty = house.post("/v1/bounties", video_bounty(PLACE), key=agent_key).json()
    path, key = tmp_path / "film.webm", DeviceKey.create("ES256")
    with Spotcheck(base_url=house.url) as nobody:
        enrolled = nobody.devices.enrol(key, kind="phone", name="a phone")
    assert enrolled.key is not None
    with Spotcheck(enrolled.key.secret, base_url=house.url) as client:
        claim = client.devices.claim(bounty["id"], enrolled.device.id)
        assert claim.kind == "video"
        scene = render(data.rocket(), code=None, seed=45, size=(640, 480), frames=72, fps=FILM_FPS)
        path.write_bytes(record(scene.frames, fps=FILM_FPS, codec="vp8"))
        north = PLACE.lat + 2e-4
        shot = Shot.video(key, enrolled.device.id, claim, path, lat=north, lon=PLACE.lon, accuracy_m=8.0)
        capture = client.devices.submit(shot, answer=4)
        until = time.monotonic() + 120
        while capture.status in {"submitted", "examining"} and time.monotonic() < until:
            time.sleep(0.2)
            capture = client.devices.capture(capture.id)
    assert (capture.status, str(capture.paid)) == ("accepted", "0.50"), capture


def test_a_copied_video_is_refused(house: House, agent_key: str) -> None:
    """The same bytes, and the same film cut short, made smaller and encoded anew: neither is paid."""
    bounty = house.post("/v1/bounties", video_bounty(PLACE, slots=3), key=agent_key).json()
    with phone_at(house.url, PLACE, seed=42) as honest:
        claim = honest.claim(bounty["id"])
        film = honest.film(claim, data.coffee(), seconds=7.0, codec="vp8")
        first = honest.hand_in(claim, honest.sign(honest.statement(claim, film)), film, 1)
    assert first.status == "accepted", first
    again = record(pictures_of(film, (480, 360))[9:-8], fps=FILM_FPS)
    for seed, copy in enumerate((film, again)):
        with phone_at(house.url, PLACE, seed=43 + seed) as cheat:
            claim = cheat.claim(bounty["id"])
            capture = cheat.hand_in(claim, cheat.sign(cheat.statement(claim, copy)), copy, 1)
        assert (capture.status, capture.paid, capture.reasons) == ("rejected", None, ("copy_of_earlier",))
    left = house.get(f"/v1/bounties/{bounty['id']}", key=agent_key).json()
    assert (left["slots_open"], len(left["observations"])) == (2, 1)


def test_videos_that_are_not_what_was_asked_are_refused_with_a_word(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", video_bounty(PLACE), key=agent_key).json()
    with phone_at(house.url, PLACE, seed=46) as phone:
        for film, reason in (
            (reels.film(reels.wander("chelsea", seconds=3.0)), "video_too_short"),
            (reels.film(reels.wander("chelsea", seconds=23.0, size=(160, 120))), "video_too_long"),
            (b"\xff\xd8\xff no film at all", "file_refused"),
        ):
            claim = phone.claim(bounty["id"])
            capture = phone.hand_in(claim, phone.sign(phone.statement(claim, film)), film, 1)
            assert (capture.status, capture.paid, capture.reasons) == ("rejected", None, (reason,))


def peak_mb(process: int) -> float:
    """The most memory a process ever held."""
    [line] = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) / 1024


def files_in(folder: Path) -> set[Path]:
    """Every file under the storage."""
    return {path for path in (folder / "storage").rglob("*") if path.is_file()}


def test_200_megabytes_are_taken_in_without_being_held(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", video_bounty(PLACE), key=agent_key).json()
    assert house.process is not None
    piece, count = secrets.token_bytes(1_000_000), MEDIA[Kind.VIDEO].limit // 1_000_000
    with phone_at(house.url, PLACE, seed=47) as phone:
        claim = phone.claim(bounty["id"])
        before = peak_mb(house.process.pid)
        headers = {"Authorization": f"Bearer {phone.secret}", "Content-Type": "video/mp4"}
        url = f"{house.url}/v1/claims/{claim.id}/media"
        answer = httpx2.put(url, content=(piece for _ in range(count)), headers=headers, timeout=120)
        assert (answer.status_code, answer.json()["size"]) == (200, MEDIA[Kind.VIDEO].limit), answer.text
        assert peak_mb(house.process.pid) - before < 80
        phone.post(f"/v1/claims/{claim.id}/abandon", {})


def test_an_upload_whose_line_breaks_leaves_nothing(house: House, agent_key: str) -> None:
    bounty = house.post("/v1/bounties", video_bounty(PLACE), key=agent_key).json()
    with phone_at(house.url, PLACE, seed=48) as phone:
        claim = phone.claim(bounty["id"])
        before = files_in(house.folder)
        with socket.create_connection(("127.0.0.1", house.port)) as line:
            head = (
                f"PUT /v1/claims/{claim.id}/media HTTP/1.1\r\nHost: market\r\nContent-Type: video/mp4\r\n"
                f"Authorization: Bearer {phone.secret}\r\nContent-Length: 20000000\r\n\r\n"
            )
            line.sendall(head.encode() + secrets.token_bytes(9_000_000))
            time.sleep(0.5)
        time.sleep(0.5)
        assert files_in(house.folder) == before
        whole = reels.honest("h264", seed=3)
        assert phone.upload(claim, whole) == hashlib.sha256(whole).hexdigest()
        phone.post(f"/v1/claims/{claim.id}/abandon", {})
