"""What Stripe's objects mean to us: each as the Answer of a rail. No calls are made here."""

from __future__ import annotations

from typing import Any

import stripe

from core.money import Money
from payments.rails import Answer, Fee, Outcome
from payments.rules import CENT


def session_answer(session: Any, intent: Any = None) -> Answer:
    """A Checkout Session, with its PaymentIntent once there is one."""
    if intent is not None and intent.status == "succeeded":
        return deposit_done(intent)
    if intent is not None and session.status == "complete" and intent.status == "requires_payment_method":
        # By a means of payment that answers days later (a bank debit), and it said no. The session is over:
        # unlike one that is open, nobody can try another card there.
        return Answer(Outcome.FAILED, reference=session.id, reason="declined")
    if session.status == "expired":
        return Answer(Outcome.FAILED, reference=session.id, reason="checkout_expired")
    return Answer(Outcome.WAITING, reference=session.id, url=session.url)


def deposit_done(intent: Any) -> Answer:
    """A PaymentIntent. From `succeeded` on its id is the deposit's reference: refunds name it."""
    if intent.status == "succeeded":
        return Answer(Outcome.DONE, reference=intent.id, fee=_fee(intent.latest_charge))
    if intent.status == "processing":
        return Answer(Outcome.WAITING, reference=intent.id)
    if intent.status == "requires_action":
        return Answer(Outcome.FAILED, reference=intent.id, reason="authentication_required")
    if intent.status in ("requires_payment_method", "canceled"):
        return Answer(Outcome.FAILED, reference=intent.id, reason="declined")
    return Answer(Outcome.UNKNOWN, reference=intent.id, reason=str(intent.status)[:60])


def intent_of(error: stripe.CardError) -> Any:
    """The PaymentIntent that a card's refusal left behind; None where it names none."""
    found: Any = getattr(error.error, "payment_intent", None)
    return found if found is not None and not isinstance(found, str) else None


def refunded(refund: Any) -> Answer:
    """A Refund: pending may take days, and may fail even after it succeeded (then a `failed` event comes)."""
    if refund.status == "succeeded":
        return Answer(Outcome.DONE, reference=refund.id)
    if refund.status in ("failed", "canceled"):
        return Answer(Outcome.FAILED, reference=refund.id, reason="refund_failed")
    return Answer(Outcome.WAITING, reference=refund.id)


def sent_on(payout: Any) -> Answer:
    """A connected account's Payout to its bank."""
    if payout.status == "paid":
        return Answer(Outcome.DONE, reference=payout.id)
    if payout.status in ("failed", "canceled"):
        code = getattr(payout, "failure_code", None) or "bank_refused"
        return Answer(Outcome.FAILED, reference=payout.id, reason=str(code)[:60])
    return Answer(Outcome.WAITING, reference=payout.id)


def dollars(cents: int) -> Money:
    """Stripe's cents, zero or more, as money."""
    return CENT.times(cents)


def _fee(charge: Any) -> Fee | None:
    """What Stripe took, where the charge came with its balance transaction."""
    movement = getattr(charge, "balance_transaction", None)
    if movement is None or isinstance(movement, str):
        return None
    return Fee(movement.id, dollars(movement.fee))
