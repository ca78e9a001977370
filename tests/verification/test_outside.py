"""Sessions outside the market: absence abstains, contradiction refuses, the market stays strict."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from core.clock import wire
from core.geo import Spot
from tests.assets.build import make
from tests.verification import stage
from tests.verification.stage import NONCE, NOON
from verification.case import Case
from verification.checks.burst import burst
from verification.checks.clock import clock
from verification.checks.decode import decode
from verification.checks.place import installed_place, place
from verification.checks.session import SOUND, WIDEST, session
from verification.checks.stream import stream
from verification.checks.sun import sun
from verification.checks.travel import travel
from verification.evidence import Burst, Evidence, Json, Outcome, Session, Status
from verification.memory import PastSpot
from verification.picture import Decoder
from verification.registry import CheckFunction
from verification.signing import canonical, signed_forms
from verification.statement import said_in

MEDIA = make("honest.jpg")
SHA256 = hashlib.sha256(MEDIA).hexdigest()
SAID: dict[str, Json] = {
    "nonce": NONCE,
    "sha256": SHA256,
    "captured_at": wire(NOON + timedelta(seconds=5)),
    "lat": 51.4779,
    "lon": -0.0015,
    "accuracy_m": 12.0,
}
UNKNOWN = stage.unknown_session()
KNOWN = replace(
    UNKNOWN,
    nonce=NONCE,
    issued_at=NOON,
    deadline=NOON + timedelta(minutes=10),
    committed_at=NOON + timedelta(minutes=1),
    submitted_at=NOON + timedelta(minutes=1),
)


def outside(known: Session = KNOWN, said: dict[str, Json] | None = None, **changes: object) -> Evidence:
    """A capture outside the market; `said` is its statement, None for none."""
    statement = json.dumps(said) if said is not None else ""
    evidence = replace(stage.photo(MEDIA), session=replace(known, statement=statement))
    return replace(evidence, **changes)  # type: ignore[arg-type]


def signed(said: dict[str, Json], algorithm: str = "ES256") -> Evidence:
    key = stage.new_key(algorithm)
    signature = stage.sign(key, canonical(said).encode())
    known = replace(KNOWN, algorithm=algorithm, public_key=stage.spki(key), signature=signature)
    return outside(known, said)


def judged(
    check: CheckFunction, evidence: Evidence, decoder: Decoder, last: PastSpot | None = None
) -> Outcome:
    statement = said_in(evidence.session)
    return check(Case(evidence, stage.tools(decoder, last=last), statement=statement))


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_a_signed_statement_is_a_sound_session(algorithm: str, decoder: Decoder) -> None:
    outcome = judged(session, signed(SAID, algorithm), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "session_sound")
    assert outcome.llr == pytest.approx(SOUND * (1 - (1 - WIDEST) * 0.1))
    assert outcome.facts == {"width_s": 60.0, "allowed_s": 600.0}


def test_a_signature_in_der_and_without_the_key_in_the_statement(decoder: Decoder) -> None:
    key = stage.new_key()
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    said = {**SAID, "public_key": "whatever spelling"}
    for message in signed_forms(said):
        der = key.sign(message, ec.ECDSA(hashes.SHA256()))
        known = replace(KNOWN, algorithm="ES256", public_key=stage.spki(key), signature=der)
        assert judged(session, outside(known, said), decoder).reason == "session_sound"


@pytest.mark.parametrize("key", ["nonce", "sha256", "captured_at", "lat", "accuracy_m"])
def test_whatever_is_changed_after_signing_is_seen(key: str, decoder: Decoder) -> None:
    evidence = signed(SAID)
    changed: dict[str, Json] = {name: value for name, value in SAID.items() if name != key}
    tampered = replace(evidence, session=replace(evidence.session, statement=canonical(changed)))
    outcome = judged(session, tampered, decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "bad_signature")


def test_a_key_of_no_known_kind(decoder: Decoder) -> None:
    known = replace(KNOWN, public_key=b"?", signature=b"?")
    assert judged(session, outside(known, SAID), decoder).reason == "wrong_algorithm"


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (outside(said=None), "no_statement"),
        (outside(UNKNOWN), "no_statement"),
        (outside(said=SAID), "not_signed"),
        (signed({name: value for name, value in SAID.items() if name != "sha256"}), "signed_but_not_bound"),
        (signed({name: value for name, value in SAID.items() if name != "nonce"}), "signed_but_not_bound"),
    ],
)
def test_what_is_missing_says_nothing(evidence: Evidence, reason: str, decoder: Decoder) -> None:
    outcome = judged(session, evidence, decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.ABSTAIN, reason, 0.0)


def test_a_session_that_was_checked_before(decoder: Decoder) -> None:
    bare = judged(session, outside(replace(UNKNOWN, verified_upstream=True)), decoder)
    assert (bare.status, bare.reason) == (Status.OK, "session_verified_upstream")
    assert bare.llr == pytest.approx(SOUND * WIDEST)
    whole = judged(session, outside(replace(KNOWN, verified_upstream=True), SAID), decoder)
    assert whole.llr > bare.llr


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def said(**changes: Json) -> dict[str, Json]:
    return {**SAID, **changes}


TIMELESS = {name: value for name, value in SAID.items() if name != "captured_at"}
CONTRADICTIONS: dict[str, tuple[Session, dict[str, Json], str]] = {
    "nonce": (KNOWN, said(nonce="cd" * 32), "wrong_nonce"),
    "nonce of no text": (KNOWN, said(nonce=7), "wrong_nonce"),
    "used before": (replace(KNOWN, nonce_uses=1), SAID, "nonce_reused"),
    "other bytes": (KNOWN, said(sha256="00" * 32), "media_not_as_signed"),
    "bytes of no text": (KNOWN, said(sha256=7), "media_not_as_signed"),
    "revoked": (replace(KNOWN, device_revoked=True), SAID, "device_revoked"),
    "odd time": (KNOWN, said(captured_at="noon"), "unreadable_statement"),
    "odd time by its other name": (KNOWN, {**TIMELESS, "taken_at": "noon"}, "unreadable_statement"),
    "two times": (KNOWN, said(taken_at=wire(NOON)), "unreadable_statement"),
    "taken a year ago by its other name": (
        KNOWN,
        {**TIMELESS, "taken_at": "2025-06-21T12:00:41Z"},
        "captured_before_challenge",
    ),
    "came before": (replace(KNOWN, committed_at=at(-0.1)), SAID, "commitment_before_challenge"),
    "came late": (replace(KNOWN, committed_at=at(10.1)), SAID, "after_deadline"),
    "taken before": (KNOWN, said(captured_at=wire(at(-2.1))), "captured_before_challenge"),
    "taken after it came": (KNOWN, said(captured_at=wire(at(3.1))), "captured_after_receipt"),
    "taken after the end": (
        replace(KNOWN, committed_at=None),
        said(captured_at=wire(at(12.1))),
        "captured_after_receipt",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_is_given_must_agree_whoever_verified_it(name: str, decoder: Decoder) -> None:
    known, statement, reason = CONTRADICTIONS[name]
    for verified in (False, True):
        outcome = judged(session, outside(replace(known, verified_upstream=verified), statement), decoder)
        assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, reason)


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("check", [session, place, clock, travel, sun])
@pytest.mark.parametrize("name", [*SAID, "taken_at", "frame_chain"])
def test_null_is_as_left_out(name: str, check: CheckFunction, verified: bool, decoder: Decoder) -> None:
    """Signed or not; what was signed is signed with its null."""
    said = {key: value for key, value in SAID.items() if key != name}
    null, absent = (
        replace(made, session=replace(made.session, verified_upstream=verified, account="acc_1"))
        for made in (signed({**said, name: None}), signed(said))
    )
    assert judged(check, null, decoder) == judged(check, absent, decoder)


def test_in_the_market_null_is_not_left_out() -> None:
    market = replace(KNOWN, statement='{"lat": null}', outside=False)
    assert said_in(market) == {"lat": None}
    assert said_in(replace(market, outside=True)) == {}


def test_an_unreadable_statement(decoder: Decoder) -> None:
    evidence = replace(stage.photo(MEDIA), session=replace(KNOWN, statement="{"))
    assert judged(session, evidence, decoder).reason == "unreadable_statement"


@pytest.mark.parametrize(
    ("opens", "closes", "reason"),
    [(2, 60, "before_opening"), (-60, -5, "after_closing"), (-60, 60, "session_verified_upstream")],
)
def test_the_bounty_is_open_while_it_is_taken(
    opens: float, closes: float, reason: str, decoder: Decoder
) -> None:
    window = stage.terms(opens_at=at(opens), closes_at=at(closes))
    known = replace(KNOWN, verified_upstream=True)
    assert judged(session, outside(known, SAID, terms=window), decoder).reason == reason
    assert judged(session, outside(known, terms=window), decoder).reason == reason


def test_a_late_upload_of_what_was_taken_in_time(decoder: Decoder) -> None:
    window = stage.terms(opens_at=at(-5), closes_at=at(0.5))
    outcome = judged(session, outside(replace(KNOWN, verified_upstream=True), SAID, terms=window), decoder)
    assert outcome.reason == "session_verified_upstream"


def test_the_market_never_sets_what_lets_a_signature_be_missing(decoder: Decoder) -> None:
    """`verified_upstream` alone, without `outside`, opens nothing."""
    honest = stage.photo(MEDIA)
    for changes in ({"signature": b""}, {"statement": ""}, {"committed_at": None}, {"deadline": None}):
        unsigned = replace(honest.session, verified_upstream=True, **changes)
        outcome = judged(session, replace(honest, session=unsigned), decoder)
        assert outcome.status is Status.HARD_FAIL


@pytest.mark.parametrize("package", ["bounties", "market", "core", "agent_sdk"])
def test_no_door_of_the_market_says_that_it_is_outside(package: str) -> None:
    root = Path(__file__).resolve().parents[2]
    sources = [path for path in (root / package).rglob("*.py") if "simulator" not in path.parts]
    assert sources
    for path in sources:
        assert not re.search(r"\boutside=|verified_upstream", path.read_text()), path


NO_AREA = stage.terms(area=None)
NO_PLACE = {name: value for name, value in SAID.items() if name not in {"lat", "lon"}}
ABSENT: list[tuple[CheckFunction, Evidence, str]] = [
    (place, outside(said=SAID, terms=NO_AREA), "no_area"),
    (place, outside(), "no_statement"),
    (place, outside(said=NO_PLACE), "position_unknown"),
    (installed_place, stage.recording().evidence(ask=stage.terms("stream", area=None)), "no_area"),
    (travel, outside(said=SAID), "no_account"),
    (travel, outside(UNKNOWN), "no_position"),
    (clock, outside(), "no_device_time"),
    (clock, outside(replace(KNOWN, issued_at=None), SAID), "no_server_time"),
    (clock, outside(replace(KNOWN, committed_at=None), SAID), "no_server_time"),
    (sun, outside(UNKNOWN), "no_place_or_time"),
    (decode, outside(media=b"", media_sha256=""), "no_media"),
]


@pytest.mark.parametrize(("check", "evidence", "reason"), ABSENT)
def test_absence_abstains(check: CheckFunction, evidence: Evidence, reason: str, decoder: Decoder) -> None:
    outcome = judged(check, evidence, decoder)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, reason)


def test_a_session_without_media_still_speaks(decoder: Decoder) -> None:
    evidence = outside(replace(KNOWN, verified_upstream=True), media=b"", media_sha256="")
    assert judged(session, evidence, decoder).reason == "session_verified_upstream"
    refused = replace(evidence, session=replace(evidence.session, outside=False))
    with pytest.raises(RuntimeError):
        judged(session, refused, decoder)
    assert judged(decode, refused, decoder).reason == "empty_file"


def test_nonsense_for_a_position_is_not_absence(decoder: Decoder) -> None:
    outcome = judged(place, outside(said=said(lat="north")), decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "no_position")


def test_in_the_market_a_position_left_out_is_refused(decoder: Decoder) -> None:
    outcome = judged(place, stage.photo(MEDIA, say={"lat": None, "lon": None}), decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "no_position")


def test_one_server_time_still_speaks_against(decoder: Decoder) -> None:
    early = outside(replace(KNOWN, committed_at=None), said(captured_at=wire(at(-5))))
    late = outside(replace(KNOWN, issued_at=None), said(captured_at=wire(at(9))))
    assert [judged(clock, evidence, decoder).reason for evidence in (early, late)] == ["clock_off"] * 2


def test_travel_by_the_devices_time_where_no_other_is_known(decoder: Decoder) -> None:
    known = replace(UNKNOWN, account="acc_1")
    last = PastSpot(Spot(40.7, -74.0), NOON - timedelta(hours=1))
    outcome = judged(travel, outside(known, SAID), decoder, last)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "impossible_travel")


def test_a_stream_needs_the_servers_times(decoder: Decoder) -> None:
    evidence = stage.recording().evidence()
    for unknown in ({"issued_at": None}, {"submitted_at": None}):
        timeless = replace(evidence, session=replace(evidence.session, **unknown))  # type: ignore[arg-type]
        outcome = judged(stream, timeless, decoder)
        assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "no_server_time")


def test_motion_may_come_without_frames(decoder: Decoder) -> None:
    motion = "t,gx,gy,gz,ax,ay,az\n0,0,0,0,0,9.8,0\n0.1,0,0,0,0,9.8,0\n"
    case = Case(outside(burst=Burst((), motion=motion)), stage.tools(decoder))
    assert burst(case).reason == "no_frames"
    assert case.sensed is not None
    assert burst(Case(outside(burst=Burst(())), stage.tools(decoder))).reason == "broken_burst"
