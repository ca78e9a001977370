"""What must hold at every moment between two steps, and what besides when nothing is due any more.

Three judges: the audit's own queries; each account's balance against the tables that should explain it; and
every operation against what the fake Stripe really did, read from its memory. None of them shares code with
what writes the books.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from bench.simulation.house import House
from payments import audit
from tests.fakes.stripe.world import Tenant

CENT = 10_000
# Two reconciliations in a row that money overtook on its way: the end tells whether they were right.
PASSING = {"I10b providers"}
OPEN = {"new", "sent", "waiting", "unknown"}


class Op(NamedTuple):
    """An operation's row."""

    id: str
    kind: str
    account: str
    amount: int
    method: str | None
    parent: str | None
    undone: int
    status: str
    created_at: str
    ended_at: str | None


def operations(house: House) -> list[Op]:
    """All of them."""
    return [Op(*row) for row in house.rows(f"SELECT {', '.join(Op._fields)} FROM provider_operations")]  # noqa: S608


def at_any_moment(house: House, counts: Counter[str]) -> list[str]:
    """What does not hold now."""
    ops = operations(house)
    figures = audit.books(house.database, now=house.scheduler.now)
    found = [
        f"{one.name}: {one.says}: {one.figure}" for one in figures if one.stops and one.name not in PASSING
    ]
    counts["audit figures"] += len(figures)
    house.happened["reconciliation off for a moment"] += any(
        one.stops and one.name in PASSING for one in figures
    )
    found += _balances(house, ops, counts)
    found += _against_stripe(house, ops, counts)
    found += _refunds(ops, counts)
    if house.stripe.world.total("usd") or house.stripe.world.in_flight("usd"):
        found.append("the fake made money from nothing")
    return found


def _balances(house: House, ops: list[Op], counts: Counter[str]) -> list[str]:
    """Every balance of a person, and the market's own, beside what explains it."""
    expected: Counter[str] = Counter()
    for op in ops:
        _of_operation(op, expected)
    for account, put_in in house.rows("SELECT account, amount - refunded FROM escrow_payers"):
        expected[f"agent:{account}:available"] -= put_in
    for account, amount, taken, fee, status in house.rows(
        "SELECT account, amount, taken, fee, status FROM disputes"
    ):
        _of_dispute(account, amount, taken, fee, status, expected)
    released = (
        "SELECT k.contributor, s.price, s.fee, s.premium FROM escrow_slots k "
        "JOIN escrows s ON s.id = k.escrow WHERE k.state = 'released'"
    )
    for contributor, price, fee, premium in house.rows(released):
        expected[f"contrib:{contributor}"] += price
        expected["rev:fee:bounty"] += fee - premium
        expected["reserve:warranty"] += premium
    appeals = "SELECT key FROM ledger_postings WHERE key LIKE 'appeal:%' OR key LIKE 'clawback:appeal:%'"
    for (key,) in house.rows(appeals):
        contributor, amount = house.appeals[key.rsplit("appeal:", 1)[1]]
        paid = -amount.micros if key.startswith("clawback:") else amount.micros
        expected[f"contrib:{contributor}"] += paid
        expected["exp:appeals"] -= paid
    actual: Counter[str] = Counter()
    for name, balance in house.rows("SELECT id, balance FROM ledger_accounts"):
        if name.startswith(("asset:", "escrow:", "suspense", "exp:processor")):
            continue  # of Stripe's cash the end tells; the audit knows escrows
        # All a contributor has, wherever it is on its way.
        # And a fee is one account, in however many parts.
        whole = name.startswith(("contrib:", "rev:fee:", "reserve:"))
        actual[name.rsplit(":", 1)[0] if whole else name] += balance
        if name.endswith(":in_payout"):
            actual[name] = balance
    counts["balances explained"] += len(actual)
    names = sorted(set(actual) | set(expected))
    return [
        f"{name} is {actual[name]}, and what happened makes it {expected[name]}"
        for name in names
        if actual[name] != expected[name]
    ]


