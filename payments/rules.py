"""Money, pure: the chart of accounts, the fee, the moves an operation may make, their legs.

Balances are credit-positive. What we owe somebody (a balance, an escrow, an earning) is >= 0; what we
have (cash at a rail) and what we spend is <= 0; all balances together are 0.

| account | is | bound |
|---|---|---|
| `asset:<rail>` | cash at a rail | <= 0 |
| `asset:<rail>:pending` | cash at a rail that is not free yet | <= 0 |
| `asset:<rail>:available` | cash at a rail that is; a dispute may take it below nothing | any |
| `clearing:refund` | what is on its way back to a payer | >= 0 |
| `recv:agent:<account>` | what a buyer owes after a dispute | <= 0 |
| `exp:processor`, `exp:chargeback` | what providers and disputes cost the market | <= 0 |
| `suspense` | money at a provider that nothing of ours explains | any |
| `agent:<account>:available` | a buyer's prefunded balance | >= 0 |
| `escrow:<escrow>` | one escrow, one account: releases + refunds <= hold by constraint | >= 0 |
| `contrib:<account>:pending` | earned, inside its hold-back | >= 0 |
| `contrib:<account>:payable` | earned, free to be paid out | >= 0 |
| `contrib:<account>:in_payout` | on its way out through a rail | >= 0 |
| `rev:fee:bounty:<0..7>` | the market's fees, less premiums | >= 0 |
| `reserve:warranty:<0..7>` | premiums set aside for what turns out wrong later | >= 0 |
| `exp:appeals` | what won appeals cost the market | <= 0 |

Fees and premiums are each one account in eight parts, and an escrow always uses the same one: else every
release of the market would wait for the commit of the one before it.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from core import errors
from core.money import MAX_MICROS, Money

LOWEST = -(10**18)  # a debit account sums many credit ones, so it reaches further than one Money
REVENUE_FEE = "rev:fee:bounty"
EXPENSE_APPEALS = "exp:appeals"
EXPENSE_PROCESSOR = "exp:processor"
EXPENSE_CHARGEBACK = "exp:chargeback"
CLEARING_REFUND = "clearing:refund"
SUSPENSE = "suspense"
TWO_STAGE_RAILS = frozenset({"stripe"})  # what arrives there is pending first, and free some days later
RESERVE_WARRANTY = "reserve:warranty"
PARTS = 8

CENT = Money(10_000)
SMALLEST_MOVE = CENT  # no rail moves less
SMALLEST_TOP_UP = Money.parse("10")  # under it a card's fee eats too much of it
LARGEST_MOVE = Money(10**12)  # one million dollars in one operation
PAYOUT_MINIMUM = Money(25_000_000)  # what the house pays out by itself: under it a rail's fees eat too much
LEASE = timedelta(seconds=60)  # longer than any rail's own timeout
FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(hours=1)
WAKE_AGAIN = timedelta(seconds=5)  # a busy worker is not sent the same job at every sweep


class AccountClass(StrEnum):
    """What a ledger account is."""

    ASSET = "asset"
    LIABILITY = "liability"
    REVENUE = "revenue"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class AccountRule:
    """What the chart says about one account.

    Attributes:
        floor / ceiling: the balance's bounds in micros; the database CHECKs them.
        spendable: whether going under the floor is the owner's lack of funds (InsufficientFunds)
            rather than a broken guarantee of ours (BooksRefused).
    """

    kind: AccountClass
    floor: int
    ceiling: int
    spendable: bool = False


_OWED = AccountRule(AccountClass.LIABILITY, 0, MAX_MICROS)
_SPENDABLE = AccountRule(AccountClass.LIABILITY, 0, MAX_MICROS, spendable=True)
_CHART: tuple[tuple[re.Pattern[str], AccountRule], ...] = (
    (re.compile(r"asset:[a-z0-9_]{1,32}(:pending)?"), AccountRule(AccountClass.ASSET, LOWEST, 0)),
    (re.compile(r"asset:[a-z0-9_]{1,32}:available"), AccountRule(AccountClass.ASSET, LOWEST, MAX_MICROS)),
    (re.compile(re.escape(CLEARING_REFUND)), _OWED),
    (re.compile(r"recv:agent:acc_[0-9a-z]{26}"), AccountRule(AccountClass.ASSET, LOWEST, 0)),
    (re.compile(r"exp:(processor|chargeback)"), AccountRule(AccountClass.EXPENSE, LOWEST, 0)),
    (re.compile(re.escape(SUSPENSE)), AccountRule(AccountClass.LIABILITY, LOWEST, MAX_MICROS)),
    (re.compile(r"agent:acc_[0-9a-z]{26}:available"), _SPENDABLE),
    (re.compile(r"escrow:esc_[0-9a-z]{26}"), _OWED),
    (re.compile(r"contrib:acc_[0-9a-z]{26}:payable"), _SPENDABLE),
    (re.compile(r"contrib:acc_[0-9a-z]{26}:(pending|in_payout)"), _OWED),
    (re.compile(REVENUE_FEE + r":[0-7]"), AccountRule(AccountClass.REVENUE, 0, MAX_MICROS)),
    (re.compile(RESERVE_WARRANTY + r":[0-7]"), _OWED),
    (re.compile(re.escape(EXPENSE_APPEALS)), AccountRule(AccountClass.EXPENSE, LOWEST, 0)),
)


@lru_cache(maxsize=10_000)
def account_rule(name: str) -> AccountRule:
    """The chart's line for an account. Raises ValueError for a name the chart does not know."""
    for shape, rule in _CHART:
        if shape.fullmatch(name):
            return rule
    raise ValueError(f"{name!r} is in no chart of accounts")


