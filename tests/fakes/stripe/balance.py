"""What an account's balance is, and the transactions it is the sum of."""

from __future__ import annotations

from tests.fakes.stripe.errors import Wire, invalid
from tests.fakes.stripe.routes import Call, route


@route("GET", "/v1/balance", "BalanceRetrieveParams")
def retrieve_balance(call: Call) -> Wire:
    return call.world.settled(call.tenant).wire(call.tenant.currency)


@route("GET", "/v1/balance_transactions/:id", "BalanceTransactionRetrieveParams")
def retrieve_transaction(call: Call) -> Wire:
    call.world.settled(call.tenant)
    return call.tenant.transactions.need(call.ids[0], "id", status=404).wire()


FILTERS = "created currency source type payout"


@route("GET", "/v1/balance_transactions", "BalanceTransactionListParams", supports=FILTERS)
def list_transactions(call: Call) -> Wire:
    if "payout" in call.arguments:
        message = "Balance transaction history can only be filtered on automatic transfers, not manual."
        raise invalid(message, param="payout")
    call.world.settled(call.tenant)
    return call.list(call.tenant.transactions)
