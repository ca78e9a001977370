"""What a receipt says, and the eight steps that check it: each passes, raises, or does not apply.

Run by `agent_sdk.receipts.Verifier`. No receipt binds an observation's `cell`, `p_genuine_interval`,
`dependence` and `untrusted_note`, a file's `media_type`, or whether it was `revoked` since: these are the
server's word.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, JsonValue, ValidationError

from agent_sdk._canonical import fingerprint
from agent_sdk._merkle import ProofInvalid, leaf_hash, verify_consistency, verify_inclusion
from agent_sdk._note import Checkpoint, LogKey, NoteInvalid, open_checkpoint, unbase64
from agent_sdk.errors import (
    CheckpointInvalid,
    InclusionInvalid,
    MediaMismatch,
    NotYetLogged,
    ObservationMismatch,
    PaymentMismatch,
    ReceiptError,
    ReceiptMalformed,
    SplitView,
    TermsMismatch,
)
from agent_sdk.types import Amount, Bounty, Finding, Observation, ReceiptBundle, Wire

_LEAF_DOMAIN = b"spotcheck-receipt-v1\n"


class Payment(Wire):
    """What the capture was paid: dollars to the contributor, dollars of fee, and the ledger's key."""

    transfer_key: str
    reward: Amount
    fee: Amount


class Receipt(Wire):
    """What a receipt's text says; see `Observation` for the meanings it shares with it.

    `terms` is what was asked, bound by `terms_sha256`; `original_sha256` is the sealed original,
    `burst_sha256` the sealed file of frames and motion around the shutter (None: there was none),
    `derivatives` the files delivered; `freshness` is (challenge issued, commitment received).
    """

    v: Literal[1]
    observation: str
    bounty: str
    capture: str
    terms_sha256: str
    terms: dict[str, JsonValue]
    claim: str
    nonce: str
    statement_sha256: str
    original_sha256: str
    burst_sha256: str | None
    derivatives: tuple[str, ...]
    answer: JsonValue
    p_genuine: float | None
    p_answer: float | None
    frauds: Mapping[str, float]
    judged_by: str
    findings: tuple[Finding, ...]
    models: dict[str, JsonValue]
    calibration: JsonValue
    engine: JsonValue
    payment: Payment
    freshness: tuple[AwareDatetime, AwareDatetime]
    issued_at: AwareDatetime


class _Priced(Wire):
    reward: Amount


class Step(NamedTuple):
    """What one step found: status "ok", "failed" (then `error`) or "skipped" (then `why`)."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    error: ReceiptError | None = None
    why: str = ""


class _Skip(Exception):
    """The step was not asked for, or rests on one that failed."""


@dataclass
class Case:
    """One examination under way: what was given, and what earlier steps established."""

    bundle: ReceiptBundle
    key: LogKey
    last: Checkpoint | None
    observation: Observation | None
    bounty: Bounty | None
    media: Sequence[bytes]
    consistency: Sequence[str] | None
    receipt: Receipt | None = None
    checkpoint: Checkpoint | None = None
    included: bool = False

    def read(self) -> Receipt:
        """The parsed receipt, or skip."""
        if self.receipt is None:
            raise _Skip("the receipt could not be read")
        return self.receipt

    def head(self) -> Checkpoint:
        """The verified checkpoint, or skip."""
        if self.checkpoint is None:
            raise _Skip("no verified checkpoint")
        return self.checkpoint


def receipt_leaf(receipt: str) -> bytes:
    """The 32-byte leaf hash a receipt's exact text has in the log."""
    return leaf_hash(_LEAF_DOMAIN + hashlib.sha256(receipt.encode()).digest())


# The steps, in order. Each is numbered where it is done.
#
#  1. The text is one JSON object of version 1, each key once.
#  2. The checkpoint is signed by the pinned log key, and is of that key's log.
#  3. The receipt's leaf is in the tree under the checkpoint's root, at its index.
#  4. That tree extends, or is a prefix of, the last tree seen of this log.
#  5. The terms have the hash the receipt binds; and they are what was posted.
#  6. The observation says what the receipt says, field by field, and names the same files.
#  7. Each delivered file has a hash the receipt names.
#  8. The payment is the terms' and the observation's reward and the bounty's fee, under a ledger key.
#
# 1-4 show that the log's operator stands by this text and cannot take it back; 5-8 that the text is
# about what you have in hand. A failure of 2, 3 or 4 makes 5-8 worth nothing, but they are still run.


