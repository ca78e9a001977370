"""What the demo writes down while it runs: moments, looks, beliefs, expectations; and their summary.

Every promise of the demo is an `Expectation` with what was expected and what was seen; the demo
succeeded when there is at least one and all of them are met.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Expectation:
    """One promise: `observed` stands in words beside `expected`."""

    what: str
    expected: str
    observed: str
    met: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story. `at_s`: seconds since the demo began; `met` None for plain narration."""

    at_s: float
    text: str
    met: bool | None


@dataclass(slots=True)
class Look:
    """One capture as the report shows it, honest or not.

    Attributes:
        who: who made it. title: the short name of it.
        bent: what a cheat bent, in words; "" for an honest capture.
        ask, answer, tier, reward: of the bounty and the capture.
        simulated: what of it is simulated, in words.
        picture: a small data: URI; "" for a stream.
        expected: for a cheat, the public reason or problem code the market must name.
        status, reasons, paid: what the contributor was told ("refused" when no capture was made).
        seconds: from the claim to the verdict.
        capture: its id, "" when none was made; report: the verifier's own record of it, from the database.
    """

    who: str
    title: str
    ask: str
    answer: object
    tier: int
    reward: str
    simulated: str
    bent: str = ""
    picture: str = ""
    expected: str = ""
    status: str = ""
    reasons: tuple[str, ...] = ()
    paid: str | None = None
    seconds: float = 0.0
    capture: str = ""
    report: dict[str, Any] | None = None

    @property
    def honest(self) -> bool:
        """Whether nothing was bent."""
        return not self.bent

    @property
    def verdict(self) -> str:
        """One word: accepted, refused, or the status as it is."""
        return {"rejected": "refused", "upheld": "refused", "revoked": "refused"}.get(
            self.status, self.status
        )


@dataclass(frozen=True, slots=True)
class Belief:
    """The forecast after one observation (or, first, the prior)."""

    p: float
    why: str
    cost: str = "0"
    answer: object = None
    p_genuine: float | None = None
    p_answer: float | None = None


@dataclass
class Record:
    """Everything of one run. `facts` holds what the acts learnt (money, log, receipts, versions)."""

    seed: int
    started_at: str
    began: float = field(default_factory=time.monotonic)
    moments: list[Moment] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    beliefs: list[Belief] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self.began

    @property
    def succeeded(self) -> bool:
        """Whether something was expected, and all of it was met."""
        return bool(self.expectations) and all(item.met for item in self.expectations)

    def say(self, text: str, met: bool | None = None) -> None:
        """Writes a moment down and prints it."""
        moment = Moment(round(self.elapsed_s, 2), text, met)
        self.moments.append(moment)
        mark = {True: "✓", False: "✗", None: "·"}[met]
        print(f"{moment.at_s:6.1f} s  {mark} {text}", flush=True)

    def expect(self, what: str, expected: object, observed: object, *, text: str = "") -> bool:
        """Writes an expectation down, met when both are equal, and says so. Returns whether it was met."""
        return self.judge(what, str(expected), str(observed), expected == observed, text=text)

    def judge(self, what: str, expected: str, observed: str, met: bool, *, text: str = "") -> bool:
        """As `expect`, where the caller says whether it was met."""
        self.expectations.append(Expectation(what, expected, observed, met))
        if met:
            self.say(text or what, True)
        else:
            self.say(f"{what}: expected {expected}, saw {observed}", False)
        return met

    def summary(self) -> dict[str, Any]:
        """The run as JSON: no pictures, everything else."""
        looks = []
        for look in self.looks:
            shown = asdict(look) | {"verdict": look.verdict, "honest": look.honest}
            del shown["picture"]
            looks.append(shown)
        return {
            "succeeded": self.succeeded,
            "seed": self.seed,
            "started_at": self.started_at,
            "seconds": round(self.elapsed_s, 2),
            "expectations": [asdict(item) for item in self.expectations],
            "timings_s": {name: round(value, 3) for name, value in self.timings.items()},
            "forecast": [asdict(belief) for belief in self.beliefs],
            "captures": looks,
            "story": [asdict(moment) for moment in self.moments],
            **self.facts,
        }
