"""Context files: what each key becomes, and that everything else is refused with its place."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.errors import BadInput
from core.geo import Spot
from tests.assets.build import encoded, make, scene
from tests.verification import stage
from verification import outside, policy
from verification.context import _KEYS, Context, load
from verification.evidence import Burst, Family, Json, Standing
from verification.signing import canonical

MOTION = "t,gx,gy,gz,ax,ay,az\n0,0,0,0,0,9.8,0\n0.1,0,0,0,0,9.8,0\n"
FRAMES = [encoded(scene(64, 48, seed=seed)) for seed in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photo.jpg").write_bytes(make("honest.jpg"))
    (tmp_path / "motion.csv").write_text(MOTION)
    for number, frame in enumerate(FRAMES):
        (tmp_path / f"f{number}.jpg").write_bytes(frame)
    return tmp_path


def read(folder: Path, value: object) -> Context:
    path = folder / "context.json"
    path.write_text(json.dumps(value) if not isinstance(value, str) else value)
    return load(path)


WHOLE: dict[str, Json] = {
    "file": "photo.jpg",
    "kind": "photo",
    "bounty": {
        "lat": 51.5,
        "lon": -0.1,
        "radius_m": 120,
        "opens_at": "2026-06-21T11:00:00Z",
        "closes_at": "2026-06-21T18:00:00+01:00",
        "ask": "Is it open?",
        "answer_schema": {"type": "boolean"},
        "tier": "T1",
        "reward_micros": 3_000_000,
    },
    "claim": {
        "nonce": "ab" * 32,
        "issued_at": "2026-06-21T12:00:00Z",
        "expires_at": "2026-06-21T12:10:00Z",
        "challenge": {"type": "qr", "expected": "K7M4XP"},
    },
    "answer": True,
    "statement": {"nonce": "ab" * 32, "lat": 51.5, "device_id": "d1", "signature": "00ff"},
    "session": {"verified": True},
    "received_at": "2026-06-21T12:01:00Z",
    "account": {"id": "a1", "age_days": 30.5, "accepted": 4, "rejected": 0},
    "motion": "motion.csv",
    "references": ["f0.jpg"],
    "examples": ["f1.jpg", "f2.jpg"],
    "memory": [
        {"path": "f0.jpg", "account": "a2", "lat": 1, "lon": 2, "captured_at": "2026-06-01T00:00:00Z"},
        {"path": "f1.jpg"},
    ],
}


def test_every_key_arrives(folder: Path) -> None:
    context = read(folder, WHOLE)
    evidence, terms, session = context.evidence, context.evidence.terms, context.evidence.session
    assert evidence.media == make("honest.jpg")
    assert evidence.media_sha256 == hashlib.sha256(evidence.media).hexdigest()
    assert (terms.kind, terms.tier, terms.stake_micros) == ("photo", 1, 3_000_000)
    assert terms.required == policy.PHOTO_TIERS[1] - {Family.MOVES} | {Family.SCENE}  # no moves were asked
    assert terms.area is not None
    assert (terms.area.centre, terms.area.radius_m) == (Spot(51.5, -0.1), 120)
    assert terms.closes_at == datetime(2026, 6, 21, 17, tzinfo=UTC)
    assert (terms.ask, terms.answer_schema) == ("Is it open?", {"type": "boolean"})
    assert (session.nonce, session.code, session.account) == ("ab" * 32, "K7M4XP", "a1")
    assert session.issued_at == datetime(2026, 6, 21, 12, tzinfo=UTC)
    assert session.deadline == datetime(2026, 6, 21, 12, 10, tzinfo=UTC)
    assert session.committed_at == session.submitted_at == datetime(2026, 6, 21, 12, 1, tzinfo=UTC)
    assert (session.outside, session.verified_upstream) == (True, True)
    assert (session.device, session.signature, session.max_freshness_s) == ("d1", b"\x00\xff", 600.0)
    assert json.loads(session.statement) == {"nonce": "ab" * 32, "lat": 51.5, "device_id": "d1"}
    assert evidence.answer is True
    assert evidence.standing == Standing(30.5, 4, 0)
    assert evidence.burst == Burst((), motion=MOTION)
    assert (evidence.references, evidence.examples) == ((FRAMES[0],), (FRAMES[1], FRAMES[2]))
    first, second = context.memory
    assert (first.media, first.account, first.spot) == (FRAMES[0], "a2", Spot(1, 2))
    assert first.captured_at == datetime(2026, 6, 1, tzinfo=UTC)
    assert (second.media, second.account, second.spot, second.captured_at) == (FRAMES[1], "", None, None)
    assert evidence.order == 3


def test_nothing_at_all_and_null_are_absence(folder: Path) -> None:
    nothing = read(folder, {})
    assert read(folder, dict.fromkeys(WHOLE)) == nothing
    evidence, session = nothing.evidence, nothing.evidence.session
    assert (evidence.media, evidence.media_sha256, evidence.burst) == (b"", "", None)
    assert (evidence.terms.tier, evidence.terms.stake_micros, evidence.terms.area) == (0, 1_000_000, None)
    assert (session.statement, session.issued_at, session.signature) == ("", None, b"")
    assert session.outside
    assert not session.verified_upstream
    assert (evidence.standing, nothing.memory) == (None, ())


@pytest.mark.parametrize(
    ("given", "tier", "stake"),
    [
        ({"tier": "T2"}, 2, 20_000_000),
        ({"bounty": {"tier": "T1"}}, 1, 10_000_000),
        ({"tier": "T0", "bounty": {"tier": "T0", "reward_micros": 5}}, 0, 5),
        ({"bounty": {"reward_micros": 1_000_000}}, 0, 1_000_000),
        ({"bounty": {"reward_micros": 1_000_001}}, 1, 1_000_001),
        ({"bounty": {"reward_micros": 50_000_000}}, 2, 50_000_000),
    ],
)
def test_the_tier(folder: Path, given: dict[str, Json], tier: int, stake: int) -> None:
    terms = read(folder, given).evidence.terms
    assert (terms.tier, terms.stake_micros) == (tier, stake)


@pytest.mark.parametrize(
    ("kind", "expected", "code", "pan", "torch"),
    [
        ("qr", "spot-7f3a", "spot-7f3a", "", ""),
        ("pan", "LRUD", "", "LRUD", ""),
        ("pan", "left, right-UP", "", "LRU", ""),
        ("pan", ["down", "L"], "", "DL", ""),
        ("pan", "LU>", "", "LU>", ""),
        ("pan", "left, up, step-left", "", "LU<", ""),
        ("pan", ["R", "step right"], "", "R>", ""),
        ("torch", "1010", "", "", "1010"),
        ("torch", [1, 0, True, False], "", "", "1010"),
        ("none", None, "", "", ""),
        (None, None, "", "", ""),
    ],
)
def test_challenges(folder: Path, kind: str | None, expected: Json, code: str, pan: str, torch: str) -> None:
    session = read(folder, {"claim": {"challenge": {"type": kind, "expected": expected}}}).evidence.session
    assert (session.code, session.pan, session.torch) == (code, pan, torch)


def test_frames_stand_in_for_the_photo(folder: Path) -> None:
    frames: dict[str, Json] = {"frames": ["f0.jpg", "f1.jpg", "f2.jpg"], "kind": "video"}
    middle = read(folder, frames).evidence
    assert middle.media == FRAMES[1]
    assert middle.burst == Burst(tuple(FRAMES))
    named = {**frames, "statement": {"sha256": hashlib.sha256(FRAMES[2]).hexdigest().upper()}}
    assert read(folder, named).evidence.media == FRAMES[2]
    assert read(folder, {**named, "file": "photo.jpg"}).evidence.media == make("honest.jpg")


def test_a_video_is_one_file(folder: Path) -> None:
    (folder / "clip.mp4").write_bytes(b"film")
    evidence = read(folder, {"kind": "video", "file": "clip.mp4", "tier": "T1", "motion": MOTION}).evidence
    assert (evidence.terms.kind, evidence.media) == ("video", b"film")
    assert evidence.terms.required == policy.PHOTO_TIERS[1]
    assert evidence.burst == Burst((), motion=MOTION)


def test_of_many_frames_some_are_kept(folder: Path) -> None:
    burst = read(folder, {"frames": ["f0.jpg", *["f1.jpg"] * 98, "f2.jpg"]}).evidence.burst
    assert burst is not None
    assert len(burst.frames) == 64
    assert (burst.frames[0], burst.frames[-1]) == (FRAMES[0], FRAMES[2])


def test_motion_in_the_context_itself(folder: Path) -> None:
    assert read(folder, {"motion": MOTION}).evidence.burst == Burst((), motion=MOTION)


def spellings() -> dict[str, Callable[[stage.Key], tuple[str, str]]]:
    """Ways to write one key and one signature."""

    def standard(data: bytes) -> str:
        return base64.b64encode(data).decode()

    def url(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    def raw(key: stage.Key) -> bytes:
        form = PublicFormat.Raw if not hasattr(key, "curve") else PublicFormat.UncompressedPoint
        return key.public_key().public_bytes(
            Encoding.Raw if form is PublicFormat.Raw else Encoding.X962, form
        )

    def pem(key: stage.Key) -> str:
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    return {
        "pem": lambda key: (pem(key), "hex"),
        "base64": lambda key: (standard(stage.spki(key)), "base64"),
        "base64url": lambda key: (url(stage.spki(key)), "base64url"),
        "hex": lambda key: (stage.spki(key).hex().upper(), "hex"),
        "raw": lambda key: (standard(raw(key)), "base64"),
    }


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
@pytest.mark.parametrize("name", spellings())
def test_keys_and_signatures_in_every_spelling(folder: Path, name: str, algorithm: str) -> None:
    key = stage.new_key(algorithm)
    text, kind = spellings()[name](key)
    said: dict[str, Json] = {
        "nonce": "n",
        "sha256": "00",
        "lat": 51.0,
        "accuracy_m": 1e-7,
        "public_key": text,
    }
    signature = stage.sign(key, canonical(said).encode())
    said["signature"] = {
        "hex": signature.hex(),
        "base64": base64.b64encode(signature).decode(),
        "base64url": base64.urlsafe_b64encode(signature).decode().rstrip("="),
    }[kind]
    session = read(folder, {"statement": said}).evidence.session
    assert (session.algorithm, session.public_key, session.signature) == (
        algorithm,
        stage.spki(key),
        signature,
    )


@pytest.mark.parametrize("value", ["", "no key", "!!", 7, ["x"], "\ud800", "-----BEGIN PUBLIC KEY-----\nAA"])
def test_a_key_that_is_none_is_the_capturers_fault_not_the_files(folder: Path, value: Json) -> None:
    session = read(folder, {"statement": {"public_key": value, "signature": value}}).evidence.session
    assert session.algorithm == ""
    assert session.public_key
    assert session.signature


REFUSED: dict[str, tuple[object, str]] = {
    "no object": ([], "context"),
    "no json": ("{", "context"),
    "key twice": ('{"file": "a", "file": "b"}', "context"),
    "not finite": ('{"answer": NaN}', "context"),
    "too large a number": ('{"answer": 1e999}', "context"),
    "deep": ('{"answer": ' + "[" * 60 + "1" + "]" * 60 + "}", "context"),
    "deeper": ('{"answer": ' + "[" * 20_000 + "]" * 20_000 + "}", "context"),
    "unknown key": ({"files": []}, "files"),
    "unknown inner key": ({"bounty": {"radius": 3}}, "bounty.radius"),
    "unknown in memory": ({"memory": [{"path": "f0.jpg", "x": 1}]}, "memory[0].x"),
    "no path in memory": ({"memory": [{}]}, "memory[0].path"),
    "memory of text": ({"memory": ["f0.jpg"]}, "memory[0]"),
    "bounty of text": ({"bounty": "x"}, "bounty"),
    "statement of text": ({"statement": "x"}, "statement"),
    "file of number": ({"file": 3}, "file"),
    "missing file": ({"file": "none.jpg"}, "file"),
    "a folder": ({"file": "."}, "file"),
    "a device": ({"file": "/dev/zero"}, "file"),
    "an impossible name": ({"file": "a\x00b"}, "file"),
    "another": ({"file": "\ud800"}, "file"),
    "missing frame": ({"frames": ["f0.jpg", "none"]}, "frames[1]"),
    "frames of numbers": ({"frames": [3]}, "frames"),
    "video without a film": ({"kind": "video"}, "file"),
    "kind": ({"kind": "stream"}, "kind"),
    "kind of list": ({"kind": []}, "kind"),
    "tier": ({"tier": "T3"}, "tier"),
    "tier of number": ({"bounty": {"tier": 1}}, "bounty.tier"),
    "two tiers": ({"tier": "T1", "bounty": {"tier": "T0"}}, "tier"),
    "latitude": ({"bounty": {"lat": 91, "lon": 0}}, "bounty.lat"),
    "half a spot": ({"bounty": {"lat": 1}}, "bounty.lat"),
    "radius": ({"bounty": {"lat": 1, "lon": 1, "radius_m": 0}}, "bounty.radius_m"),
    "reward": ({"bounty": {"reward_micros": -1}}, "bounty.reward_micros"),
    "part of a micro": ({"bounty": {"reward_micros": 0.5}}, "bounty.reward_micros"),
    "true for a number": ({"account": {"accepted": True}}, "account.accepted"),
    "time without zone": ({"received_at": "2026-06-21T12:00:00"}, "received_at"),
    "time out of range": ({"received_at": "0001-01-01T00:00:00Z"}, "received_at"),
    "ends before it begins": (
        {"claim": {"issued_at": "2026-06-21T12:00:00Z", "expires_at": "2026-06-21T11:00:00Z"}},
        "claim.expires_at",
    ),
    "challenge": ({"claim": {"challenge": {"type": "dance"}}}, "claim.challenge.type"),
    "short code": ({"claim": {"challenge": {"type": "qr", "expected": "a-b"}}}, "claim.challenge.expected"),
    "long code": ({"claim": {"challenge": {"type": "qr", "expected": "a" * 65}}}, "claim.challenge.expected"),
    "pan": ({"claim": {"challenge": {"type": "pan", "expected": "north"}}}, "claim.challenge.expected"),
    "step first": ({"claim": {"challenge": {"type": "pan", "expected": "<L"}}}, "claim.challenge.expected"),
    "torch": ({"claim": {"challenge": {"type": "torch", "expected": "11"}}}, "claim.challenge.expected"),
    "verified": ({"session": {"verified": "yes"}}, "session.verified"),
    "motion file": ({"motion": "none.csv"}, "motion"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_caller_gets_wrong_is_refused_with_its_place(folder: Path, name: str) -> None:
    value, place = REFUSED[name]
    with pytest.raises(BadInput) as refusal:
        read(folder, value)
    assert refusal.value.facts["at"] == place
    assert "docs/examine.md" in refusal.value.advice


def test_the_context_file_itself(folder: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load(folder / "none.json")
    (folder / "latin.json").write_bytes(b'{"answer": "\xff"}')
    with pytest.raises(BadInput, match="no JSON object"):
        load(folder / "latin.json")


def test_the_files_of_one_context_have_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.given.MAX_FILE", 1_000)
    assert len(read(folder, {"file": "photo.jpg"}).evidence.media) == 1_000
    from verification.given import Files

    files = Files(folder, left=1_500)
    files.read("photo.jpg", "file")
    with pytest.raises(BadInput, match="together"):
        files.read("photo.jpg", "file")


def test_a_market_statement_is_not_mistaken_for_one_of_here(folder: Path) -> None:
    session = read(folder, {}).evidence.session
    assert session == replace(session, outside=True)
    assert not stage.photo(b"x").session.outside


@pytest.mark.parametrize(
    ("value", "text"),
    [  # RFC 8785 appendix B and section 3.2.3
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (333333333.33333329, "333333333.3333333"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (12.0, "12"),
        (-51.4779, "-51.4779"),
        ({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}, None),
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ([True, None, {}], "[true,null,{}]"),
    ],
)
def test_canonical_json(value: Json, text: str | None) -> None:
    if text is None:
        assert [ord(key[0]) for key in json.loads(canonical(value))] == [
            13, 49, 128, 246, 8364, 128512, 64307,
        ]  # fmt: skip
    else:
        assert canonical(value) == text


PAGE = (Path(__file__).resolve().parents[2] / "docs" / "examine.md").read_text()


def example() -> dict[str, Json]:
    """The context that stands in the page."""
    found: dict[str, Json] = json.loads(PAGE.split("```json\n")[1].split("```")[0])
    return found


def test_the_pages_example_is_a_context(folder: Path) -> None:
    value = example()
    assert set(value) == set(_KEYS), "the page shows every key"
    for name in ("burst/00.jpg", "burst/01.jpg", "burst/02.jpg", "place-1.jpg", "boats.jpg", "earlier/1.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(FRAMES[0])
    (folder / "attestation.pem").write_bytes(b"chain")
    (folder / "photo.tsr").write_bytes(b"token")
    context = read(folder, value)
    assert context.evidence.session.verified_upstream
    assert len(context.memory) == 1
    attested = context.evidence.attestation
    assert attested is not None
    assert (attested.format, attested.object, attested.challenge) == (
        "android-key",
        b"chain",
        b"enrolment-5f2a",
    )
    assert context.evidence.timestamp == b"token"


def test_the_page_names_every_reason_of_a_session_outside() -> None:
    source = (Path(outside.__file__)).read_text()
    codes = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', source)) - {"captured_at", "width_s", "allowed_s"}
    assert "captured_after_receipt" in codes
    unnamed = {code for code in codes if f"`{code}`" not in PAGE}
    assert unnamed == set()