def _check_text(case: Case) -> None:
    # 1. Duplicate keys are refused: two readers could take two different answers from one text.
    try:
        value = json.loads(case.bundle.receipt, object_pairs_hook=_once, parse_constant=_no_constant)
        case.bundle.receipt.encode()  # a lone surrogate has no UTF-8, and so no hash
        case.receipt = Receipt.model_validate_json(case.bundle.receipt)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field_name = ".".join(str(part) for part in first["loc"])
        raise ReceiptMalformed(f"{field_name}: {first['msg']}", facts={"field": field_name}) from error
    except (ValueError, RecursionError) as error:
        raise ReceiptMalformed(f"not a receipt: {error}") from error
    if not isinstance(value, dict):
        raise ReceiptMalformed("not a JSON object")


def _check_checkpoint(case: Case) -> None:
    # 2. Only the pinned key counts; a key that came with the receipt would vouch for itself.
    case.checkpoint = open_bundle(case.bundle, case.key)


def _check_inclusion(case: Case) -> None:
    # 3. RFC 9162 section 2.1.3.2, from the leaf of the exact text to the signed root.
    head, index, proof = case.head(), case.bundle.leaf_index, case.bundle.inclusion
    if index is None or proof is None:
        raise NotYetLogged("the receipt has no inclusion proof yet")
    try:
        path = [unbase64(node) for node in proof]
        verify_inclusion(index, head.size, receipt_leaf(case.bundle.receipt), path, head.root)
    except ValueError as error:
        raise InclusionInvalid(
            f"leaf {index} of {head.size}: {error}", facts={"leaf_index": index}
        ) from error


def _check_consistency(case: Case) -> None:
    # 4. RFC 9162 section 2.1.4.2, between the smaller and the larger of the two trees.
    head, last = case.head(), case.last
    if last is None:
        raise _Skip("the first checkpoint seen of this log")
    old, new = (last, head) if last.size <= head.size else (head, last)
    needs_proof = 0 < old.size < new.size
    if needs_proof and case.consistency is None:
        message = f"no proof that the tree of {old.size} is a prefix of the tree of {new.size}"
        raise SplitView(message, facts={"seen": last.note, "shown": head.note})
    try:
        path = [unbase64(node) for node in (case.consistency or ())] if needs_proof else []
        verify_consistency(old.size, new.size, old.root, new.root, path)
    except (ProofInvalid, NoteInvalid) as error:
        raise SplitView(
            f"the tree of {head.size} shown does not fit the tree of {last.size} seen before: {error}",
            facts={"seen": last.note, "shown": head.note},
        ) from error


# Everything a contributor agreed to: what was asked, where, when, for how much.
_TERMS = (
    "ask", "kind", "answer_schema", "area", "opens_at", "closes_at", "reward", "slots", "tier", "licence",
    "purpose", "max_freshness_s", "stream",
)  # fmt: skip


def _check_terms(case: Case) -> None:
    # 5. The hash binds the terms; the bounty, when given, must be the one they describe.
    receipt = case.read()
    if fingerprint(receipt.terms) != receipt.terms_sha256:
        raise TermsMismatch(
            "the terms do not have the hash the receipt binds", facts={"field": "terms_sha256"}
        )
    if case.bounty is None:
        return
    if receipt.bounty != case.bounty.id:
        raise TermsMismatch(f"the receipt is of bounty {receipt.bounty}", facts={"field": "bounty"})
    try:
        logged = Bounty.model_validate({**case.bounty.model_dump(), **dict(receipt.terms)})
    except ValidationError as error:
        raise TermsMismatch("the terms are no bounty's", facts={"field": "terms"}) from error
    for name in _TERMS:
        if name not in receipt.terms:
            raise TermsMismatch(f"the terms do not hold {name}", facts={"field": name})
        # Of what a server never told there is nothing to compare; `stream` is None for a photo.
        told = getattr(case.bounty, name)
        if getattr(logged, name) != told and (told is not None or name == "stream"):
            raise TermsMismatch(f"the logged {name} is not the one posted", facts={"field": name})