def asset(rail: str) -> str:
    """Our cash at a rail."""
    return f"asset:{rail}"


def cash_in(rail: str) -> str:
    """Where money arrives at a rail."""
    return f"asset:{rail}:pending" if rail in TWO_STAGE_RAILS else asset(rail)


def cash_out(rail: str) -> str:
    """What money leaves a rail from."""
    return f"asset:{rail}:available" if rail in TWO_STAGE_RAILS else asset(rail)


def receivable(account: str) -> str:
    """What a buyer owes us: a dispute took back money it had spent."""
    return f"recv:agent:{account}"


def available(account: str) -> str:
    """A buyer's prefunded balance."""
    return f"agent:{account}:available"


def escrow(escrow_id: str) -> str:
    """The account of one escrow."""
    return f"escrow:{escrow_id}"


def fee_account(escrow_id: str) -> str:
    """Where the fees of one escrow go."""
    return f"{REVENUE_FEE}:{_part(escrow_id)}"


def reserve_account(escrow_id: str) -> str:
    """Where the premiums of one escrow go."""
    return f"{RESERVE_WARRANTY}:{_part(escrow_id)}"


def parts(name: str) -> list[str]:
    """The accounts that together are what the chart calls `name`: itself, or its eight parts."""
    return [f"{name}:{n}" for n in range(PARTS)] if name in (REVENUE_FEE, RESERVE_WARRANTY) else [name]


def _part(escrow_id: str) -> int:
    return zlib.crc32(escrow_id.encode()) % PARTS


def pending(account: str) -> str:
    """What a contributor earned that is still inside its hold-back."""
    return f"contrib:{account}:pending"


def payable(account: str) -> str:
    """What a contributor may have paid out."""
    return f"contrib:{account}:payable"


def in_payout(account: str) -> str:
    """What is on its way to a contributor."""
    return f"contrib:{account}:in_payout"


def fee(price: Money, basis_points: int) -> Money:
    """The market's fee on a price, rounded down to the micro (the remainder is never the fee's)."""
    return price.basis_points(basis_points)


def premium(price: Money, cut: Money, basis_points: int) -> Money:
    """The part of the fee `cut` that is set aside for warranties: rounded down, never more than the fee."""
    return min(cut, price.basis_points(basis_points))


