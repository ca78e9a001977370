"""One sample of each cheap family is refused for the reason it is made to show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.verification.redteam.test_registry import sample
from verification.evidence import Verdict
from verification.redteam.runner import judge
from verification.standalone import Standalone

REASONS = {
    "after_deadline": "after_deadline",
    "assertion_replayed": "assertion_not_by_key",
    "attestation_counter_back": "counter_back",
    "attestation_forged_root": "root_forged",
    "attestation_replayed": "challenge_mismatch",
    "attestation_revoked": "key_revoked",
    "attested_other_key": "attested_other_key",
    "bomb": "too_many_pixels",
    "declared_ai": "declared_ai",
    "early_commitment": "commitment_before_challenge",
    "edited_after_signing": "media_not_as_signed",
    "edited_manifest": "manifest_invalid",
    "edited_under_manifest": "manifest_invalid",
    "extended_chain": "chain_extended",
    "foreign_key": "bad_signature",
    "forged_authority": "forged_issuer",
    "grafted_manifest": "manifest_invalid",
    "late_commitment": "late_commitment",
    "no_commitment": "no_commitment",
    "nonce_reused": "nonce_reused",
    "other_claim": "wrong_claim",
    "other_device": "wrong_device",
    "other_kind": "wrong_kind",
    "polyglot": "polyglot",
    "position_elsewhere": "outside_area",
    "position_left_out": "no_position",
    "replayed_statement": "wrong_claim",
    "revoked_device": "device_revoked",
    "revoked_signer": "signer_revoked",
    "same_file": "same_bytes",
    "mirrored": "copy_of_earlier",
    "stamp_before_claim": "stamped_before_claim",
    "stamp_forged_authority": "stamp_forged",
    "stamp_of_other_file": "stamp_of_other_file",
    "swapped_commitment": "commitment_mismatch",
    "teleported": "impossible_travel",
    "transparent": "transparent",
    "truncated": "broken",
    "two_meanings": "unreadable_statement",
    "wrong_algorithm": "bad_signature",
    "wrong_nonce": "wrong_nonce",
}


@pytest.fixture(scope="module")
def verifier() -> Iterator[Standalone]:
    with judge() as opened:
        yield opened


@pytest.mark.parametrize("name", sorted(REASONS))
def test_it_is_refused_for_what_it_is(name: str, verifier: Standalone) -> None:
    report = verifier.examine(sample(name).context)
    assert report.verdict is Verdict.REJECT
    assert REASONS[name] in report.reasons


def test_the_honest_photo_they_are_bent_from_is_accepted(verifier: Standalone) -> None:
    assert verifier.examine(sample("honest_t0").context).verdict is Verdict.ACCEPT
