"""Every error a caller can meet, as RFC 9457 problem JSON.

SpotcheckError
├── BadInput                400  the request cannot be understood or breaks a stated limit
│   ├── IdempotencyKeyMissing
│   └── BadSignature             a device's signature does not fit its key and message
├── Unauthenticated         401  no key, an unknown key, a revoked key
├── PaymentRefused          402
│   ├── InsufficientFunds        the account has less than the posting needs
│   └── SpendLimitReached        this key's own limit, not the balance, said no
├── Forbidden               403  the key lacks the scope, or may not do this
│   ├── ApprovalRequired         over the key's threshold: another key of the account must approve first
│   ├── SpendingStopped          this key, or all spending of its account, was stopped
│   ├── AccountFrozen            by a dispute or an operator: it may read, and what is under way settles
│   └── AccountClosed            its owner closed it for good
├── NotFound                404  nothing of yours by that name (another tenant's looks the same)
├── UploadTooSlow           408  an upload whose bytes did not come in time
├── Conflict                409
│   ├── IdempotencyConflict      same key, other body
│   ├── StateConflict            the thing is not in a state that allows this
│   ├── NothingLeft              no open slot is left to claim
│   └── BooksRefused             a ledger guarantee said no (never a money answer in disguise)
├── TooLarge                413
├── PolicyRefused           422  the ask is one this market does not publish
├── TooMany                 429  a rate limit; carries Retry-After
└── Unavailable             503  a dependency is away; retry with the same key
    └── PayoutsHalted            the books did not pass their audit; no payout leaves until they do

The class name is the wire `code`. The SDK has the same names; a test keeps them equal.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

Fact: TypeAlias = "str | int | float | bool | list[str] | None"


class SpotcheckError(Exception):
    """Base of all errors shown to a caller.

    Args:
        message: what happened, one sentence, no secret and no other tenant's fact in it.
        hint: what the caller can do about it.
        facts: small values a program can act on.
    """

    status: ClassVar[int] = 500
    hint: ClassVar[str] = "Retry; if it persists, report the request_id."

    def __init__(self, message: str, *, hint: str | None = None, **facts: Fact) -> None:
        super().__init__(message)
        self.message = message
        self.advice = hint or type(self).hint
        self.facts = facts

    @property
    def code(self) -> str:
        """The stable machine name: the class name."""
        return type(self).__name__

    def problem(self, request_id: str) -> dict[str, object]:
        """The RFC 9457 body (media type application/problem+json)."""
        return {
            "type": f"/docs/errors.md#{self.code.lower()}",
            "title": self.code,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "hint": self.advice,
            "docs_url": f"/docs/errors.md#{self.code.lower()}",
            "request_id": request_id,
            "facts": self.facts,
        }


class BadInput(SpotcheckError):
    """The request cannot be understood or breaks a stated limit."""

    status = 400
    hint = "Compare the request with the schema in /openapi.json."


class IdempotencyKeyMissing(BadInput):
    """A POST came without an Idempotency-Key header."""

    hint = "Send Idempotency-Key: one random value per logical call, the same on each retry."


class BadSignature(BadInput):
    """A device's signature does not fit its key and message."""

    hint = "Sign the exact bytes with the enrolled key; ES256 signatures are the 64-byte r||s form."


class Unauthenticated(SpotcheckError):
    """No key, an unknown key or a revoked key."""

    status = 401
    hint = "Send Authorization: Bearer <key>."


class PaymentRefused(SpotcheckError):
    """Money said no."""

    status = 402


class InsufficientFunds(PaymentRefused):
    """The account has less than the posting needs."""

    hint = "Deposit first (POST /v1/deposits), or post a smaller reward or fewer slots."


class SpendLimitReached(PaymentRefused):
    """The key's own spend limit refused, whatever the balance."""

    hint = "Raise the key's limit, wait for its window to pass, or use another key."


class Forbidden(SpotcheckError):
    """The key lacks the scope this call needs, or may not do this."""

    status = 403
    hint = "Use a key with the scope named in facts.scope."


class ApprovalRequired(Forbidden):
    """The post costs more than this key may spend unasked, and no fitting approval was named."""

    hint = (
        "POST /v1/approvals with the same body, wait until a key of your account without limits has approved "
        "it, then post once more and name the apr_ id as `approval`."
    )


class SpendingStopped(Forbidden):
    """This key, or all spending of its account, was stopped. Reading, cancelling and refunds go on."""

    hint = "A key of the account without limits, itself not stopped, starts it again."


class AccountFrozen(Forbidden):
    """This account is frozen: no posts, no money out, no new keys. What is under way settles."""

    hint = "Ask the market's operators; they lift it when the matter is settled."


class AccountClosed(Forbidden):
    """This account was closed by its owner, for good."""

    hint = "Open another account: POST /v1/accounts."


class NotFound(SpotcheckError):
    """Nothing of the caller's by that name."""

    status = 404
    hint = "Check the id; another account's things are not visible."


class UploadTooSlow(SpotcheckError):
    """An upload whose bytes did not come in time: too few on the whole, or none for too long."""

    status = 408
    hint = "Send it again whole, at facts.least_bytes_a_second at least and without longer pauses."


class Conflict(SpotcheckError):
    """The request is fine but collides with what is."""

    status = 409


class IdempotencyConflict(Conflict):
    """The same Idempotency-Key came with another body."""

    hint = "Use a new Idempotency-Key for a new request."


class StateConflict(Conflict):
    """The thing is not in a state that allows this."""

    hint = "Read the thing again; facts.status says where it is."


class NothingLeft(Conflict):
    """No open slot is left to claim."""

    hint = "Look for another bounty: GET /v1/bounties/near."


class BooksRefused(Conflict):
    """A guarantee of the ledger refused a posting."""

    hint = "Nothing was posted. Report the request_id."


class TooLarge(SpotcheckError):
    """A body over the stated limit."""

    status = 413
    hint = "Send at most facts.limit bytes."


class PolicyRefused(SpotcheckError):
    """The ask is one this market does not publish."""

    status = 422
    hint = "See docs/policy.md for what may be asked."


class TooMany(SpotcheckError):
    """A rate limit. `facts.retry_after` is seconds."""

    status = 429
    hint = "Wait facts.retry_after seconds, then retry with the same Idempotency-Key."


class Unavailable(SpotcheckError):
    """A dependency is away for now."""

    status = 503
    hint = "Retry with the same Idempotency-Key."


class PayoutsHalted(Unavailable):
    """The books did not pass their audit: payouts wait until they are repaired. `facts.since`: since when."""

    hint = "Nothing was ordered and nothing is lost. Retry later with the same Idempotency-Key."
