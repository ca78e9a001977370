"""A fake Stripe: the calls the market makes, by Stripe's documented rules, through the official SDK.

It keeps what it promises or refuses: what Stripe knows and the fake does not is answered with a 501.
"""

from tests.fakes.stripe.errors import Misuse
from tests.fakes.stripe.fake import FakeStripe
from tests.fakes.stripe.faults import Fault, Faults, Fired
from tests.fakes.stripe.webhooks import Delivery, signature

__all__ = ["Delivery", "FakeStripe", "Fault", "Faults", "Fired", "Misuse", "signature"]
