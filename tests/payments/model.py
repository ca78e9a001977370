"""What the books should say after anything: sums and dicts, no keys, no locks, no tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from core import errors

Leg = tuple[str, str, int]


@dataclass
class Pot:
    """One escrow: its terms, where each slot is, what each payer put in and has not got back."""

    price: int
    fee: int
    premium: int
    slots: list[str]
    left: dict[str, int]


class Model:
    """All money by account, all pots by subject, all earnings that wait; each verb moves all or raises."""

    def __init__(self) -> None:
        self.money: Counter[str] = Counter()
        self.pots: dict[str, Pot] = {}
        self.terms: dict[str, object] = {}
        self.waiting: dict[str, tuple[str, int, datetime]] = {}

    def move(self, *legs: Leg) -> None:
        after = Counter(self.money)
        for source, target, amount in legs:
            after[source] -= amount
            after[target] += amount
        short = [a for a, n in after.items() if n < 0 and not a.startswith(("asset:", "exp:"))]
        if short:
            owners = short[0].endswith((":available", ":payable"))
            raise (errors.InsufficientFunds if owners else errors.BooksRefused)("short")
        self.money = after

    def first(self, name: str, terms: object) -> bool:
        if self.terms.get(name, terms) != terms:
            raise errors.IdempotencyConflict("other terms")
        return name not in self.terms

    def hold(self, subject: str, payers: dict[str, int], pot: Pot, terms: object) -> None:
        if sum(payers.values()) != len(pot.slots) * (pot.price + pot.fee):
            raise errors.BadInput("the sum")
        if self.first(subject, terms):
            self.move(*((f"agent:{p}:available", f"escrow:{subject}", n) for p, n in payers.items()))
            self.pots[subject], self.terms[subject] = pot, terms

    def leave(self, subject: str, slots: list[int], before: str, to: str) -> Pot:
        pot = self.pots[subject]
        if any(not 0 <= slot < len(pot.slots) or pot.slots[slot] != before for slot in slots):
            raise errors.StateConflict(f"not {before}")
        for slot in slots:
            pot.slots[slot] = to
        return pot

    def earn(self, key: str, source: str, who: str, amount: int, until: datetime | None) -> None:
        self.move((source, f"contrib:{who}:{'pending' if until else 'payable'}", amount))
        if until:
            self.waiting[key] = (who, amount, until)

    def release(self, subject: str, slot: int, who: str, until: datetime | None) -> None:
        pot, source = self.leave(subject, [slot], "held", "released"), f"escrow:{subject}"
        self.earn(f"{subject}/{slot}", source, who, pot.price, until)
        self.move(
            (source, "rev:fee:bounty", pot.fee - pot.premium), (source, "reserve:warranty", pot.premium)
        )

    def refund(self, subject: str, slots: list[int]) -> None:
        pot = self.leave(subject, slots, "held", "refunded")
        amount, whole = len(slots) * (pot.price + pot.fee), sum(pot.left.values())
        exact = {payer: Fraction(amount * n, whole) for payer, n in pot.left.items()}
        shares = {payer: int(part) for payer, part in exact.items()}
        by_remainder = sorted(exact, key=lambda payer: (shares[payer] - exact[payer], payer))
        for payer in by_remainder[: amount - sum(shares.values())]:
            shares[payer] += 1
        self.move(*((f"escrow:{subject}", f"agent:{payer}:available", n) for payer, n in shares.items()))
        pot.left = {payer: n - shares[payer] for payer, n in pot.left.items()}

    def clawback(self, subject: str, slot: int, now: datetime) -> None:
        key = f"{subject}/{slot}"
        if key in self.waiting and self.waiting[key][2] <= now:
            raise errors.StateConflict("too late")
        pot, target = self.pots[subject], f"escrow:{subject}"
        if key not in self.waiting:
            raise errors.StateConflict("nothing waits")
        who, amount, _ = self.waiting.pop(key)
        self.move((f"contrib:{who}:pending", target, amount), ("reserve:warranty", target, pot.premium))
        self.move(("rev:fee:bounty", target, pot.fee - pot.premium))
        self.leave(subject, [slot], "released", "held")
        self.refund(subject, [slot])  # a clawback is a release undone, then refunded

    def mature(self, now: datetime) -> None:
        for key, (who, amount, when) in list(self.waiting.items()):
            if when <= now:
                self.move((f"contrib:{who}:pending", f"contrib:{who}:payable", amount))
                del self.waiting[key]

    def appeal(self, subject: str, who: str, amount: int, until: datetime | None) -> None:
        if self.first(subject, (who, amount, until is None)):
            self.earn(subject, "exp:appeals", who, amount, until)
            self.terms[subject] = (who, amount, until is None)
