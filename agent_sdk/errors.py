"""Every error this package raises, typed: the server's tree by name, and what only a client can meet.

SpotcheckError                       base: message, code, hint, docs_url, request_id, facts, status
├── BadInput                400      the request cannot be understood or breaks a stated limit
│   ├── IdempotencyKeyMissing
│   └── BadSignature
├── Unauthenticated         401      no key, an unknown key, a revoked key
├── PaymentRefused          402
│   ├── InsufficientFunds            the account has less than the posting needs
│   └── SpendLimitReached            the key's own limit, not the balance, said no
├── Forbidden               403      the key lacks the scope, or may not do this
│   ├── ApprovalRequired             over the key's threshold: `approvals.ask` first
│   ├── SpendingStopped              this key, or all spending of its account, was stopped
│   ├── AccountFrozen                by a dispute, or by an operator
│   └── AccountClosed                its owner closed it
├── NotFound                404
├── UploadTooSlow           408      an upload whose bytes did not come in time
├── Conflict                409
│   ├── IdempotencyConflict          same key, other body
│   ├── StateConflict                the thing is not in a state that allows this
│   ├── NothingLeft                  no open slot is left to claim
│   └── BooksRefused                 a ledger guarantee said no
├── TooLarge                413
├── PolicyRefused           422      the ask is one this market does not publish
├── TooMany                 429      facts["retry_after"] is seconds
├── Unavailable             503      a dependency is away
│   └── PayoutsHalted                the market's books are being checked: no payout leaves until then
│
│   from here on: only in this package, `status` is None
├── ConnectionFailed                 no reply came (after the retries)
│   └── TimedOut                     it did not come in time
├── UnreadableReply                  a reply came that is not of the documented shape
├── KeyNotShown                      a new key's secret was in a reply that was lost
├── JournalBroken                    a loop's journal was altered, or its chain does not hold
└── ReceiptError                     a receipt does not prove what it should
    ├── ReceiptMalformed             the receipt text is not a version 1 receipt
    ├── NotYetLogged                 no leaf index, checkpoint or proof yet: ask again in a second
    ├── LogKeyMissing                no pinned log key to check against
    ├── CheckpointInvalid            not a checkpoint signed by the pinned key
    ├── InclusionInvalid             the receipt is not in the tree the checkpoint signs
    ├── SplitView                    the log shows a history that is not the one seen before
    ├── TermsMismatch                the terms are not those hashed, or not those posted
    ├── ObservationMismatch          the observation says other things than its receipt
    ├── MediaMismatch                delivered bytes are not the ones the receipt names
    └── PaymentMismatch              the receipt's payment is not the observation's

The first part has the server's names; a test keeps the two trees equal. Example:

    try:
        client.bounties.post(
            "Is the shop open?", lat=52.37, lon=4.9, answer_schema={"type": "boolean"}, reward="0.50"
        )
    except InsufficientFunds as refusal:
        print(refusal.code, refusal.hint, refusal.request_id, refusal.facts)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from pydantic import JsonValue

Facts: TypeAlias = Mapping[str, JsonValue]


class SpotcheckError(Exception):
    """Base of every error of this package.

    Attributes:
        message: what happened, one sentence.
        code: the stable machine name; the server's own word, even when this package is too old to know it.
        hint: what the caller can do about it.
        docs_url: where it is explained, or None.
        request_id: what to quote to support, or None when no reply came.
        facts: small values a program can act on.
        status: the HTTP status, or None when the error was found on this side.
    """

    default_status: ClassVar[int | None] = 500
    default_hint: ClassVar[str] = "Retry; if it persists, report the request_id."

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        docs_url: str | None = None,
        request_id: str | None = None,
        facts: Facts | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__
        self.hint = hint or type(self).default_hint
        self.docs_url = docs_url
        self.request_id = request_id
        self.facts: Facts = dict(facts or {})
        self.status = status

    def __str__(self) -> str:
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.message} ({self.hint}){request}"


class BadInput(SpotcheckError):
    """The request cannot be understood or breaks a limit; `status` is None when found before sending."""

    default_status = 400
    default_hint = "Compare the request with the schema in /openapi.json."


class IdempotencyKeyMissing(BadInput):
    """A POST came without an Idempotency-Key header."""


class BadSignature(BadInput):
    """A device's signature does not fit its key and message."""


class Unauthenticated(SpotcheckError):
    """No key, an unknown key or a revoked key."""

    default_status = 401
    default_hint = "Pass api_key=, or set SPOTCHECK_API_KEY."


class PaymentRefused(SpotcheckError):
    """Money said no."""

    default_status = 402


class InsufficientFunds(PaymentRefused):
    """The account has less than the posting needs."""


class SpendLimitReached(PaymentRefused):
    """The key's own spend limit refused, whatever the balance."""


class Forbidden(SpotcheckError):
    """The key lacks the scope this call needs, or may not do this."""

    default_status = 403