def _check_observation(case: Case) -> None:
    # 6. What the API told is what was logged: otherwise the log proves something else.
    receipt, seen = case.read(), case.observation
    if seen is None:
        raise _Skip("no observation was given")
    pairs: dict[str, tuple[object, object]] = {
        "id": (seen.id, receipt.observation),
        "bounty": (seen.bounty, receipt.bounty),
        "capture": (seen.capture, receipt.capture),
        "kind": (seen.kind, receipt.terms.get("kind")),
        "answer": (_exactly(seen.answer), _exactly(receipt.answer)),
        "p_genuine": (seen.p_genuine, receipt.p_genuine),
        "p_answer": (seen.p_answer, receipt.p_answer),
        "frauds": (seen.frauds, receipt.frauds),
        "judged_by": (seen.judged_by, receipt.judged_by),
        "findings": (seen.findings, receipt.findings),
        "observed_from": (seen.observed_from, receipt.freshness[0]),
        "observed_to": (seen.observed_to, receipt.freshness[1]),
    }
    for name, (told, logged) in pairs.items():
        if told != logged:
            raise ObservationMismatch(f"{name}: told {told!r}, logged {logged!r}", facts={"field": name})
    stray = sorted({item.sha256 for item in seen.media} ^ set(receipt.derivatives))
    if stray:
        message = f"file {stray[0]} is in one of the observation and the receipt only"
        raise ObservationMismatch(message, facts={"field": "media"})


def _check_media(case: Case) -> None:
    # 7. The bytes in hand, not their names.
    receipt = case.read()
    if not case.media:
        raise _Skip("no delivered bytes were given")
    for data in case.media:
        found = hashlib.sha256(data).hexdigest()
        if found not in _files(receipt):
            raise MediaMismatch(
                f"a file of {len(data)} bytes, {found}, is not in the receipt", facts={"found": found}
            )


def _check_payment(case: Case) -> None:
    # 8. Paid once, under a ledger key, what was agreed and what the observation says it cost.
    receipt, seen = case.read(), case.observation
    if seen is None:
        raise _Skip("no observation was given")
    paid = receipt.payment
    if not paid.transfer_key:
        raise PaymentMismatch("the receipt names no transfer", facts={"field": "transfer_key"})
    told = {"reward": (paid.reward, seen.reward), "terms.reward": (paid.reward, _agreed(receipt))}
    if case.bounty is not None:
        told["fee"] = (paid.fee, case.bounty.fee)
    for name, (logged, said) in told.items():
        if logged != said:
            raise PaymentMismatch(f"{name}: told {said}, logged {logged}", facts={"field": name})


STEPS: tuple[tuple[str, Callable[[Case], None]], ...] = (
    ("text", _check_text),
    ("checkpoint", _check_checkpoint),
    ("inclusion", _check_inclusion),
    ("consistency", _check_consistency),
    ("terms", _check_terms),
    ("observation", _check_observation),
    ("media", _check_media),
    ("payment", _check_payment),
)


def run_step(name: str, step: Callable[[Case], None], case: Case) -> Step:
    """One step's outcome: a raised ReceiptError is its finding, anything else is a fault of ours."""
    try:
        step(case)
    except _Skip as skipped:
        return Step(name, "skipped", why=str(skipped))
    except ReceiptError as error:
        return Step(name, "failed", error)
    return Step(name, "ok")


def open_bundle(bundle: ReceiptBundle, key: LogKey) -> Checkpoint:
    """The bundle's tree head, verified. Raises NotYetLogged or CheckpointInvalid."""
    if bundle.checkpoint is None:
        raise NotYetLogged("the receipt has no checkpoint yet")
    try:
        return open_checkpoint(bundle.checkpoint, key)
    except ValueError as error:
        raise CheckpointInvalid(str(error), facts={"log": key.name}) from error


def _agreed(receipt: Receipt) -> Decimal | None:
    """The reward in the terms; None when there is none that can be read."""
    try:
        return _Priced.model_validate(receipt.terms).reward
    except ValidationError:
        return None


def _files(receipt: Receipt) -> set[str]:
    return {receipt.original_sha256, *receipt.derivatives}


def _exactly(value: JsonValue) -> str:
    """A JSON value as text: in Python True == 1 == 1.0, in an answer they differ."""
    return json.dumps(value, sort_keys=True)


def _once(pairs: list[tuple[str, JsonValue]]) -> Mapping[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} stands twice")
        found[name] = value
    return found


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")
