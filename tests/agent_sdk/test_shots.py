"""Photographs and films through the SDK: sworn to once, handed in as often as it takes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from agent_sdk import (
    AsyncSpotcheck,
    BadInput,
    Claim,
    ConnectionFailed,
    DeviceKey,
    Shot,
    Spotcheck,
    StateConflict,
    TooLarge,
)
from agent_sdk import shots as shots_module
from agent_sdk.films import motion_file
from bounties import rules, submissions
from bounties.rules import Kind
from core.accounts.rules import Kind as AccountKind
from tests.agent_sdk.market import START
from tests.agent_sdk.test_device import CLAIM, Bench
from tests.inside import Inside
from verification import burst_file
from verification.evidence import Burst

PLACE: dict[str, Any] = {"lat": 35.69, "lon": 51.39, "accuracy_m": 5.0}
FILM_CLAIM = CLAIM.model_copy(update={"kind": "video"})
FILMS = {
    "video/mp4": b"\x00\x00\x00\x18ftypisom" + b"film" * 400_000,
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  " + b"film",
    "video/webm": b"\x1a\x45\xdf\xa3" + b"film",
}


def photo(claim: Claim = CLAIM, picture: bytes = b"jpeg", **more: Any) -> Shot:
    return Shot.photo(DeviceKey.create("ES256"), "dev_1", claim, picture, **{**PLACE, **more})


def film(source: bytes | Path, **more: Any) -> Shot:
    key = DeviceKey.create("ES256")
    return Shot.video(key, "dev_1", FILM_CLAIM, source, **PLACE, taken_at=START, **more)


def handed_in(bench: Bench, shot: Shot) -> dict[str, Any]:
    """Submits; gives the signed statement, whose hash was sent first."""
    bench.client().devices.submit(shot, True)
    commitment, submitted = bench.calls[0][2]["commitment"], bench.calls[-1][2]["statement"]
    assert commitment == hashlib.sha256(submitted.encode()).hexdigest()
    said: dict[str, Any] = json.loads(submitted)
    return said


def test_a_photo_goes_commitment_first() -> None:
    bench = Bench(lose=[])
    assert handed_in(bench, photo(media_type="image/png"))["sha256"] == hashlib.sha256(b"jpeg").hexdigest()
    assert [what for what, _, _ in bench.calls] == ["commitment", "media", "captures"]
    assert (bench.calls[1][2], bench.types[1]) == (b"jpeg", "image/png")


@pytest.mark.parametrize("form", FILMS)
@pytest.mark.parametrize("in_a_file", [False, True])
def test_a_video_goes_commitment_first_under_its_own_type(tmp_path: Path, form: str, in_a_file: bool) -> None:
    bench, data = Bench(lose=[]), FILMS[form]
    path = tmp_path / "film.bin"
    path.write_bytes(data)
    statement = handed_in(bench, film(path if in_a_file else data))
    assert [what for what, _, _ in bench.calls] == ["commitment", "media", "captures"]
    assert (statement["kind"], statement["sha256"]) == ("video", hashlib.sha256(data).hexdigest())
    assert "burst" not in statement
    assert bench.calls[1][2] == data
    assert (bench.types[1], bench.lengths[1]) == (form, str(len(data)))


def test_a_lost_upload_is_sent_again_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILMS["video/mp4"])
    bench = Bench(lose=[2])
    handed_in(bench, film(path))
    assert [body for what, _, body in bench.calls if what == "media"] == [FILMS["video/mp4"]] * 2


def test_the_awaiting_client_sends_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILMS["video/mp4"])
    bench = Bench(lose=[])

    async def send() -> None:
        async with AsyncSpotcheck("sk_1", transport=httpx2.MockTransport(bench.ahandle)) as client:
            await client.devices.submit(film(path), None)

    anyio.run(send)
    assert bench.calls[1][2] == FILMS["video/mp4"]
    assert bench.lengths[1] == str(len(FILMS["video/mp4"]))


def test_what_a_phone_felt_is_signed_with_its_film() -> None:
    bench, motion = Bench(lose=[]), "t,gx,gy,gz,ax,ay,az\n0,0,0,0,0,9.8,0\n"
    statement = handed_in(bench, film(FILMS["video/webm"], motion=motion))
    [felt] = [body for what, _, body in bench.calls if what == "burst"]
    assert statement["burst"] == hashlib.sha256(felt).hexdigest()
    assert burst_file.read(felt) == Burst((), (), motion, statement["burst"])
    assert motion_file(motion) == felt


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 a picture", b"RIFF....AVI LIST"])
def test_what_is_no_film_is_not_sworn_to(data: bytes) -> None:
    with pytest.raises(BadInput, match="MP4, MOV or WebM"):
        film(data)


def test_what_the_market_would_refuse_is_refused_before_anything_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BadInput) as refused:
        photo(media_type="image/jpg")
    assert refused.value.facts["allowed"] == sorted(rules.MEDIA[Kind.PHOTO].types)
    challenge = CLAIM.challenge.model_copy(update={"burst": True})
    with pytest.raises(BadInput, match="burst"):
        photo(CLAIM.model_copy(update={"challenge": challenge}))
    with pytest.raises(BadInput, match="not a photo"):
        photo(FILM_CLAIM)
    with pytest.raises(BadInput, match="empty"):
        photo(picture=b"")
    for name in ("PHOTO_BYTES", "BURST_BYTES"):
        monkeypatch.setattr(shots_module, name, 3)
        with pytest.raises(TooLarge) as large:
            photo(burst=b"zip!")
        assert large.value.facts == {"limit": 3}
        monkeypatch.undo()
    assert rules.MEDIA[Kind.PHOTO].limit == shots_module.PHOTO_BYTES
    assert rules.MEDIA[Kind.VIDEO].limit == shots_module.FILM_BYTES
    assert burst_file.MAX_BYTES == shots_module.BURST_BYTES


class Phone:
    """A person's phone at the real application, and a photo bounty that waits for it."""

    def __init__(self, inside: Inside, reward: str = "0.50") -> None:
        self.inside, self.transport, self.key = inside, inside.client._transport, DeviceKey.create("ES256")
        with self.client(None, self.transport) as nobody:
            enrolled = nobody.devices.enrol(self.key, kind="phone")
        assert enrolled.key is not None
        self.secret, self.device = enrolled.key.secret, enrolled.device.id
        self.buyer = self.client(inside.key(AccountKind.AGENT), self.transport)
        self.bounty = self.buyer.bounties.post(
            "Is the shop open?", lat=PLACE["lat"], lon=PLACE["lon"], answer_schema={"type": "boolean"},
            reward=reward, max_freshness_s=120,
        )  # fmt: skip
        self.spot = self.client(self.secret, self.transport)
        self.claim = self.spot.devices.claim(self.bounty.id, self.device)

    def client(self, key: str | None, transport: httpx2.BaseTransport, retries: int = 0) -> Spotcheck:
        return Spotcheck(key, base_url="http://testserver", transport=transport, retries=retries)

    def shot(self, **more: Any) -> Shot:
        return Shot.photo(self.key, self.device, self.claim, b"a picture", **PLACE, **more)


