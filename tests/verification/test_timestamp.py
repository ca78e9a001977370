"""Timestamps: what our own authority stamps, one thing wrong at a time, and the reason that names it."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from market.simulator.der import oid, sequence
from market.simulator.stamping import employ, new_stamper, refusing
from tests.assets.build import make
from tests.verification import stage
from tests.verification.stage import NOON
from verification.case import Case
from verification.checks.timestamp import timestamp
from verification.evidence import Evidence, Outcome, Status
from verification.picture import Decoder
from verification.signing import canonical
from verification.statement import parse_statement
from verification.trust import TrustList

MEDIA = make("honest.jpg")
STAMPER = new_stamper("Test Stamper")
HONEST = stage.photo(MEDIA)
AT = NOON + timedelta(seconds=10)
DIGEST = hashlib.sha256(MEDIA).digest()
TRUST = TrustList(stampers=(STAMPER.authority.root,))


def judged(
    data: bytes, decoder: Decoder, evidence: Evidence = HONEST, trust: TrustList = TRUST
) -> tuple[Status, str]:
    outcome = found(data, decoder, evidence, trust)
    return outcome.status, outcome.reason


def found(data: bytes, decoder: Decoder, evidence: Evidence = HONEST, trust: TrustList = TRUST) -> Outcome:
    whole = replace(evidence, timestamp=data)
    statement = parse_statement(whole.session.statement)
    return timestamp(Case(whole, stage.tools(decoder, trust=trust), statement=statement))


def test_a_stamp_in_time(decoder: Decoder) -> None:
    outcome = found(STAMPER.stamp(DIGEST, AT), decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "stamped_in_time", 0.2)
    assert outcome.facts["after_challenge_s"] == 10.0
    assert judged(STAMPER.token(DIGEST, AT), decoder) == (Status.OK, "stamped_in_time"), "the token alone"


def test_of_the_statement(decoder: Decoder) -> None:
    text = HONEST.session.statement
    stamp = STAMPER.stamp(hashlib.sha256(text.encode()).digest(), AT)
    assert judged(stamp, decoder) == (Status.OK, "stamped_in_time")
    outside = replace(HONEST, session=replace(HONEST.session, outside=True))
    said = parse_statement(text)
    assert said is not None
    stamp = STAMPER.stamp(hashlib.sha256(canonical(said).encode()).digest(), AT)
    assert judged(stamp, decoder, outside) == (Status.OK, "stamped_in_time")
    assert judged(stamp, decoder) == (Status.HARD_FAIL, "stamp_of_other_file")


def test_of_longer_hashes(decoder: Decoder) -> None:
    for arc, make_hash in ((2, hashlib.sha384), (3, hashlib.sha512)):
        longer = replace(STAMPER, algorithm=sequence(oid(f"2.16.840.1.101.3.4.2.{arc}")))
        assert judged(longer.stamp(make_hash(MEDIA).digest(), AT), decoder)[1] == "stamped_in_time"
    weak = replace(STAMPER, algorithm=sequence(oid("1.3.14.3.2.26")))
    assert judged(weak.stamp(bytes(20), AT), decoder) == (Status.ABSTAIN, "stamp_hash_unknown")


def test_of_another_file(decoder: Decoder) -> None:
    stamp = STAMPER.stamp(hashlib.sha256(b"another").digest(), AT)
    assert judged(stamp, decoder) == (Status.HARD_FAIL, "stamp_of_other_file")
    empty = replace(HONEST, media=b"", media_sha256="", session=stage.unknown_session())
    stamp = STAMPER.stamp(hashlib.sha256(b"").digest(), AT)
    assert judged(stamp, decoder, empty) == (Status.HARD_FAIL, "stamp_of_other_file"), "no file came at all"


def test_who_stamped(decoder: Decoder) -> None:
    namesake, nobody = new_stamper("Test Stamper"), new_stamper("Nobody")
    no_stamper = employ(STAMPER.authority, purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    assert judged(namesake.stamp(DIGEST, AT), decoder) == (Status.HARD_FAIL, "stamp_forged")
    assert judged(nobody.stamp(DIGEST, AT), decoder) == (Status.ABSTAIN, "stamp_authority_unknown")
    assert judged(no_stamper.stamp(DIGEST, AT), decoder) == (Status.HARD_FAIL, "stamp_forged")
    untrusting = (Status.ABSTAIN, "stamp_authority_unknown")
    assert judged(STAMPER.stamp(DIGEST, AT), decoder, trust=TrustList()) == untrusting


def test_a_stamp_whose_time_was_changed(decoder: Decoder) -> None:
    early = AT - timedelta(days=365)
    stamp = STAMPER.stamp(DIGEST, early).replace(_written(early), _written(AT))
    assert judged(stamp, decoder) == (Status.HARD_FAIL, "stamp_forged")


def test_without_certificates(decoder: Decoder) -> None:
    bare = replace(STAMPER, sends=())
    assert judged(bare.stamp(DIGEST, AT), decoder) == (Status.ABSTAIN, "stamp_without_certificates")


def test_a_stamp_beyond_all_bounds(decoder: Decoder) -> None:
    """64 KiB are enough for any honest one; this would verify."""
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"), bytes(70_000))
    fat = STAMPER.authority.issue("padding", STAMPER.key.public_key(), [(padding, False)])
    sent = (STAMPER.certificate, STAMPER.authority.intermediate, fat)
    stamp = replace(STAMPER, sends=sent).stamp(DIGEST, AT)
    assert judged(stamp, decoder) == (Status.ABSTAIN, "stamp_unreadable")


def test_a_revoked_stamper(decoder: Decoder) -> None:
    trust = replace(TRUST, revoked=frozenset({STAMPER.certificate.serial_number}))
    stamp = STAMPER.stamp(DIGEST, AT)
    assert judged(stamp, decoder, trust=trust) == (Status.ABSTAIN, "stamp_signer_revoked")


def test_when_it_was_stamped(decoder: Decoder) -> None:
    for seconds, expected in (
        (-3600 * 24 * 30, (Status.HARD_FAIL, "stamped_before_claim")),
        (-7, (Status.HARD_FAIL, "stamped_before_claim")),
        (-6, (Status.OK, "stamped_in_time")),  # five seconds of slack and one of the authority's accuracy
        (0, (Status.OK, "stamped_in_time")),
        (26, (Status.OK, "stamped_in_time")),  # submitted after 20 s
        (27, (Status.ABSTAIN, "stamped_after_receipt")),
    ):
        stamp = STAMPER.stamp(DIGEST, NOON + timedelta(seconds=seconds))
        assert judged(stamp, decoder) == expected, seconds
    unknown = replace(HONEST, session=replace(HONEST.session, issued_at=None))
    assert judged(STAMPER.stamp(DIGEST, AT), decoder, unknown) == (Status.ABSTAIN, "no_claim_time")
    open_end = replace(HONEST, session=replace(HONEST.session, submitted_at=None, committed_at=None))
    assert judged(STAMPER.stamp(DIGEST, AT), decoder, open_end)[1] == "stamped_in_time"


def test_what_grants_or_says_nothing(decoder: Decoder) -> None:
    assert judged(b"", decoder) == (Status.ABSTAIN, "no_timestamp")
    for status in (1, 2, 5, 77):
        refused = refusing(STAMPER, status).stamp(DIGEST, AT)
        assert judged(refused, decoder) == (Status.ABSTAIN, "stamp_not_granted")
    for data in (b"\x00", bytes(70_000), sequence(sequence(b"\x02\x01\x00")), MEDIA):
        assert judged(data, decoder) == (Status.ABSTAIN, "stamp_unreadable")
    for data in (sequence(), sequence(sequence())):
        assert judged(data, decoder) == (Status.ABSTAIN, "stamp_not_granted")


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_mutants_never_raise_and_are_never_believed(decoder: Decoder) -> None:
    """600 seeded mutants of a response: a stamp that says something else is never OK."""
    dice, honest = random.Random(11), STAMPER.stamp(DIGEST, AT)
    for _ in range(600):
        bent = bytearray(honest)
        for _ in range(dice.choice([1, 1, 2, 8])):
            at = dice.randrange(len(bent))
            if dice.random() < 0.7:
                bent[at] = dice.randrange(256)
            else:
                bent[at : at + dice.choice([0, 1, 9])] = bent[at : at + dice.choice([0, 1, 9])]
        outcome = found(bytes(bent), decoder)
        if outcome.status is Status.OK:
            assert outcome.facts["after_challenge_s"] == 10.0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_our_authority_is_one_to_openssl_too(tmp_path: Path) -> None:
    """What the simulator stamps, the most used verifier takes; with another root it does not."""
    (tmp_path / "media").write_bytes(MEDIA)
    (tmp_path / "response").write_bytes(STAMPER.stamp(DIGEST, datetime.now(UTC)))
    for stamper, code in ((STAMPER, 0), (new_stamper("Test Stamper"), 1)):
        (tmp_path / "root.pem").write_bytes(stamper.authority.root_pem)
        command = ["openssl", "ts", "-verify", "-data", "media", "-in", "response", "-CAfile", "root.pem"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == code


def _written(at: datetime) -> bytes:
    return at.strftime("%Y%m%d%H%M%SZ").encode()