class ApprovalRequired(Forbidden):
    """The post costs more than this key may spend unasked: `client.approvals.ask`, then `post_approved`."""


class SpendingStopped(Forbidden):
    """This key, or all spending of its account, was stopped; reading, cancelling and refunds go on."""


class AccountFrozen(Forbidden):
    """This account is frozen: no posts, no money out, no new keys; what is under way settles."""


class AccountClosed(Forbidden):
    """This account was closed by its owner, for good."""


class NotFound(SpotcheckError):
    """Nothing of the caller's by that name."""

    default_status = 404


class UploadTooSlow(SpotcheckError):
    """An upload whose bytes did not come in time, also after the retries: none of it is kept."""

    default_status = 408


class Conflict(SpotcheckError):
    """The request is fine but collides with what is."""

    default_status = 409


class IdempotencyConflict(Conflict):
    """The same Idempotency-Key came with another body."""


class StateConflict(Conflict):
    """The thing is not in a state that allows this."""


class NothingLeft(Conflict):
    """No open slot is left to claim."""


class BooksRefused(Conflict):
    """A guarantee of the ledger refused a posting."""


class TooLarge(SpotcheckError):
    """A body over the stated limit."""

    default_status = 413


class PolicyRefused(SpotcheckError):
    """The ask is one this market does not publish."""

    default_status = 422


class TooMany(SpotcheckError):
    """A rate limit that outlasted the retries; `facts["retry_after"]` is seconds."""

    default_status = 429


class Unavailable(SpotcheckError):
    """A dependency of the server is away for now."""

    default_status = 503


class PayoutsHalted(Unavailable):
    """The market's books did not pass their audit: payouts wait. `facts["since"]` says since when."""


class ConnectionFailed(SpotcheckError):
    """No reply came. Whether the server acted is unknown: repeat with the same idempotency key."""

    default_status = None
    default_hint = "Check base_url and the network; repeat with the same idempotency_key."


class TimedOut(ConnectionFailed):
    """No reply came in time. Whether the server acted is unknown: repeat with the same idempotency key."""

    default_hint = "Raise timeout=, or repeat with the same idempotency_key."


class UnreadableReply(SpotcheckError):
    """A reply came that is not of the documented shape."""

    default_status = None
    default_hint = "Check that base_url is a Spotcheck server; a newer one may need a newer spotcheck-sdk."


class KeyNotShown(SpotcheckError):
    """A new key's secret was in a reply that was lost: it is shown once, and a repeated call goes without."""

    default_status = None
    default_hint = "Make another key under a new idempotency_key."


class JournalBroken(SpotcheckError):
    """A loop's journal was altered, cut in the middle, or belongs to another question."""

    default_status = None
    default_hint = "Keep the file as it is; start under another loop id."


class ReceiptError(SpotcheckError):
    """A receipt does not prove what it should. Do not use the observation as verified."""

    default_status = None
    default_hint = "Do not rely on this observation; keep the receipt and report it."


class ReceiptMalformed(ReceiptError):
    """The receipt text is not a version 1 receipt."""


class NotYetLogged(ReceiptError):
    """The receipt has no leaf index, checkpoint or inclusion proof yet."""

    default_hint = "The log signs about once a second: ask again."


class LogKeyMissing(ReceiptError):
    """No log key is pinned, and one that the server names itself proves nothing."""

    default_hint = (
        "Pass log_key= or set SPOTCHECK_LOG_KEY to the log's published vkey line, "
        "or accept the first key seen with pin_on_first_use=True."
    )


class CheckpointInvalid(ReceiptError):
    """Not a checkpoint signed by the pinned log key."""


class InclusionInvalid(ReceiptError):
    """The receipt is not in the tree that the checkpoint signs."""


class SplitView(ReceiptError):
    """The log shows a history that is not an extension, or not a prefix, of the one seen before.

    `facts["seen"]` and `facts["shown"]` are the two signed checkpoints: together they are the evidence.
    """


class TermsMismatch(ReceiptError):
    """The receipt's terms are not those its hash binds, or not those the bounty was posted with."""


class ObservationMismatch(ReceiptError):
    """The observation says other things than its receipt; `facts["field"]` names the first."""


class MediaMismatch(ReceiptError):
    """Delivered bytes are not the ones the receipt, or the address, names."""


class PaymentMismatch(ReceiptError):
    """The receipt's payment is not the one the observation states."""


def _tree(root: type[SpotcheckError]) -> dict[str, type[SpotcheckError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


_BY_CODE = {name: kind for name, kind in _tree(SpotcheckError).items() if kind.default_status is not None}
_BY_STATUS: dict[int, type[SpotcheckError]] = {
    kind.default_status: kind for kind in SpotcheckError.__subclasses__() if kind.default_status is not None
}


def error_for(code: str | None, status: int) -> type[SpotcheckError]:
    """The class of a refusal: by its code, else (a code newer than this package) by its status."""
    return _BY_CODE.get(code or "") or _BY_STATUS.get(status) or SpotcheckError