class Losing(httpx2.BaseTransport):
    """Loses one reply, after the server has acted on the request."""

    def __init__(self, inner: httpx2.BaseTransport, number: int) -> None:
        self.inner, self.left = inner, number

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.inner.handle_request(request)
        self.left -= 1
        if self.left == 0:
            raise httpx2.ReadError("the reply was lost")
        return answer


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_shot_is_handed_in_once_whichever_reply_is_lost(inside: Inside, lost: int) -> None:
    """Of the third, the capture's, the repeated upload meets a claim that is over."""
    phone = Phone(inside)
    shot = phone.shot()
    with pytest.raises(ConnectionFailed):
        phone.client(phone.secret, Losing(phone.transport, lost)).devices.submit(shot, True)
    capture = phone.spot.devices.submit(shot, True)
    assert phone.spot.devices.submit(shot, True).id == capture.id
    assert [each.id for each in phone.spot.devices.captures()] == [capture.id]
    assert capture.status == "submitted"


def test_an_answer_that_is_refused_does_not_cost_the_claim(inside: Inside) -> None:
    phone = Phone(inside)
    shot = phone.shot()
    with pytest.raises(BadInput, match="answer_schema"):
        phone.spot.devices.submit(shot, "yes, it is open")
    assert phone.spot.devices.submit(shot, True).claim == phone.claim.id


def test_a_claim_with_too_many_uploads_says_so(inside: Inside) -> None:
    phone = Phone(inside)
    for _ in range(submissions.MAX_DELIVERIES):
        path = f"/v1/claims/{phone.claim.id}/media"
        assert inside.send("PUT", path, phone.secret, content=b"a picture").status_code == 200
    with pytest.raises(StateConflict, match="claim again"):
        phone.spot.devices.submit(phone.shot(), True)


def test_a_claim_that_is_over_is_an_error_all_the_same(inside: Inside) -> None:
    phone = Phone(inside)
    shot = phone.shot()
    phone.spot.devices.abandon(phone.claim.id)
    with pytest.raises(StateConflict) as over:
        phone.spot.devices.submit(shot, True)
    assert over.value.facts == {"status": "abandoned"}
    other = dataclasses.replace(shot, claim="clm_" + "0" * 26)
    with pytest.raises(Exception, match="no such claim"):
        phone.spot.devices.submit(other, True)


def test_a_photo_over_a_dollar_goes_with_its_burst(inside: Inside) -> None:
    phone = Phone(inside, reward="2.00")
    challenge = phone.claim.challenge
    assert challenge.burst
    assert challenge.pan.rstrip("<>")
    assert phone.spot.devices.get_claim(phone.claim.id) == phone.claim
    burst = burst_file.write([b"a frame"], [0.0], "t,gx,gy,gz,ax,ay,az\n")
    shot = phone.shot(burst=burst)
    assert json.loads(shot.signed.statement)["burst"] == hashlib.sha256(burst).hexdigest()
    capture = phone.spot.devices.submit(shot, True)
    assert capture.status == "submitted"
    with pytest.raises(StateConflict):
        phone.spot.devices.appeal(capture.id, "It was there.")  # nobody has refused it yet


def test_a_bounty_says_how_fresh(inside: Inside) -> None:
    phone = Phone(inside)
    assert (phone.bounty.max_freshness_s, phone.claim.challenge.max_freshness_s) == (120, 120)