def _of_operation(op: Op, expected: Counter[str]) -> None:
    """What an operation in its present state does to balances."""
    available, contributor = f"agent:{op.account}:available", f"contrib:{op.account}"
    if op.kind == "deposit" and op.status == "done":
        expected[available] += op.amount
    elif op.kind == "refund":
        if op.status in OPEN:
            expected["clearing:refund"] += op.amount
        if op.status in OPEN or op.status == "done":
            expected[available] -= op.amount
    elif op.kind == "payout" and op.status == "done":
        expected[contributor] -= op.amount
    elif op.kind == "payout" and op.status in OPEN:
        expected[f"{contributor}:in_payout"] += op.amount
    elif op.kind == "reversal" and op.status == "done":
        expected[contributor] += op.amount


def _of_dispute(account: str, amount: int, taken: int, fee: int, status: str, expected: Counter[str]) -> None:
    owed = amount - taken
    expected["exp:chargeback"] -= fee
    if status != "won":
        expected[f"agent:{account}:available"] -= taken
    if status == "open":
        expected[f"recv:agent:{account}"] -= owed
    if status == "lost":
        expected["exp:chargeback"] -= owed


def _refunds(ops: list[Op], counts: Counter[str]) -> list[str]:
    """Of each deposit no more goes back than came, and nothing before it came."""
    found, undone = [], Counter[str]()
    by_id = {op.id: op for op in ops}
    for op in ops:
        if op.kind != "refund" or op.parent is None:
            continue
        deposit = by_id[op.parent]
        counts["refunds beside their deposits"] += 1
        if op.status in OPEN or op.status == "done":
            undone[deposit.id] += op.amount
        if deposit.status != "done" or deposit.ended_at is None or deposit.ended_at > op.created_at:
            found.append(f"{op.id} refunds {deposit.id}, which was {deposit.status} then")
    wrong = [op.id for op in ops if op.kind == "deposit" and op.undone != undone[op.id]]
    return found + [f"what went back of {name} is not what it says" for name in wrong]


class Effect(NamedTuple):
    """One thing at Stripe that was made for an operation: the cents it moved, and whether that holds."""

    cents: int
    holds: bool


def effects(house: House) -> dict[tuple[str, str], list[Effect]]:
    """Everything at Stripe that was made for operations, by operation and kind."""
    found: dict[tuple[str, str], list[Effect]] = defaultdict(list)

    def add(kind: str, metadata: dict[str, str], cents: int, holds: bool) -> None:
        if "operation" in metadata:
            found[metadata["operation"], kind].append(Effect(cents, holds))

    platform = house.stripe.world.platform
    paid = {one.id for one in platform.intents if one.status == "succeeded"}
    sessions = {one.payment_intent for one in platform.sessions}
    for session in platform.sessions:
        add("checkout", session.metadata, session.total, session.payment_intent in paid)
    for intent in platform.intents:
        if intent.id not in sessions:
            add("saved", intent.metadata, intent.amount, intent.id in paid)
    for refund in platform.refunds:
        add("refund", refund.metadata, refund.amount, refund.status == "succeeded")
    for transfer in platform.transfers:
        add("payout", transfer.metadata, transfer.amount, holds=True)
    for reversal in platform.reversals:
        add("reversal", reversal.metadata, reversal.amount, holds=True)
    for tenant in house.stripe.world.tenants.values():
        for payout in tenant.payouts:
            add("bank_payout", payout.metadata, payout.amount, payout.status not in {"failed", "canceled"})
    return found


def _against_stripe(house: House, ops: list[Op], counts: Counter[str]) -> list[str]:
    """Each operation has one effect at Stripe, or none, and it is the one its state claims."""
    found, there = [], effects(house)
    for op in ops:
        made = there.pop((op.id, op.method or op.kind), [])
        counts["operations beside Stripe"] += 1
        if len(made) > 1:
            found.append(f"{op.id} ({op.kind}) has {len(made)} effects at Stripe")
        moved = sum(one.cents for one in made if one.holds) * CENT
        may_turn = op.kind in {"refund", "bank_payout"}  # a bank sends it back, and we do not know yet
        if op.status == "done" and (not made or (moved != op.amount and not may_turn)):
            found.append(f"{op.id} ({op.kind}) is done, and Stripe moved {moved} of {op.amount}")
        if op.status in {"failed", "returned"} and moved:
            found.append(f"{op.id} ({op.kind}) is {op.status}, and Stripe moved {moved}")
    return found + [f"Stripe did something for {name} ({kind}) that nobody ordered" for name, kind in there]


