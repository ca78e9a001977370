"""Stripe's test cards, by the payment-method tokens that stand for them, and what each of them does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.fakes.stripe.errors import Wire


class Behaviour(Enum):
    """What happens when a card is charged."""

    PAYS = "pays"
    DECLINES = "declines"
    ASKS = "asks its holder"
    DISPUTES = "pays and is disputed"
    AVAILABLE = "pays into the available balance at once"
    REFUND_FAILS = "pays, and a refund fails later"


@dataclass(frozen=True)
class Card:
    """A test card.

    Args:
        decline: the decline code, where it declines; `attaches` is false where Stripe refuses to save it.
    """

    last4: str
    behaviour: Behaviour = Behaviour.PAYS
    brand: str = "visa"
    decline: str = "generic_decline"
    attaches: bool = True

    def wire(self) -> Wire:
        """The fields a payment method and a charge both show."""
        return {
            "brand": self.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": f"fp{self.last4}",
            "funding": "credit",
            "last4": self.last4,
            "wallet": None,
        }


_DECLINED = Card("0002", Behaviour.DECLINES, attaches=False)
_NO_FUNDS = Card("9995", Behaviour.DECLINES, decline="insufficient_funds", attaches=False)

CARDS = {
    "pm_card_visa": Card("4242"),
    "pm_card_mastercard": Card("4444", brand="mastercard"),
    "pm_card_chargeDeclined": _DECLINED,
    "pm_card_visa_chargeDeclined": _DECLINED,
    "pm_card_chargeDeclinedInsufficientFunds": _NO_FUNDS,
    "pm_card_visa_chargeDeclinedInsufficientFunds": _NO_FUNDS,
    "pm_card_chargeCustomerFail": Card("0341", Behaviour.DECLINES),
    "pm_card_authenticationRequired": Card("3184", Behaviour.ASKS),
    "pm_card_createDispute": Card("0259", Behaviour.DISPUTES),
    "pm_card_bypassPending": Card("0077", Behaviour.AVAILABLE),
    "pm_card_refundFail": Card("5126", Behaviour.REFUND_FAILS),
}
