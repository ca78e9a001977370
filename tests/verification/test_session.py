"""The session check: one thing wrong at a time, and the reason that names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.assets.build import make
from tests.verification import stage
from tests.verification.stage import NOON
from verification.case import Case
from verification.checks.session import session
from verification.evidence import Evidence, Outcome, Session, Status
from verification.picture import Decoder
from verification.statement import parse_statement

MEDIA = make("honest.jpg")


def judged(evidence: Evidence, decoder: Decoder) -> Outcome:
    case = Case(evidence, stage.tools(decoder), statement=parse_statement(evidence.session.statement))
    return session(case)


def changed(evidence: Evidence, **changes: object) -> Evidence:
    changed_session: Session = replace(evidence.session, **changes)  # type: ignore[arg-type]
    return replace(evidence, session=changed_session)


def _edited(evidence: Evidence, before: str, after: str) -> Evidence:
    return changed(evidence, statement=evidence.session.statement.replace(before, after))


HONEST = stage.photo(MEDIA)
OTHER_KEY = stage.new_key()
WRONG: dict[str, Evidence] = {
    "wrong_nonce": stage.photo(MEDIA, say={"nonce": "cd" * 32}),
    "wrong_claim": stage.photo(MEDIA, say={"claim": "clm_" + "9" * 26}),
    "wrong_device": stage.photo(MEDIA, say={"device": "dev_" + "9" * 26}),
    "wrong_kind": stage.photo(MEDIA, say={"kind": "stream"}),
    "media_not_as_signed": stage.photo(MEDIA, say={"sha256": "00" * 32}),
    "nonce_reused": changed(HONEST, nonce_uses=1),
    "no_commitment": changed(HONEST, commitment=None, committed_at=None),
    "commitment_mismatch": _edited(HONEST, '"accuracy_m": 12.0', '"accuracy_m": 11.0'),
    "device_revoked": changed(HONEST, device_revoked=True),
    "wrong_algorithm": changed(HONEST, algorithm="Ed25519"),
    "bad_signature": changed(HONEST, public_key=stage.spki(OTHER_KEY)),
    "late_commitment": changed(HONEST, committed_at=NOON + timedelta(seconds=601)),
    "commitment_before_challenge": changed(HONEST, committed_at=NOON - timedelta(seconds=1)),
    "after_deadline": changed(HONEST, submitted_at=(NOON + timedelta(minutes=30)) + timedelta(seconds=1)),
    "unreadable_statement": changed(HONEST, statement="{"),
}


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_an_honest_session(decoder: Decoder, algorithm: str) -> None:
    outcome = judged(stage.photo(MEDIA, key=stage.new_key(algorithm)), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "session_sound")
    assert 1.1 < outcome.llr <= 1.2


@pytest.mark.parametrize(("reason", "evidence"), WRONG.items())
def test_one_thing_wrong(decoder: Decoder, reason: str, evidence: Evidence) -> None:
    outcome = judged(evidence, decoder)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, reason)


@pytest.mark.parametrize("bit", [0, 255, 256, 511])
def test_any_bit_of_the_signature_counts(decoder: Decoder, bit: int) -> None:
    flipped = bytearray(HONEST.session.signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert judged(changed(HONEST, signature=bytes(flipped)), decoder).reason == "bad_signature"


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(4096)])
def test_degenerate_signatures(decoder: Decoder, signature: bytes) -> None:
    assert judged(changed(HONEST, signature=signature), decoder).reason == "bad_signature"


@pytest.mark.parametrize("public_key", [b"", b"\x30\x00", bytes(91)])
def test_broken_public_keys(decoder: Decoder, public_key: bytes) -> None:
    assert judged(changed(HONEST, public_key=public_key), decoder).reason == "wrong_algorithm"


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "[]",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": ' + "[" * 2_000 + "]" * 2_000 + "}",
        '{"a": "' + "x" * 5_000 + '"}',
        "\x00",
    ],
)
def test_statements_without_one_meaning(decoder: Decoder, statement: str) -> None:
    assert judged(changed(HONEST, statement=statement), decoder).reason == "unreadable_statement"


def test_a_wide_window_says_less(decoder: Decoder) -> None:
    quick = judged(HONEST, decoder)
    slow = judged(changed(HONEST, committed_at=NOON + timedelta(seconds=600)), decoder)
    assert slow.status is Status.OK
    assert slow.llr == pytest.approx(0.72)
    assert slow.llr < quick.llr


def test_no_agreed_freshness_is_no_evidence(decoder: Decoder) -> None:
    at_once = changed(HONEST, committed_at=NOON, max_freshness_s=0.0)
    assert judged(at_once, decoder).reason == "no_freshness_agreed"


def test_our_own_storage_at_fault_is_an_error_not_a_verdict(decoder: Decoder) -> None:
    with pytest.raises(RuntimeError, match="not what arrived"):
        judged(replace(HONEST, media=MEDIA + b"\x00"), decoder)
