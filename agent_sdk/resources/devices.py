"""The contributor's calls, of a phone or a lab's instrument; `agent_sdk.device` says what is signed.

key = DeviceKey.load_or_create("thermometer.pem")
device = client.devices.enrol(key, name="thermometer 2", lat=52.37, lon=4.9).device
card = client.devices.near(lat=52.37, lon=4.9, radius_m=5000).items[0]
claim = client.devices.claim(card.id, device.id)
window = StreamWindow(key, device.id, claim)
window.record(21.4, datetime.now(UTC))
client.devices.send(window)                       # posts what is new; a window has at most 1,000 parts
capture = client.devices.finalise(window, answer=21.4)
capture = client.devices.submit(shot, answer=True)   # of a phone: see `agent_sdk.shots`
"""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from agent_sdk._core import Core, Flow, segment
from agent_sdk._doors import AsyncResource, Listing, Resource, SyncResource, op, pages
from agent_sdk.device import DeviceKey, Signed, SignedPart, StreamWindow
from agent_sdk.errors import StateConflict
from agent_sdk.shots import Shot
from agent_sdk.types import Enrolment, Page, shown
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

        `lat`, `lon`: where it stands; an instrument must say.

        Raises:
            BadSignature: the proof does not fit. Conflict: the key is enrolled already.
            KeyNotShown: the new person's API key was in a reply that was lost.
        """
        body: dict[str, JsonValue] = {
            "algorithm": key.algorithm,
            "public_key": key.public_key,
            "proof": key.enrolment_proof(),
            "kind": kind,
        }
        if name is not None:
            body["name"] = name
        if lat is not None or lon is not None:
            body.update(lat=lat, lon=lon)  # half a place is the server's to refuse
        made = yield from self._core.call(Enrolment, "POST", "/v1/devices", body=body, key=idempotency_key)
        if made.key is not None:
            shown(made.key, "Enrol another DeviceKey: nobody can use the account that was made for this one.")
        return made

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
        """Posts what was recorded since the last call, signed; returns how many parts are stored.

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
        yield from _commit(self._core, window.claim.id, signed)
        return (yield from _hand_in(self._core, window.claim.id, signed, answer))

    @op
    def submit(self, shot: Shot, answer: JsonValue) -> Flow[Capture]:
        """Commitment, media, statement, in this order: the hash is on record before the bytes are sent.

        May be repeated with the same shot after any fault, also with another answer if one was refused.

        Raises:
            BadInput: the answer does not fit. StateConflict: the claim is over, or has another statement.
        """
        core, base = self._core, f"/v1/claims/{segment(shot.claim)}"
        yield from _commit(core, shot.claim, shot.signed)
        try:
            yield from core.exchange("PUT", f"{base}/media", body=shot.media, media_type=shot.media_type)
            if shot.burst is not None:
                yield from core.exchange(
                    "PUT", f"{base}/burst", body=shot.burst, media_type="application/zip"
                )
        except StateConflict as over:
            if over.facts.get("status") != "submitted":
                raise
            # It was handed in and the reply was lost: what follows is answered as the first time.
        return (yield from _hand_in(core, shot.claim, shot.signed, answer))

    @op
    def get_claim(self, claim_id: str) -> Flow[Claim]:
        """One of the caller's claims, with its challenge. Raises NotFound."""
        return self._core.call(Claim, "GET", f"/v1/claims/{segment(claim_id)}")

    @pages
    def captures(self, *, page_size: int = 100) -> Listing[Capture]:
        """All that was handed in, newest first; further pages are fetched as you go."""

        def page(after: str | None) -> Flow[Page[Capture]]:
            params = {"limit": str(page_size)} | ({"after": after} if after is not None else {})
            return self._core.call(Page[Capture], "GET", "/v1/captures", params=params)

        return page

    @op
    def capture(self, capture_id: str) -> Flow[Capture]:
        """What became of handed-in work. Raises NotFound."""
        return self._core.call(Capture, "GET", f"/v1/captures/{segment(capture_id)}")

    @op
    def appeal(self, capture_id: str, statement: str, *, idempotency_key: str | None = None) -> Flow[Capture]:
        """Asks a person to look again at a rejection, within seven days. Raises StateConflict."""
        path, body = f"/v1/captures/{segment(capture_id)}/appeal", {"statement": statement}
        return self._core.call(Capture, "POST", path, body={**body}, key=idempotency_key)


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


def _hand_in(core: Core, claim_id: str, signed: Signed, answer: JsonValue) -> Flow[Capture]:
    path = f"/v1/claims/{segment(claim_id)}/captures"
    body: dict[str, JsonValue] = {
        "statement": signed.statement,
        "signature": signed.signature,
        "answer": answer,
    }
    return core.call(Capture, "POST", path, body=body, key=f"capture-{signed.commitment}")


class Devices(_Devices, SyncResource):
    """`client.devices`."""


class AsyncDevices(_Devices, AsyncResource):
    """`client.devices` of the async client."""
