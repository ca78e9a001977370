"""What the author of a forecasting loop writes down: question, places, budget; and the score at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from pydantic import JsonValue

from agent_sdk.errors import BadInput
from agent_sdk.loops.belief import Probe
from agent_sdk.types import timestamp

Dollars: TypeAlias = str | int | Decimal


@dataclass(frozen=True)
class Budget:
    """What a loop may spend, in dollars.

    Attributes:
        usd: in all, fees included.
        per_bounty: on one bounty, fees included; None: no limit of its own.
        fee_rate: fees to reckon with before the server has named its own, as a share of the reward.
    """

    usd: Dollars
    per_bounty: Dollars | None = None
    fee_rate: Decimal = Decimal("0.25")


@dataclass(frozen=True)
class BinaryQuestion:
    """A question that will turn out yes or no.

    Raises BadInput where a value is outside what is said here.

    Attributes:
        text: the question.
        prior: P(yes) before buying anything, strictly between 0 and 1.
        resolves_at: when it is known; an aware datetime or RFC 3339 text. No purchase is planned after it.
        value_per_brier: dollars that one unit of Brier score is worth to you.
    """

    text: str
    prior: float
    resolves_at: datetime | str
    value_per_brier: float

    def __post_init__(self) -> None:
        if not 0 < self.prior < 1:
            raise BadInput("prior lies strictly between 0 and 1")
        timestamp(self.deadline)

    @property
    def deadline(self) -> datetime:
        """`resolves_at` as a datetime."""
        at = self.resolves_at
        try:
            return at if isinstance(at, datetime) else datetime.fromisoformat(at)
        except ValueError as error:
            raise BadInput(f"resolves_at: {error}", hint="RFC 3339, such as 2026-12-01T12:00:00Z.") from error

    def as_json(self) -> dict[str, JsonValue]:
        """What the journal binds."""
        return {
            "text": self.text,
            "prior": self.prior,
            "resolves_at": timestamp(self.deadline),
            "value_per_brier": self.value_per_brier,
        }


@dataclass(frozen=True)
class Site:
    """A place whose state bears on the question: P(state is true | yes) and P(state is true | no)."""

    name: str
    lat: float
    lon: float
    p_yes: float
    p_no: float
    radius_m: float = 100.0


def yes_no(answer: JsonValue) -> bool | None:
    """The default `decode`: true and false as they are, anything else is no reading."""
    return answer if isinstance(answer, bool) else None


@dataclass(frozen=True)
class Reading:
    """An observation on offer.

    Attributes:
        ask: the question put to the contributor.
        list_price: the reward, dollars.
        decode: makes the site's state, or None (unusable), of an answer.
        accuracy: P(decoded answer equals the state | the answer is right), 0..1.
        p_genuine, p_fake_true: what to expect before buying: P(real), and P(a fake says true).
        fill: probability that somebody takes it at this price.
        closes_in: how long the bounty stays open.
        limit: how often it may be bought.
    """

    site: Site
    ask: str
    list_price: Dollars
    decode: Callable[[JsonValue], bool | None] = yes_no
    accuracy: float = 0.95
    answer_schema: Mapping[str, JsonValue] = field(default_factory=lambda: {"type": "boolean"})
    p_genuine: float = 0.95
    p_fake_true: float = 0.5
    fill: float = 1.0
    closes_in: timedelta = timedelta(hours=2)
    limit: int = 1

    @property
    def key(self) -> str:
        """Names the reading in the journal: by site and ask."""
        return f"{self.site.name}/{hashlib.sha256(self.ask.encode()).hexdigest()[:12]}"

    def probe(self) -> Probe:
        """What to expect of it."""
        site = self.site
        return Probe(site.name, site.p_yes, site.p_no, self.p_genuine, self.accuracy, self.p_fake_true)


@dataclass(frozen=True)
class Step:
    """What one step did.

    action: "bought" (evidence came), "unusable" (paid, but no reading), "refused" (its receipt failed),
    "unfilled" (refunded), "revoked" (disproved since and refunded: believed no more), or "stopped". `cost`
    is dollars spent by it, `forecast` P(yes) after it.
    """

    action: str
    forecast: float
    cost: Decimal = Decimal(0)
    reading: str | None = None
    observation: str | None = None
    net_value: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Score:
    """How the last forecast did, beside the prior; lower Brier and log scores are better."""

    outcome: bool
    forecast: float
    brier: float
    prior_brier: float
    log: float
    prior_log: float
    spent: Decimal

    @property
    def brier_gain(self) -> float:
        """What the observations took off the prior's Brier score (negative: they misled)."""
        return self.prior_brier - self.brier
