"""A lab device: its key on disk, and every signature checked the way the contract says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from agent_sdk import BadInput, DeviceKey, Spotcheck, StreamTerms, StreamWindow
from agent_sdk.device import MAX_PART, MAX_PARTS, camera_statement
from agent_sdk.work import Challenge, Claim
from bounties import submissions
from core.accounts.rules import Kind as AccountKind
from tests.agent_sdk.market import START, problem
from tests.inside import Inside

CLAIM = Claim(
    id="clm_1",
    bounty="bty_1",
    status="active",
    deadline=START,
    reward=Decimal(1),
    challenge=Challenge(nonce="ab" * 32, issued_at=START, max_freshness_s=600),
)


def unb64u(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check(key: DeviceKey, message: bytes, signature: str) -> None:
    """Verifies from the published key alone; raises InvalidSignature."""
    public, raw = load_der_public_key(unb64u(key.public_key)), unb64u(signature)
    assert len(raw) == 64
    if isinstance(public, Ed25519PublicKey):
        public.verify(raw, message)
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        r, s = (int.from_bytes(part, "big") for part in (raw[:32], raw[32:]))
        public.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256"])
def test_a_key_is_made_once_and_private(tmp_path: Path, algorithm: str) -> None:
    path = tmp_path / "keys" / "device.pem"
    key = DeviceKey.load_or_create(path, algorithm)
    assert DeviceKey.load_or_create(path, algorithm).public_key == key.public_key
    assert key.algorithm == algorithm
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    spki = unb64u(key.public_key)
    check(key, b"spotcheck-enrol-v1\n" + hashlib.sha256(spki).digest(), key.enrolment_proof())
    assert "PRIVATE" not in repr(key)


@pytest.mark.skipif(os.name != "posix", reason="file modes are posix's")
def test_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.pem"
    DeviceKey.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(BadInput, match="read by others"):
        DeviceKey.load_or_create(path)


def test_other_algorithms_and_curves_are_refused() -> None:
    with pytest.raises(BadInput):
        DeviceKey.create("RS256")
    with pytest.raises(BadInput, match="P-256"):
        DeviceKey(ec.generate_private_key(ec.SECP384R1()))


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256"])
def test_a_window_of_readings_is_signed_part_by_part_and_as_a_whole(algorithm: str) -> None:
    key = DeviceKey.create(algorithm)
    window = StreamWindow(key, "dev_1", CLAIM)
    assert window.seal() == []
    for number in range(5):
        assert window.record(20 + number / 10, START + timedelta(seconds=number)) == number
        if number == 2:
            window.seal()
    window.seal()
    payloads = [part.payload for part in window.parts]
    assert [json.loads(text)["part"] for text in payloads] == [0, 1]
    assert json.loads(payloads[1])["readings"] == [
        [3, "2026-11-23T12:00:03Z", 20.3],
        [4, "2026-11-23T12:00:04Z", 20.4],
    ]
    for part in window.parts:
        check(key, b"spotcheck-part-v1\n" + hashlib.sha256(part.payload.encode()).digest(), part.signature)
    signed = window.sign(START)
    assert window.sign(START + timedelta(hours=1)) == signed  # made once
    assert json.loads(signed.statement) == {
        "v": 1,
        "kind": "stream",
        "claim": "clm_1",
        "device": "dev_1",
        "nonce": "ab" * 32,
        "sha256": hashlib.sha256("\n".join(payloads).encode()).hexdigest(),
        "parts": 2,
        "taken_at": "2026-11-23T12:00:00Z",
    }
    commitment = hashlib.sha256(signed.statement.encode()).digest()
    assert signed.commitment == commitment.hex()
    check(key, b"spotcheck-statement-v1\n" + commitment, signed.signature)
    with pytest.raises(BadInput, match="finalised"):
        window.record(1.0, datetime.now(UTC))


def test_a_cameras_statement_says_what_where_and_when() -> None:
    signed = camera_statement(
        DeviceKey.create(), "dev_1", CLAIM, "cd" * 32, lat=1.5, lon=2.5, accuracy_m=8.0, taken_at=START
    )
    said = {
        "v": 1,
        "kind": "photo",
        "claim": "clm_1",
        "device": "dev_1",
        "nonce": "ab" * 32,
        "sha256": "cd" * 32,
        "taken_at": "2026-11-23T12:00:00Z",
        "lat": 1.5,
        "lon": 2.5,
        "accuracy_m": 8.0,
    }
    assert json.loads(signed.statement) == said
    with_burst = camera_statement(
        DeviceKey.create(), "dev_1", CLAIM, "cd" * 32, burst_sha256="ef" * 32, lat=1.5, lon=2.5,
        accuracy_m=8.0, taken_at=START,
    )  # fmt: skip
    assert json.loads(with_burst.statement) == {**said, "burst": "ef" * 32}


def test_readings_are_finite_and_in_order() -> None:
    window = StreamWindow(DeviceKey.create(), "dev_1", CLAIM)
    window.record(1.0, START)
    for value, at in ((float("nan"), START + timedelta(1)), (1.0, START), (1.0, START - timedelta(1))):
        with pytest.raises(BadInput):
            window.record(value, at)
    with pytest.raises(BadInput):
        StreamWindow(DeviceKey.create(), "dev_1", CLAIM).sign(START)
    with pytest.raises(BadInput):
        window.sign(START)  # recorded, not sealed
    with pytest.raises(BadInput):
        window.mark_stored(5)


class Bench:
    """The server side of one claim: stores parts once, in order; loses some replies."""

    def __init__(self, lose: list[int]) -> None:
        self.lose, self.count = lose, 0
        self.calls: list[tuple[str, str, Any]] = []
        self.parts: dict[int, str] = {}
        self.types: list[str] = []
        self.lengths: list[str | None] = []

    async def ahandle(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return self.handle(request)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.count += 1
        self.types.append(request.headers["content-type"])
        self.lengths.append(request.headers.get("content-length"))
        what = request.url.path.rsplit("/", 1)[-1]
        body = request.read() if request.method == "PUT" else json.loads(request.content)
        self.calls.append((what, request.headers.get("idempotency-key", ""), body))
        answer = self._answer(what, body)
        if self.count in self.lose:
            raise httpx2.ReadError("lost")
        return answer

    def _answer(self, what: str, body: Any) -> httpx2.Response:
        if what == "parts":
            if body["part"] > len(self.parts):
                return problem(409, "StateConflict")
            self.parts.setdefault(body["part"], body["payload"])
            return httpx2.Response(
                200, json={"part": body["part"], "readings": 1, "next_part": len(self.parts)}
            )
        if what == "commitment":
            return httpx2.Response(200, json={"received_at": "2026-11-23T12:00:00Z"})
        if what in {"media", "burst"}:
            return httpx2.Response(200, json={"sha256": "", "size": len(body)})
        return httpx2.Response(
            202,
            json={
                "id": "cap_1", "claim": "clm_1", "bounty": "bty_1", "status": "submitted", "verdict": None,
                "reasons": [], "reward": "1.00", "paid": None, "submitted_at": "2026-11-23T12:00:00Z",
                "judged_at": None,
            },
        )  # fmt: skip

    def client(self) -> Spotcheck:
        return Spotcheck("sk_1", transport=httpx2.MockTransport(self.handle), sleep=lambda seconds: None)


def test_a_window_is_posted_in_order_whatever_gets_lost() -> None:
    bench = Bench(lose=[1, 3, 4, 6])
    client = bench.client()
    window = StreamWindow(DeviceKey.create(), "dev_1", CLAIM)
    for number in range(3):
        window.record(number, START + timedelta(seconds=number))
        assert client.devices.send(window) == number + 1
    capture = client.devices.finalise(window, 1.0, taken_at=START)
    assert capture.status == "submitted"
    assert [bench.parts[i] for i in range(3)] == [part.payload for part in window.parts]
    order = list(dict.fromkeys(what for what, _, _ in bench.calls))
    assert order == ["parts", "commitment", "captures"]
    keys = {what: {key for name, key, _ in bench.calls if name == what} for what in order}
    assert (len(keys["parts"]), len(keys["commitment"]), len(keys["captures"])) == (3, 1, 1)


def test_a_device_is_revoked_by_its_id() -> None:
    asked: list[tuple[str, str]] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.path))
        return httpx2.Response(204)

    with Spotcheck("sk_1", transport=httpx2.MockTransport(handle)) as client:
        client.devices.revoke("dev_1")
    assert asked == [("DELETE", "/v1/devices/dev_1")]


def long_window(key: DeviceKey, device: str, claim: Claim, readings: int, start: datetime) -> StreamWindow:
    window = StreamWindow(key, device, claim)
    for number in range(readings):
        window.record(21.4 + number / 1000, start + timedelta(milliseconds=number))
    return window


def test_a_long_window_is_sealed_as_parts_of_a_size_that_is_taken() -> None:
    window = long_window(DeviceKey.create(), "dev_1", CLAIM, 10_000, START)
    parts = window.seal()
    assert parts == window.parts == window.unsent()
    assert window.seal() == []
    lengths = [len(part.payload) for part in parts]
    assert max(lengths) <= MAX_PART
    assert min(lengths[:-1]) > MAX_PART - 100  # each is as full as it can be
    bodies = [json.loads(part.payload) for part in parts]
    assert [body["part"] for body in bodies] == list(range(len(parts)))
    assert [row[0] for body in bodies for row in body["readings"]] == list(range(10_000))


def test_a_part_is_filled_to_the_last_character() -> None:
    """Of two readings that just fit, and one character less of room."""
    window = long_window(DeviceKey.create(), "dev_1", CLAIM, 2, START)
    (whole,) = window.seal()
    for room, sizes in ((len(whole.payload), [2]), (len(whole.payload) - 1, [1, 1])):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("agent_sdk.device.MAX_PART", room)
            parts = long_window(DeviceKey.create(), "dev_1", CLAIM, 2, START).seal()
        assert [len(json.loads(part.payload)["readings"]) for part in parts] == sizes


def test_a_window_has_no_more_parts_than_are_taken() -> None:
    window = StreamWindow(DeviceKey.create(), "dev_1", CLAIM)
    for number in range(MAX_PARTS):
        window.record(1.0, START + timedelta(seconds=number))
        window.seal()
    with pytest.raises(BadInput, match="1000 parts"):
        window.record(1.0, START + timedelta(days=1))
    window.sign(START)  # what it has can still be finalised
    assert (MAX_PART, MAX_PARTS) == (submissions.MAX_PART, submissions.MAX_PARTS)


def test_the_market_takes_a_long_window(inside: Inside) -> None:
    def client(key: str) -> Spotcheck:
        return Spotcheck(key, base_url="http://testserver", transport=inside.client._transport)

    buyer, lab = client(inside.key(AccountKind.AGENT)), client(inside.key(AccountKind.LAB))
    terms = StreamTerms(unit="Cel", minimum=0, maximum=50, readings_per_window=2000, min_interval_s=0)
    bounty = buyer.bounties.post(
        "Air temperature, and its mean.", kind="stream", stream=terms, answer_schema={"type": "number"},
        lat=52.1, lon=4.1,
    )  # fmt: skip
    key = DeviceKey.create()
    with pytest.raises(BadInput):
        lab.devices.enrol(key, kind="phone", lat=52.1)  # half a place
    device = lab.devices.enrol(key, lat=52.1, lon=4.1).device
    claim = lab.devices.claim(bounty.id, device.id)
    window = long_window(key, device.id, claim, 2000, datetime.now(UTC))
    assert lab.devices.finalise(window, answer=22.4).status == "submitted"
    assert (window.stored, len(window.parts)) == (2, 2)