def at_the_end(house: House, counts: Counter[str]) -> list[str]:
    """What does not hold when nothing is due, besides what must at any moment."""
    ops = operations(house)
    found = [
        f"{op.id} ({op.kind}) is {op.status} at the end" for op in ops if op.status in OPEN - {"waiting"}
    ]
    found += _waiting(house, ops)
    waits = house.rows("SELECT event, kind, attempts FROM inbox_events WHERE handled_at IS NULL")
    found += [f"{event} ({kind}) is not handled after {tries} tries" for event, kind, tries in waits]
    found += [
        f"{one.name}: {one.figure}"
        for one in audit.books(house.database, now=house.scheduler.now)
        if one.stops or (one.name == "I12 stuck" and not one.holds)
    ]
    found += _reconciled(house)
    counts["ends of lives"] += 1
    return found + _cash(house, ops)


def _waiting(house: House, ops: list[Op]) -> list[str]:
    """Whatever waits, waits for somebody outside; what they have decided is in the books."""
    found = []
    there = effects(house)
    for op in ops:
        made = there.get((op.id, op.method or op.kind), [])
        if op.status == "waiting" and op.kind != "bank_payout":
            found.append(f"{op.id} ({op.kind}) waits, and nobody outside has to act")
        if op.status == "done" and not any(one.holds for one in made):
            found.append(f"{op.id} ({op.kind}) is done, and a bank sent it back")
    states = {one.id: one.status for one in house.stripe.world.platform.disputes}
    for name, status in house.rows("SELECT id, status FROM disputes"):
        if (status == "open") != (states[name] == "needs_response"):
            found.append(f"{name} is {status}, and at Stripe {states[name]}")
    return found


def _reconciled(house: House) -> list[str]:
    """The last reconciliation: nothing left over, nothing in flight, nothing unexplained."""
    difference, in_flight = house.rows(
        "SELECT difference, in_flight FROM reconciliations ORDER BY at DESC, id DESC LIMIT 1"
    )[0]
    unexplained = house.rows("SELECT id, kind FROM provider_transactions WHERE explained_by IS NULL")
    found = [f"{name} ({kind}) is explained by nothing" for name, kind in unexplained]
    if difference or in_flight:
        found.append(f"reconciliation: difference {difference}, in flight {in_flight}")
    return found


def _cash(house: House, ops: list[Op]) -> list[str]:
    """Paid in, less what went back and out, is what Stripe holds; the rest of the books say the same."""
    sums: Counter[str] = Counter()
    for op in ops:
        if op.status == "done":
            sums[op.kind] += op.amount
    platform = house.stripe.world.platform
    strays, fees, dispute_fees, disputed = 0, 0, 0, 0
    for one in platform.transactions:
        ours, about_dispute = _of_ours(platform, one.source)
        strays += 0 if ours else one.amount
        disputed += one.amount if ours and about_dispute else 0
        dispute_fees += one.fee if ours and about_dispute else 0
        fees += one.fee if not (ours and about_dispute) else 0
    wallet = house.stripe.world.settled(platform)
    holds = (wallet.available["usd"] + wallet.pending["usd"]) * CENT
    moved = sums["deposit"] - sums["refund"] - sums["payout"] + sums["reversal"]
    due = moved + (disputed - dispute_fees - fees + strays) * CENT
    facts = [
        ("what Stripe holds", holds, due),
        ("our cash", -house.balance("asset:stripe:pending") - house.balance("asset:stripe:available"), holds),
        ("suspense", house.balance("suspense"), strays * CENT),
        ("fees", -house.balance("exp:processor"), fees * CENT),
        ("money that is not free", -house.balance("asset:stripe:pending"), wallet.pending["usd"] * CENT),
    ]
    return [
        f"{name}: {is_now}, and it should be {should}" for name, is_now, should in facts if is_now != should
    ]


def _of_ours(platform: Tenant, source: str) -> tuple[bool, bool]:
    """Whether a movement at Stripe was made by an operation of ours, or of one's dispute."""
    shelf = platform.shelf_of(source)
    thing: Any = shelf.get(source) if shelf is not None else None
    is_dispute = source.startswith("du_")
    if is_dispute:
        thing = platform.charges.get(thing.charge)
    return thing is not None and "operation" in thing.metadata, is_dispute