def whole_cents(amount: Money) -> Money:
    """What of an amount one payout moves: whole cents, at most what one operation may."""
    cent = CENT.micros
    return min(Money(amount.micros // cent * cent), LARGEST_MOVE)


def iso_week(now: datetime) -> str:
    """The ISO 8601 week of an instant in UTC, such as "2026-W48"."""
    year, week, _ = now.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02d}"


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer of a posting: `amount` > 0 leaves `source` and reaches `target`."""

    source: str
    target: str
    amount: Money

    def __post_init__(self) -> None:
        if self.amount.micros <= 0:
            raise ValueError("a transfer moves more than nothing")
        if self.source == self.target:
            raise ValueError(f"a transfer needs two accounts, not {self.source} twice")
        account_rule(self.source)
        account_rule(self.target)


def request_hash(legs: Sequence[Leg]) -> str:
    """What tells a repeated posting from another one under the same key. Legs are ordered."""
    lines = (f"{leg.source} {leg.target} {leg.amount.micros}\n" for leg in legs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class SlotState(StrEnum):
    """Where one slot's money is. A slot leaves `held` once, one way; what was released may be clawed back."""

    HELD = "held"
    RELEASED = "released"
    REFUNDED = "refunded"
    CLAWED_BACK = "clawed_back"


class OperationKind(StrEnum):
    """What an operation moves across the border, and which way."""

    DEPOSIT = "deposit"  # a payer's money comes in
    REFUND = "refund"  # unspent deposits go back to their payer
    PAYOUT = "payout"  # a contributor's earnings leave our books
    BANK_PAYOUT = "bank_payout"  # and go on from its account at the provider to its bank
    REVERSAL = "reversal"  # a payout that found no bank comes back into our books


class Method(StrEnum):
    """How a deposit is paid."""

    CHECKOUT = "checkout"  # by a person, on the provider's page
    SAVED = "saved"  # with the means of payment kept from an earlier checkout


class OperationState(StrEnum):
    """Where an operation is. `sent`: the rail may or may not know of it; `unknown`: we asked in vain;
    `waiting`: the rail has it, and somebody outside must act first.

    None of them is failed, and none is sent again before a look-up.
    """

    NEW = "new"
    SENT = "sent"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"
    RETURNED = "returned"  # done, and days later sent back by a bank


_ENDS = frozenset({OperationState.DONE, OperationState.FAILED})
OPERATION_MOVES: Mapping[OperationState, frozenset[OperationState]] = {
    OperationState.NEW: frozenset({OperationState.SENT}),
    # Never back to `new`: an order that was sent once is looked up before it is sent again.
    OperationState.SENT: _ENDS | {OperationState.WAITING, OperationState.UNKNOWN},
    OperationState.UNKNOWN: _ENDS | {OperationState.WAITING},
    OperationState.WAITING: _ENDS | {OperationState.UNKNOWN},
    OperationState.DONE: frozenset({OperationState.RETURNED}),
    OperationState.FAILED: frozenset(),
    OperationState.RETURNED: frozenset(),
}
OPEN_STATES = frozenset(OPERATION_MOVES) - _ENDS - {OperationState.RETURNED}
LEAVING = frozenset({OperationKind.PAYOUT, OperationKind.BANK_PAYOUT})  # what a halt of payouts keeps
MAY_COME_BACK = frozenset({OperationKind.REFUND, OperationKind.BANK_PAYOUT})
REVERSE_AGAIN = timedelta(days=1)  # after a reversal that was refused: the payee's account may be short today
SENDS_BACK_WITHIN = timedelta(days=10)  # a bank, what was called done
LOOK_AGAIN = timedelta(minutes=10)  # at one that waits; a webhook is usually quicker


class DisputeState(StrEnum):
    """Where a dispute is. The payer's bank decides."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


DISPUTE_MOVES: Mapping[DisputeState, frozenset[DisputeState]] = {
    DisputeState.OPEN: frozenset({DisputeState.WON, DisputeState.LOST}),
    DisputeState.WON: frozenset(),
    DisputeState.LOST: frozenset(),
}


def check_amount(kind: OperationKind, rail: str, amount: Money) -> None:
    """Refuses an amount that an operation on this rail cannot move.

    Raises:
        BadInput: too little, too much, or a part of a cent where only cents move.
    """
    least = SMALLEST_TOP_UP if rail in TWO_STAGE_RAILS and kind is OperationKind.DEPOSIT else SMALLEST_MOVE
    if not least <= amount <= LARGEST_MOVE:
        raise errors.BadInput(
            f"a {kind.value} moves {least} to {LARGEST_MOVE} USD",
            smallest=str(least),
            largest=str(LARGEST_MOVE),
        )
    if rail in TWO_STAGE_RAILS and amount.micros % CENT.micros:
        raise errors.BadInput(
            "only whole cents move on this rail", hint="Round to cents; what is less stays in the balance."
        )


def retry_after(attempts: int) -> timedelta:
    """How long an operation rests after its n-th attempt (n >= 1): doubling, from 2 s to 1 h."""
    return min(LAST_RETRY, FIRST_RETRY * (1 << min(max(attempts, 1) - 1, 20)))


def ending_legs(
    kind: OperationKind, end: OperationState, rail: str, account: str, amount: Money
) -> list[Leg]:
    """What is posted when an operation ends. ValueError when it is no end."""
    if end not in _ENDS:
        raise ValueError(f"{end} is no end")
    done = end is OperationState.DONE
    if kind is OperationKind.DEPOSIT:
        return [Leg(cash_in(rail), available(account), amount)] if done else []
    if kind is OperationKind.REFUND:
        return [Leg(CLEARING_REFUND, cash_out(rail) if done else available(account), amount)]
    if kind is OperationKind.PAYOUT:
        return [Leg(in_payout(account), cash_out(rail) if done else payable(account), amount)]
    if kind is OperationKind.REVERSAL:
        return [Leg(cash_out(rail), payable(account), amount)] if done else []
    return []  # a bank payout moves money that has left our books
