"""The simulated phone and instrument speak the API to the letter: paths, texts, signatures."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from core.clock import parse_instant
from core.geo import Spot, distance_m
from market.simulator.contributor import Claim, DeviceKey, Refused
from market.simulator.instrument import Instrument, drop, series, spike
from market.simulator.phone import Phone
from tests.market.simulator_server import BOUNTY, CLAIM, STARTED, Recorder

PHOTO = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
SPOT = Spot(35.6892, 51.3890)
STREAM = {"unit": "Cel", "minimum": 10.0, "maximum": 30.0, "readings_per_window": 120, "min_interval_s": 0.5}


def unb64u(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check(public: str, signature: str, message: bytes) -> None:
    """Verifies a signature over a message by a key as it was enrolled. Raises InvalidSignature."""
    key, raw = load_der_public_key(unb64u(public)), unb64u(signature)
    assert len(raw) == 64
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(raw, message)
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def check_statement(recorder: Recorder) -> dict[str, Any]:
    """Verifies commitment and signature against the enrolled key; returns the statement."""
    public = recorder.said("devices")["public_key"]
    committed, submitted = recorder.said("commitment"), recorder.said("captures")
    commitment = hashlib.sha256(submitted["statement"].encode()).digest()
    assert committed["commitment"] == commitment.hex()
    for signature in (committed["signature"], submitted["signature"]):
        check(public, signature, b"spotcheck-statement-v1\n" + commitment)
    statement: dict[str, Any] = json.loads(submitted["statement"])
    return statement


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def enrolled(recorder: Recorder) -> Phone:
    client = recorder.client()
    phone = Phone(client, SPOT, seed=1, size=(160, 120), clock=lambda: STARTED, sleep=lambda _: None)
    phone.enrol()
    return phone


def test_enrolment_proves_possession_of_the_key(recorder: Recorder) -> None:
    enrolled(recorder)
    body = recorder.said("devices")
    proven = b"spotcheck-enrol-v1\n" + hashlib.sha256(unb64u(body["public_key"])).digest()
    check(body["public_key"], body["proof"], proven)
    assert (body["algorithm"], body["kind"]) == ("ES256", "phone")


def test_the_whole_walk_is_as_agreed(recorder: Recorder) -> None:
    phone = enrolled(recorder)
    bounty = phone.near()[0]["id"]
    capture = phone.earn(bounty, PHOTO, answer=7)
    walk = [(request.method, request.url.path) for request in recorder.requests[1:]]
    assert walk == [
        ("GET", "/v1/bounties/near"),
        ("POST", f"/v1/bounties/{BOUNTY}/claims"),
        ("POST", f"/v1/claims/{CLAIM}/commitment"),
        ("PUT", f"/v1/claims/{CLAIM}/media"),
        ("POST", f"/v1/claims/{CLAIM}/captures"),
        ("GET", "/v1/captures/cap_1"),
    ]
    assert all(request.headers["Authorization"] == "Bearer sk_simulated" for request in recorder.requests[1:])
    posts = [request.headers["Idempotency-Key"] for request in recorder.requests if request.method == "POST"]
    assert len(set(posts)) == len(posts) == 4
    assert recorder.said("captures")["answer"] == 7
    assert (capture.status, capture.verdict) == ("rejected", "reject")


def test_the_statement_holds_the_claim_the_bytes_and_the_place(recorder: Recorder) -> None:
    enrolled(recorder).earn(BOUNTY, PHOTO, answer=None)
    statement = check_statement(recorder)
    assert list(statement) == [
        *("v", "kind", "claim", "device", "nonce", "sha256", "taken_at", "lat", "lon", "accuracy_m")
    ]
    assert statement["v"] == 1
    assert statement["kind"] == "photo"
    assert (statement["claim"], statement["device"]) == (CLAIM, "dev_1")
    assert statement["nonce"] == recorder.nonce
    assert statement["sha256"] == hashlib.sha256(recorder.sent("media")[0].content).hexdigest()
    assert parse_instant(statement["taken_at"]) == STARTED
    assert 0.01 < distance_m(SPOT, Spot(statement["lat"], statement["lon"])) < 40
    assert 5 < statement["accuracy_m"] < 20


def test_a_busy_server_is_asked_again_under_the_same_key(recorder: Recorder) -> None:
    phone = enrolled(recorder)
    recorder.refuse["claims"] = (503, "Unavailable")
    phone.claim(BOUNTY)
    first, second = recorder.sent("claims")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_a_refusal_keeps_its_code(recorder: Recorder) -> None:
    phone = enrolled(recorder)
    recorder.refuse["claims"] = (409, "NothingLeft")
    with pytest.raises(Refused) as refusal:
        phone.claim(BOUNTY)
    assert (refusal.value.status, refusal.value.code) == (409, "NothingLeft")


def test_the_code_is_in_the_picture_only_when_the_claim_has_one(recorder: Recorder) -> None:
    phone = enrolled(recorder)
    plain = phone.shoot(phone.claim(BOUNTY), PHOTO)
    recorder.code = "K7P3QX"
    coded = phone.shoot(phone.claim(BOUNTY), PHOTO)
    assert plain.sheet is None
    assert coded.sheet is not None


def lab(recorder: Recorder, waits: list[float]) -> tuple[Instrument, Claim]:
    recorder.stream = STREAM
    instrument = Instrument(
        recorder.client(), secret="sk_lab", spot=SPOT, seed=2, clock=lambda: STARTED, sleep=waits.append
    )
    instrument.enrol()
    return instrument, instrument.claim(BOUNTY)


def test_every_part_and_the_whole_stream_are_signed(recorder: Recorder) -> None:
    waits: list[float] = []
    instrument, claim = lab(recorder, waits)
    instrument.deliver(claim, instrument.measure(claim))
    enrolment = recorder.said("devices")
    assert recorder.requests[0].headers["Authorization"] == "Bearer sk_lab"
    assert (enrolment["algorithm"], enrolment["lat"]) == ("Ed25519", SPOT.lat)
    parts = [json.loads(request.content) for request in recorder.sent("parts")]
    for part in parts:
        digest = hashlib.sha256(part["payload"].encode()).digest()
        check(enrolment["public_key"], part["signature"], b"spotcheck-part-v1\n" + digest)
    payloads = [json.loads(part["payload"]) for part in parts]
    assert [said["part"] for said in payloads] == [part["part"] for part in parts] == [0, 1, 2]
    assert {(said["claim"], said["nonce"], said["v"]) for said in payloads} == {(CLAIM, recorder.nonce, 1)}
    rows = [row for said in payloads for row in said["readings"]]
    assert [row[0] for row in rows] == list(range(120))
    assert all(10 <= row[2] <= 30 for row in rows)
    media = "\n".join(part["payload"] for part in parts).encode()
    statement = check_statement(recorder)
    assert statement["sha256"] == hashlib.sha256(media).hexdigest()
    assert (statement["kind"], statement["parts"]) == ("stream", 3)
    assert waits[0] == pytest.approx(119 * 0.5)  # the last reading lies in the future until then


def test_another_keys_part_does_not_verify(recorder: Recorder) -> None:
    instrument, claim = lab(recorder, [])
    instrument.post_part(claim, 0, "{}", signer=DeviceKey("Ed25519"))
    part = recorder.said("parts")
    message = b"spotcheck-part-v1\n" + hashlib.sha256(b"{}").digest()
    with pytest.raises(InvalidSignature):
        check(recorder.said("devices")["public_key"], part["signature"], message)


def test_the_series_is_noisy_in_time_and_can_be_bent() -> None:
    readings = series(100, STARTED, 2.0, seed=4)
    assert [reading.at for reading in readings] == [STARTED + timedelta(seconds=2 * n) for n in range(100)]
    assert len({reading.value for reading in readings}) > 50
    assert readings == series(100, STARTED, 2.0, seed=4)
    gap = drop(readings, 10, 5)
    assert [reading.seq for reading in gap][9:11] == [9, 15]
    assert [r.seq for r in spike(readings, 7, 999.0) if r.value == 999.0] == [7]
