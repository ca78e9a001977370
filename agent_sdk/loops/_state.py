"""What a forecasting loop's journal says, folded into what is known now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import JsonValue, TypeAdapter

from agent_sdk.loops.belief import Evidence
from agent_sdk.loops.journal import Entry

_EVIDENCE = TypeAdapter(Evidence)


@dataclass
class State:
    """What is known.

    Attributes:
        believed: the evidence of each observation that counts, by its id.
        paid: dollars that each observation cost; `late`, what bounties past their end may still cost;
            `held`, what the one under way may.
        posts: how often each reading was bought, or is being bought.
        plan, posted: the purchase under way, and the bounty it became.
        stop: why the loop stopped last.
    """

    believed: dict[str, Evidence] = field(default_factory=dict)
    paid: dict[str, Decimal] = field(default_factory=dict)
    held: Decimal = Decimal(0)
    late: Decimal = Decimal(0)
    steps: int = 0
    posts: dict[str, int] = field(default_factory=dict)
    plan: dict[str, JsonValue] | None = None
    posted: dict[str, JsonValue] | None = None
    stop: str | None = None
    resolved: bool = False

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> State:
        """After these entries."""
        state = cls()
        for entry in entries:
            state._fold(entry)
        return state

    @property
    def evidence(self) -> list[Evidence]:
        """All that counts."""
        return list(self.believed.values())

    @property
    def spent(self) -> Decimal:
        """Dollars paid and not given back."""
        return sum(self.paid.values(), Decimal(0))

    def _fold(self, entry: Entry) -> None:
        """One entry's effect."""
        data = entry.data
        self.stop = str(data["reason"]) if entry.kind == "stopped" else None
        if entry.kind == "planned":
            key = str(data["reading"])
            self.plan, self.posted = data, None
            self.held = Decimal(str(data["reserve"]))
            self.steps += 1
            self.posts[key] = self.posts.get(key, 0) + 1
        elif entry.kind == "void":
            self.posts[str(data["reading"])] -= 1
            self._ended()
        elif entry.kind == "posted":
            self.posted, self.held = data, Decimal(str(data["held"]))
        elif entry.kind == "resolved":
            self.resolved = True
        elif entry.kind == "revoked":
            self._forget(str(data["observation"]))
        elif entry.kind in ("bought", "unusable", "refused", "unfilled"):
            self._settled(data)

    def _settled(self, data: Mapping[str, JsonValue]) -> None:
        observation = str(data.get("observation", ""))
        if observation:
            self.paid[observation] = Decimal(str(data["cost"]))
        self.late += Decimal(str(data.get("late", "0")))
        evidence = data.get("evidence")
        if isinstance(evidence, dict):
            self.believed[observation] = _EVIDENCE.validate_python(evidence)
        self._ended()

    def _forget(self, observation: str) -> None:
        """Disproved: neither believed nor paid for; where the purchase under way brought it, that is over."""
        self.believed.pop(observation, None)
        if self.paid.pop(observation, None) is None:
            self._ended()

    def _ended(self) -> None:
        self.held, self.plan, self.posted = Decimal(0), None, None


def as_json(piece: Evidence) -> dict[str, JsonValue]:
    """Evidence as the journal holds it."""
    return {**vars(piece), "tokens": sorted(piece.tokens)}
