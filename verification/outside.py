"""A session outside the market: what is given must agree; what is not given says nothing.

In the market every part of a session was recorded by the server, so a part that is missing was left
out by a cheat. Outside (docs/examine.md) a part may be missing because nobody kept it, so its absence
abstains, and only a contradiction between parts that are there is proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from verification.evidence import Evidence, Json, Outcome, abstain, hard_fail, ok
from verification.signing import statement_signed
from verification.statement import moments_in

TOLERANCE = timedelta(minutes=2)  # between a device's clock and ours, as in the clock check


def session_outside(
    evidence: Evidence, statement: Mapping[str, Json] | None, *, sound: float, widest: float
) -> Outcome:
    """The session check's word on a capture outside the market; see `checks.session`.

    Args:
        sound: nats for a sound session whose capture came at once.
        widest: share of them left when the whole window was used, or when its width is not known.
    """
    reason = _contradiction(evidence, statement)
    if reason:
        return hard_fail(reason)
    share, facts = _freshness(evidence, widest)
    if evidence.session.verified_upstream:
        return ok(sound * share, "session_verified_upstream", **facts)
    if statement is None:
        return abstain("no_statement")
    return _signature(evidence, statement) or ok(sound * share, "session_sound", **facts)


def _signature(evidence: Evidence, statement: Mapping[str, Json]) -> Outcome | None:
    """What keeps a statement from being signed for this claim and these bytes; None when nothing does."""
    signed = evidence.session
    if not signed.public_key or not signed.signature:
        return abstain("not_signed")
    if not signed.algorithm:
        return hard_fail("wrong_algorithm")
    if not statement_signed(signed.algorithm, signed.public_key, signed.signature, statement):
        return hard_fail("bad_signature")
    bound = signed.nonce and "nonce" in statement and "sha256" in statement
    return None if bound else abstain("signed_but_not_bound")


def _contradiction(evidence: Evidence, statement: Mapping[str, Json] | None) -> str:
    """The first thing given that contradicts another, else ""."""
    signed, said = evidence.session, statement or {}
    moments = moments_in(said)
    taken_at = next(iter(moments), None)
    faults = (
        (statement is None and signed.statement != "", "unreadable_statement"),
        (None in moments or len(moments) > 1, "unreadable_statement"),
        (signed.nonce != "" and said.get("nonce", signed.nonce) != signed.nonce, "wrong_nonce"),
        (signed.nonce_uses > 0, "nonce_reused"),
        (
            "sha256" in said and str(said["sha256"]).lower() != evidence.media_sha256,
            "media_not_as_signed",
        ),
        (signed.device_revoked, "device_revoked"),
    )
    named = next((reason for wrong, reason in faults if wrong), "")
    return named or _arrival(evidence) or _capture(evidence, taken_at)


def _arrival(evidence: Evidence) -> str:
    """Server times among themselves."""
    signed, terms = evidence.session, evidence.terms
    if signed.committed_at is None:
        return ""
    if signed.issued_at is not None and signed.committed_at < signed.issued_at:
        return "commitment_before_challenge"
    if signed.deadline is not None and signed.committed_at > signed.deadline:
        return "after_deadline"
    return "before_opening" if terms.opens_at is not None and signed.committed_at < terms.opens_at else ""


def _capture(evidence: Evidence, taken_at: datetime | None) -> str:
    """The device's time against the server's, with tolerance; the bounty's end binds the capture."""
    signed, terms = evidence.session, evidence.terms
    when = taken_at or signed.committed_at
    slack = TOLERANCE if taken_at is not None else timedelta(0)
    if when is None:
        return ""
    if signed.issued_at is not None and when < signed.issued_at - slack:
        return "captured_before_challenge"
    if any(end is not None and when > end + slack for end in (signed.committed_at, signed.deadline)):
        return "captured_after_receipt"
    if terms.opens_at is not None and when < terms.opens_at - slack:
        return "before_opening"
    return "after_closing" if terms.closes_at is not None and when > terms.closes_at + slack else ""


def _freshness(evidence: Evidence, widest: float) -> tuple[float, dict[str, Json]]:
    """The share of full weight that the freshness interval leaves, and its facts."""
    signed = evidence.session
    if signed.issued_at is None or signed.committed_at is None or signed.deadline is None:
        return widest, {}
    width_s = (signed.committed_at - signed.issued_at).total_seconds()
    allowed_s = (signed.deadline - signed.issued_at).total_seconds()
    share = 1 - (1 - widest) * width_s / allowed_s if allowed_s > 0 else widest
    return share, {"width_s": round(width_s, 3), "allowed_s": round(allowed_s, 3)}
