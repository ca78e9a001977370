"""What buyers, contributors and bounties ask of money. Each action is a request: it may be refused or die."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from bench.simulation.house import House
from core.accounts import service as accounts
from core.money import Money
from payments import escrow, refunds, rules, service, topups
from payments.rules import Method

Action: TypeAlias = tuple[str, Callable[[], object]] | None
"""What is to be done: its name for the record, and the work. None where there is nothing to do."""

CENT = rules.CENT.micros


def deposit(house: House) -> Action:
    """A deposit by checkout or with a saved card."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    account, method = rng.choice(house.buyers), rng.choice([Method.CHECKOUT, Method.CHECKOUT, Method.SAVED])
    amount = Money(rng.randrange(1_000, 40_000) * CENT)
    return f"deposit {amount} by {method}", lambda: house.do(
        lambda session: service.request_deposit(
            session, account, amount, rail="stripe", method=method, now=now()
        )
    )


def refund(house: House) -> Action:
    """A refund of any deposit: of one that is not done, of more than is left, of somebody else's too."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    found = house.pick(
        "SELECT id, account, amount FROM provider_operations WHERE kind = 'deposit' ORDER BY id"
    )
    if found is None:
        return None
    deposit_id, owner, whole = found
    account = owner if not house.scheduler.chance(0.05) else rng.choice(house.buyers)
    part = rng.choice([1, 1, 2, 3])
    amount = Money(max(CENT, whole // part // CENT * CENT))
    return f"refund {amount} of {deposit_id}", lambda: house.do(
        lambda session: refunds.request_refund(session, account, deposit_id, amount, now=now())
    )


def top_up_rule(house: House) -> Action:
    """Sets or ends an automatic top-up."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    account = rng.choice(house.buyers)
    if house.scheduler.chance(0.2):
        return "end of a top-up rule", lambda: house.do(lambda session: topups.end_rule(session, account))
    amount = Money(rng.randrange(1_000, 5_000) * CENT)
    below, cap = Money(rng.randrange(1, 50_000_000)), amount.times(rng.randrange(1, 4))
    return f"top-up rule {amount} below {below}", lambda: house.do(
        lambda session: topups.set_rule(
            session, account, rail="stripe", below=below, amount=amount, daily_cap=cap, now=now()
        )
    )


def bounty(house: House) -> Action:
    """Money is held for 1 to 4 slots, by 1 to 3 payers, at an odd price; now and then asked for twice."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    payers = rng.sample(house.buyers, rng.randrange(1, 4))
    slots, price = rng.randrange(1, 5), Money(rng.randrange(1, rng.choice([5_000_000, 40_000_000])))
    fee = rules.fee(price, rng.choice([0, 250, 333, 1_000]))
    premium = Money(fee.micros // rng.choice([3, 10]))
    total = (price.micros + fee.micros) * slots
    if total < len(payers):
        return None
    cuts = sorted(rng.sample(range(1, total), len(payers) - 1)) if total > len(payers) else []
    edges = [0, *cuts, total]
    shares = [(who, Money(end - begin)) for who, begin, end in zip(payers, edges, edges[1:], strict=False)]
    house.subjects += 1
    subject = f"bounty {house.subjects}"

    def hold() -> None:
        for _ in range(2 if house.scheduler.chance(0.1) else 1):
            house.do(
                lambda session: escrow.hold(
                    session,
                    subject=subject,
                    payers=shares,
                    price=price,
                    fee=fee,
                    premium=premium,
                    slots=slots,
                    now=now(),
                )
            )

    return f"bounty of {slots} at {price} + {fee}", hold


def release(house: House) -> Action:
    """A slot pays its contributor, now or after a hold-back; any slot, so that some are asked twice."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    state = "held" if house.scheduler.chance(0.9) else rng.choice(["released", "refunded"])
    found = house.pick("SELECT escrow, slot FROM escrow_slots WHERE state = ? ORDER BY escrow, slot", state)
    if found is None:
        return None
    escrow_id, slot = found
    contributor = rng.choice(house.contributors)
    hold_back = rng.choice([None, timedelta(minutes=10), timedelta(hours=30), timedelta(days=7)])
    return f"release of {escrow_id}:{slot} after {hold_back}", lambda: house.do(
        lambda session: escrow.release(
            session,
            escrow_id,
            slot,
            contributor,
            hold_back_until=now() + hold_back if hold_back else None,
            now=now(),
        )
    )


