"""timestamp: a time stamping authority saw these bytes, at a time that fits the claim.

Stops: old material handed in with its true stamp, a stamp taken from another file, stamps by a home-made
authority that borrows a known one's name, stamps whose time was changed.
How: the RFC 3161 token's imprint must be of the capture's file or of its statement; the token is verified
offline against the roots in the trust folder; its time must lie between the challenge and the receipt.
Limits: a stamp says that bytes existed by a time, nothing of where they came from, and anyone has a forgery
stamped for free: hence 0.2 nats, as much as the TIME family may say at all. Before the challenge is proof
against the capture; after the receipt says nothing. A missing stamp costs nothing: the server's own record
of the commitment says the same to whoever trusts the server. Tokens not in strict DER abstain (see
`verification.stamps`).
Source: RFC 3161; TRUTH 2 (measured with rfc3161-client 1.0.9) and 3.6.
"""

from __future__ import annotations

from datetime import timedelta

from verification import stamps
from verification.attestation.errors import Doubt, Forged, Malformed
from verification.case import Case
from verification.evidence import Family, Outcome, abstain, hard_fail, ok
from verification.registry import check
from verification.signing import signed_forms

STAMPED = 0.2  # nats
SLACK = timedelta(seconds=5)  # between the authority's clock and ours, beside the accuracy it states


@check(
    "timestamp",
    family=Family.TIME,
    version="1",
    cost=0,
    kinds={"photo", "stream", "video"},
    bounds=(0.0, STAMPED),
)
def timestamp(case: Case) -> Outcome:
    """Judging a timestamp, in order.

    1. none: no_timestamp; one that cannot be read: stamp_unreadable; one that grants nothing:
       stamp_not_granted;
    2. its imprint is of other bytes: hard fail stamp_of_other_file (by a hash we do not take:
       stamp_hash_unknown);
    3. who signed it (`stamps.verify`): stamp_without_certificates, stamp_authority_unknown,
       stamp_signer_revoked; hard fail stamp_forged;
    4. before the challenge existed: hard fail stamped_before_claim; after the receipt: stamped_after_receipt;
       where the claim's time is not known: no_claim_time;
    5. OK stamped_in_time.
    """
    if not case.evidence.timestamp:
        return abstain("no_timestamp")
    try:
        stamp = stamps.read(case.evidence.timestamp)
        if not stamps.covers(stamp, _candidates(case)):
            return hard_fail("stamp_of_other_file")
        stamps.verify(stamp, case.tools.trust.stampers, case.tools.trust.revoked)
    except Malformed:
        return abstain("stamp_unreadable")
    except Doubt as doubt:
        return abstain(doubt.reason)
    except Forged as proof:
        return hard_fail(proof.reason)
    return _in_time(case, stamp)


def _in_time(case: Case, stamp: stamps.Stamp) -> Outcome:
    """Step 4 and 5."""
    signed = case.evidence.session
    slack = SLACK + stamp.accuracy
    if signed.issued_at is None:
        return abstain("no_claim_time")
    after_s = round((stamp.at - signed.issued_at).total_seconds(), 3)
    if stamp.at + slack < signed.issued_at:
        return hard_fail("stamped_before_claim", after_challenge_s=after_s)
    received_at = signed.submitted_at or signed.committed_at
    if received_at is not None and stamp.at - slack > received_at:
        return abstain("stamped_after_receipt", after_challenge_s=after_s)
    return ok(STAMPED, "stamped_in_time", after_challenge_s=after_s)


def _candidates(case: Case) -> list[bytes]:
    """The byte strings a stamp may be of: the file, the statement as signed."""
    evidence = case.evidence
    texts = [evidence.session.statement.encode()] if evidence.session.statement else []
    if evidence.session.outside and case.statement is not None:
        texts += signed_forms(case.statement)
    return ([evidence.media] if evidence.media_sha256 else []) + texts
