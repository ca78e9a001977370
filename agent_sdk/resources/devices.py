"""The contributor's calls, as a lab's instrument makes them; `agent_sdk.device` says what is signed.

key = DeviceKey.load_or_create("thermometer.pem")
device = client.devices.enrol(key, name="thermometer 2", lat=52.37, lon=4.9).device
card = client.devices.near(lat=52.37, lon=4.9, radius_m=5000).items[0]
claim = client.devices.claim(card.id, device.id)
window = StreamWindow(key, device.id, claim)
window.record(21.4, datetime.now(UTC))
client.devices.send(window)                       # as often as you like: posts what is new
capture = client.devices.finalise(window, answer=21.4)
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from agent_sdk._core import Core, Flow, segment
from agent_sdk._doors import AsyncResource, Resource, SyncResource, op
from agent_sdk.device import (
    DeviceKey,
    Signed,
    SignedPart,
    StreamWindow,
    photo_statement,
    video_statement,
)
from agent_sdk.films import Film, motion_file
from agent_sdk.types import Enrolment
from agent_sdk.work import Capture, Cards, Claim, CommitmentReceived, PartReceived


class _Devices(Resource):
    @op
    def enrol(
        self,
        key: DeviceKey,
        *,
        kind: str = "instrument",
        name: str | None = None,
        lat: float | None = None,
        lon: float | None = None,
        idempotency_key: str | None = None,
    ) -> Flow[Enrolment]:
        """Makes the device known by its public key: to the caller's account, or to a new person's.

        `lat`, `lon`: where it stands; an instrument must say. Raises BadSignature: the proof does not fit.
        """
        body: dict[str, JsonValue] = {
            "algorithm": key.algorithm,
            "public_key": key.public_key,
            "proof": key.enrolment_proof(),
            "kind": kind,
        }
        if name is not None:
            body["name"] = name
        if lat is not None and lon is not None:
            body.update(lat=lat, lon=lon)
        return self._core.call(Enrolment, "POST", "/v1/devices", body=body, key=idempotency_key)

    @op
    def revoke(self, device_id: str) -> Flow[None]:
        """Ends a device at once; captures by it that are not judged yet are refused. Raises NotFound."""
        yield from self._core.exchange("DELETE", f"/v1/devices/{segment(device_id)}")

    @op
    def near(self, *, lat: float, lon: float, radius_m: float = 5000.0) -> Flow[Cards]:
        """Open bounties near a place (WGS 84 degrees, metres)."""
        params = {"lat": str(lat), "lon": str(lon), "radius_m": str(radius_m)}
        return self._core.call(Cards, "GET", "/v1/bounties/near", params=params)

    @op
    def claim(self, bounty_id: str, device_id: str, *, idempotency_key: str | None = None) -> Flow[Claim]:
        """Takes a slot: a deadline and a challenge. Raises NothingLeft."""
        path = f"/v1/bounties/{segment(bounty_id)}/claims"
        return self._core.call(Claim, "POST", path, body={"device": device_id}, key=idempotency_key)

    @op
    def abandon(self, claim_id: str, *, idempotency_key: str | None = None) -> Flow[Claim]:
        """Gives a claimed slot back."""
        path = f"/v1/claims/{segment(claim_id)}/abandon"
        return self._core.call(Claim, "POST", path, body={}, key=idempotency_key)

    @op
    def send(self, window: StreamWindow) -> Flow[int]:
        """Posts what was recorded since the last call as one signed part; returns how many parts are stored.

        A part whose reply was lost is posted again, unchanged, by the next call.
        """
        window.seal()
        yield from _post_parts(self._core, window)
        return window.stored

    @op
    def finalise(
        self, window: StreamWindow, answer: JsonValue, *, taken_at: datetime | None = None
    ) -> Flow[Capture]:
        """Posts the rest, then the commitment, then the signed statement with the answer.

        The statement is made once and kept in the window, so repeating the call after a crash of the
        connection repeats the same bytes.
        """
        window.seal()
        yield from _post_parts(self._core, window)
        signed = window.sign(taken_at or self._core.now())
        return (yield from _hand_in(self._core, window.claim.id, signed, answer))

    @op
    def submit_photo(
        self,
        key: DeviceKey,
        device_id: str,
        claim: Claim,
        photo: bytes,
        *,
        lat: float,
        lon: float,
        accuracy_m: float,
        answer: JsonValue,
        taken_at: datetime | None = None,
        media_type: str = "image/jpeg",
    ) -> Flow[Capture]:
        """Commitment, media, statement, in this order: the hash is on record before the bytes are sent.

        `media_type` names what the photo is if it is no JPEG: "image/heic", "image/avif", "image/png" or
        "image/webp".
        """
        core, base = self._core, f"/v1/claims/{segment(claim.id)}"
        signed = photo_statement(
            key,
            device_id,
            claim,
            photo,
            lat=lat,
            lon=lon,
            accuracy_m=accuracy_m,
            taken_at=taken_at or core.now(),
        )
        yield from _commit(core, claim.id, signed)
        yield from core.exchange("PUT", f"{base}/media", body=photo, media_type=media_type)
        return (yield from _hand_in(core, claim.id, signed, answer, committed=True))

    @op
    def submit_video(
        self,
        key: DeviceKey,
        device_id: str,
        claim: Claim,
        film: bytes | Path | str,
        *,
        lat: float,
        lon: float,
        accuracy_m: float,
        answer: JsonValue,
        motion: str = "",
        taken_at: datetime | None = None,
    ) -> Flow[Capture]:
        """As `submit_photo` for 5 to 20 s of MP4, MOV or WebM, at most 200 MB; a file is never read whole.

        Args:
            film: the bytes, or the path of a file that does not change meanwhile.
            motion: what the phone felt while it filmed: CSV `t,gx,gy,gz,ax,ay,az`, t from the first frame.

        Raises:
            BadInput: another kind of file. TooLarge.
        """
        core, base = self._core, f"/v1/claims/{segment(claim.id)}"
        ready, felt = Film.of(film), motion_file(motion) if motion else None
        signed = video_statement(
            key,
            device_id,
            claim,
            ready.sha256,
            burst_sha256=hashlib.sha256(felt).hexdigest() if felt else None,
            lat=lat,
            lon=lon,
            accuracy_m=accuracy_m,
            taken_at=taken_at or core.now(),
        )
        yield from _commit(core, claim.id, signed)
        yield from core.exchange("PUT", f"{base}/media", body=ready.source, media_type=ready.media_type)
        if felt:
            yield from core.exchange("PUT", f"{base}/burst", body=felt, media_type="application/zip")
        return (yield from _hand_in(core, claim.id, signed, answer, committed=True))

    @op
    def capture(self, capture_id: str) -> Flow[Capture]:
        """What became of handed-in work. Raises NotFound."""
        return self._core.call(Capture, "GET", f"/v1/captures/{segment(capture_id)}")


def _post_parts(core: Core, window: StreamWindow) -> Flow[None]:
    path = f"/v1/claims/{segment(window.claim.id)}/parts"
    for part in window.unsent():
        received = yield from core.call(PartReceived, "POST", path, body=_part_body(part), key=part.key)
        window.mark_stored(received.next_part)


def _part_body(part: SignedPart) -> dict[str, JsonValue]:
    return {"part": part.number, "payload": part.payload, "signature": part.signature}


def _commit(core: Core, claim_id: str, signed: Signed) -> Flow[CommitmentReceived]:
    path = f"/v1/claims/{segment(claim_id)}/commitment"
    body: dict[str, JsonValue] = {"commitment": signed.commitment, "signature": signed.signature}
    return core.call(CommitmentReceived, "POST", path, body=body, key=f"commit-{signed.commitment}")


def _hand_in(
    core: Core, claim_id: str, signed: Signed, answer: JsonValue, committed: bool = False
) -> Flow[Capture]:
    if not committed:
        yield from _commit(core, claim_id, signed)
    path = f"/v1/claims/{segment(claim_id)}/captures"
    body: dict[str, JsonValue] = {
        "statement": signed.statement,
        "signature": signed.signature,
        "answer": answer,
    }
    return (yield from core.call(Capture, "POST", path, body=body, key=f"capture-{signed.commitment}"))


class Devices(_Devices, SyncResource):
    """`client.devices`."""


class AsyncDevices(_Devices, AsyncResource):
    """`client.devices` of the async client."""