def give_back(house: House) -> Action:
    """Some or all slots of an escrow go back to the payers."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    found = house.pick("SELECT escrow FROM escrow_slots WHERE state = 'held' GROUP BY escrow ORDER BY escrow")
    if found is None:
        return None
    held = house.rows("SELECT slot FROM escrow_slots WHERE escrow = ? AND state = 'held'", found[0])
    slots = sorted(rng.sample([slot for (slot,) in held], rng.randrange(1, len(held) + 1)))
    return f"refund of {found[0]}:{slots}", lambda: house.do(
        lambda session: escrow.refund(session, found[0], slots, now=now())
    )


def claw_back(house: House) -> Action:
    """What was paid turns out wrong: it is taken back while it is held back, and refused after that."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    if house.appeals and house.scheduler.chance(0.2):
        subject = rng.choice(sorted(house.appeals))
        return f"clawback of {subject}", lambda: house.do(
            lambda session: escrow.clawback_appeal(session, subject, now=now())
        )
    found = house.pick(
        "SELECT escrow, slot FROM escrow_slots WHERE state = 'released' ORDER BY moved_at DESC LIMIT 8"
    )
    if found is None:
        return None
    return f"clawback of {found[0]}:{found[1]}", lambda: house.do(
        lambda session: escrow.clawback(session, found[0], found[1], now=now())
    )


def unfreeze(house: House) -> Action:
    """An operator has looked at a dispute: its buyer may go on."""
    frozen = house.pick("SELECT id FROM accounts WHERE status = 'frozen' ORDER BY id")
    if frozen is None:
        return None
    return f"unfreezing of {frozen[0]}", lambda: house.do(
        lambda session: accounts.unfreeze(
            session, frozen[0], now=house.scheduler.now, actor="operator", why=None
        )
    )


def appeal(house: House) -> Action:
    """A won appeal is paid from the market's own money; some are asked for again."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    subject = f"capture {rng.randrange(1 + len(house.appeals))}"
    if subject not in house.appeals:
        house.appeals[subject] = (rng.choice(house.contributors), Money(rng.randrange(1, 2_000_000)))
    contributor, amount = house.appeals[subject]

    def pay() -> None:
        # What matures or not is part of its terms: the same subject always has the same.
        until = now() + timedelta(days=2) if len(subject) % 2 else None
        house.do(
            lambda session: escrow.pay_appeal(
                session,
                subject=subject,
                contributor=contributor,
                amount=amount,
                hold_back_until=until,
                now=now(),
            )
        )

    return f"appeal of {subject}: {amount}", pay


def payout(house: House) -> Action:
    """A contributor asks for some of its earnings, or for more than it has."""
    rng, now = house.scheduler.rng, house.scheduler.clock
    account = rng.choice(house.contributors)
    payable = house.balance(rules.payable(account))
    cents = max(1, payable // CENT)
    amount = Money(rng.choice([cents, cents, 1 + cents // 2, cents + 1]) * CENT)
    return f"payout of {amount}", lambda: house.do(
        lambda session: service.request_payout(session, account, amount, rail="stripe", now=now())
    )


def registration(house: House) -> Action:
    """A contributor asks for the page where it tells Stripe who it is."""
    account = house.scheduler.rng.choice(house.contributors)
    return "registration", lambda: house.rail.payee_link(account)


ACTIONS: tuple[tuple[Callable[[House], Action], int], ...] = (
    (deposit, 16),
    (refund, 7),
    (top_up_rule, 2),
    (bounty, 18),
    (release, 26),
    (give_back, 8),
    (appeal, 3),
    (claw_back, 4),
    (unfreeze, 2),
    (payout, 8),
    (registration, 2),
)
