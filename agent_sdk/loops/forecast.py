"""Forecasting one yes/no question by buying the observations that are worth their price.

    from agent_sdk import Budget, Spotcheck
    from agent_sdk.loops import BinaryQuestion, ForecastLoop, Reading, Site

    question = BinaryQuestion(
        "Will Store 114 sell out before 2026-12-01?", prior=0.35,
        resolves_at="2026-12-01T00:00:00Z", value_per_brier=200,
    )
    door = Site("store-114-door", lat=35.70, lon=51.41, p_yes=0.80, p_no=0.25)
    loop = ForecastLoop(Spotcheck.from_env(), question, budget=Budget(usd=40, per_bounty=12))
    loop.offer(Reading(door, ask="Are more than 20 people queuing at the main door?", list_price=6))
    for step in loop.run():
        print(step.action, step.cost, step.forecast)
    print(loop.stop, loop.spent)
    print(loop.resolve(True).brier_gain)          # later

Each step is written to a hash-chained journal before it is acted on, and each purchase has an
idempotency key made of the loop's id and the step's number: run the program again after a crash and it
goes on where it was, without buying anything twice. Spent, held and planned money together never exceed
the budget. An observation that was revoked since, its price given back, is forgotten at the next run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from pydantic import JsonValue

from agent_sdk._canonical import fingerprint
from agent_sdk._pins import default_folder
from agent_sdk.client import Spotcheck
from agent_sdk.errors import (
    ApprovalRequired,
    BadInput,
    JournalBroken,
    LogKeyMissing,
    NotYetLogged,
    PaymentRefused,
    PolicyRefused,
    ReceiptError,
    StateConflict,
)
from agent_sdk.loops._state import State, as_json
from agent_sdk.loops.belief import Evidence, brier, chain, log_score, plan_next, posterior
from agent_sdk.loops.journal import Journal
from agent_sdk.loops.question import BinaryQuestion, Budget, Reading, Score, Step
from agent_sdk.types import Bounty, Observation, amount, timestamp

_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$", re.ASCII)


class ForecastLoop:
    """See the module. One process runs a loop at a time.

    Args:
        client: who buys.
        loop_id: names the loop and its journal; by default made of the question, so that the same program
            finds its journal again.
        folder: where journals are; default ~/.local/state/spotcheck/loops.
        check_receipts: verify each observation's receipt before believing it (needs a pinned log key).
        patience: how long after a bounty closes to wait for its verdict before stopping as "pending".
        now: the wall clock, for tests.

    Raises:
        JournalBroken: the journal was altered, or is of another question.
        StateConflict: another process runs this loop.
        LogKeyMissing: receipts are to be checked, and no log key is pinned.
    """

    def __init__(
        self,
        client: Spotcheck,
        question: BinaryQuestion,
        *,
        budget: Budget,
        loop_id: str | None = None,
        folder: Path | None = None,
        check_receipts: bool = False,
        patience: timedelta = timedelta(minutes=10),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.client, self.question, self.budget = client, question, budget
        self.id = loop_id or f"q-{fingerprint(question.as_json())[:20]}"
        if not _ID.match(self.id):
            raise BadInput("a loop id is 1..64 letters, digits, - or _")
        if check_receipts and not client.receipts.has_log_key:
            raise LogKeyMissing("no log key is pinned to check receipts by")
        self._readings: dict[str, Reading] = {}
        self._check_receipts, self._patience, self._now = check_receipts, patience, now
        self.journal = Journal((folder or default_folder() / "loops") / f"{self.id}.jsonl")
        try:
            self._open()
        except BaseException:
            self.journal.close()
            raise

    def offer(self, reading: Reading) -> None:
        """Adds a reading to choose from. Raises BadInput when another of the same site and ask is there."""
        if reading.key in self._readings:
            raise BadInput(f"reading {reading.key} is offered already")
        reading.probe()
        amount(reading.list_price)
        self._readings[reading.key] = reading

    def run(self) -> Iterator[Step]:
        """Plans, buys, waits, learns, until there is a reason to stop; the last step says which.

        Reasons: not_worth_it, budget, deadline, no_offers, resolved, or pending (a bounty is closed but
        not judged, or its receipt not logged, yet: run again later).

        Raises:
            SpotcheckError: the server refused a purchase; it is planned anew by the next run.
        """
        yield from self._revoked()
        while True:
            step = self._advance()
            yield step
            if step.action == "stopped":
                return

    @property
    def forecast(self) -> float:
        """P(yes) now."""
        return posterior(self.question.prior, self._state().evidence)

    @property
    def spent(self) -> Decimal:
        """Dollars paid for accepted observations, fees included."""
        return self._state().spent

    @property
    def stop(self) -> str | None:
        """Why the loop stopped last, or None while it has something to do."""
        return self._state().stop

    def resolve(self, outcome: bool) -> Score:
        """Records how the question turned out and scores the last forecast against the prior.

        Raises:
            StateConflict: resolved before.
        """
        state = self._state()
        if state.resolved:
            raise StateConflict("the question is resolved already")
        p, prior = posterior(self.question.prior, state.evidence), self.question.prior
        score = Score(
            outcome, p, brier(p, outcome), brier(prior, outcome), log_score(p, outcome),
            log_score(prior, outcome), state.spent,
        )  # fmt: skip
        data: dict[str, JsonValue] = {
            "outcome": outcome,
            "forecast": p,
            "brier": score.brier,
            "prior_brier": score.prior_brier,
            "log": score.log,
            "prior_log": score.prior_log,
            "spent": str(score.spent),
        }
        self._write("resolved", data)
        return score

    def close(self) -> None:
        """Lets another process run this loop."""
        self.journal.close()

    def __enter__(self) -> ForecastLoop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        asked = self.question.as_json()
        if not self.journal.entries:
            self._write("opened", {"loop": self.id, "question": asked, "forecast": self.question.prior})
        elif self.journal.entries[0].data.get("question") != asked:
            raise JournalBroken(f"{self.journal.path} is of another question")

    def _advance(self) -> Step:
        """One step, from wherever the journal says the loop is."""
        while (state := self._state()).posted is None:
            if state.plan is None:
                reason = self._plan(state)
                if reason is not None:
                    return self._stopped(reason)
            else:
                self._buy(state.plan)
        return self._settle(state)

    def _revoked(self) -> Iterator[Step]:
        """Forgets what was believed and has been disproved since."""
        for observation in self._state().believed:
            if self.client.observations.get(observation).revoked:
                yield self._forget(observation)

    def _forget(self, observation: str, reading: str | None = None) -> Step:
        self._write("revoked", {"observation": observation})
        return Step("revoked", self.forecast, reading=reading, observation=observation)

    def _plan(self, state: State) -> str | None:
        """Writes down the best purchase; or returns why there is none."""
        now = self._now()
        if state.resolved or now >= self.question.deadline:
            return "resolved" if state.resolved else "deadline"
        left = {k: r for k, r in self._readings.items() if state.posts.get(k, 0) < r.limit}
        most = self._affordable(state)
        choice = plan_next(
            self.question.prior,
            state.evidence,
            {key: (r.probe(), float(self._with_fee(r)), r.fill) for key, r in left.items()},
            value_per_brier=self.question.value_per_brier,
            affordable=float(most),
        )
        if isinstance(choice, str):
            return choice
        reading = left[choice.offer]
        if self._with_fee(reading) > most:  # exactly, in decimals: the plan compared floats
            return "budget"
        closes = min(now + reading.closes_in, self.question.deadline)
        plan: dict[str, JsonValue] = {
            "step": state.steps,
            "reading": reading.key,
            "reward": amount(reading.list_price),
            "reserve": str(self._with_fee(reading)),
            "closes_at": timestamp(closes),
            "gain": choice.gain,
            "net_value": choice.net_value,
        }
        self._write("planned", plan)
        return None

    def _affordable(self, state: State) -> Decimal:
        left = Decimal(amount(self.budget.usd)) - state.spent - state.held - state.late
        cap = self.budget.per_bounty
        return left if cap is None else min(left, Decimal(amount(cap)))

    def _with_fee(self, reading: Reading) -> Decimal:
        return Decimal(amount(reading.list_price)) * (1 + self.budget.fee_rate)

    def _buy(self, plan: dict[str, JsonValue]) -> None:
        """Posts what the plan says. What the server refuses was never posted: the same key would have
        brought back the bounty. Then the plan is void, and where only its time had passed another is made.
        """
        try:
            self._post(plan)
        except (BadInput, PaymentRefused, PolicyRefused, ApprovalRequired) as refusal:
            if refusal.status is None:  # found on this side: nothing was asked
                raise
            void = {"step": plan["step"], "reading": plan["reading"], "error": refusal.code}
            self._write("void", void)
            if datetime.fromisoformat(str(plan["closes_at"])) > self._now():
                raise

    def _post(self, plan: dict[str, JsonValue]) -> None:
        """Key and body are the same however often this is run."""
        reading = self._reading(plan)
        bounty = self.client.bounties.post(
            reading.ask,
            lat=reading.site.lat,
            lon=reading.site.lon,
            radius_m=reading.site.radius_m,
            answer_schema=reading.answer_schema,
            reward=str(plan["reward"]),
            closes_at=datetime.fromisoformat(str(plan["closes_at"])),
            purpose="forecasting",
            idempotency_key=f"loop-{self.id}-{plan['step']}",
        )
        held = bounty.reward + bounty.fee
        data: dict[str, JsonValue] = {"step": plan["step"], "bounty": bounty.id, "held": str(held)}
        data["fee"] = str(bounty.fee)
        self._write("posted", data)

    def _settle(self, state: State) -> Step:
        """Waits for what the bounty brings and writes it down."""
        plan, posted = _some(state.plan), _some(state.posted)
        if Decimal(str(posted["held"])) > Decimal(str(plan["reserve"])):
            self._withdraw(plan, posted)
        closes = datetime.fromisoformat(str(plan["closes_at"]))
        left = (closes + self._patience - self._now()).total_seconds()
        waited = self.client.bounties.wait(str(posted["bounty"]), timeout=max(0.0, left))
        seen = waited.first
        if seen is not None:
            return self._learn(plan, posted, waited.bounty, seen)
        if not waited.bounty.over:
            return self._stopped("pending")
        # A bounty past its end can still pay for a capture under judgement. A server that does not say
        # whether one is leaves the money counted as held: the budget is a promise, a guess is not.
        surely = waited.bounty.slots_pending == 0 or waited.bounty.status == "closed"
        late = Decimal(0) if surely else Decimal(str(posted["held"]))
        self._write("unfilled", {"step": plan["step"], "status": waited.bounty.status, "late": str(late)})
        return Step("unfilled", self.forecast, reading=str(plan["reading"]))

    def _withdraw(self, plan: dict[str, JsonValue], posted: dict[str, JsonValue]) -> None:
        """Cancels a bounty that is dearer, by its fee, than the budget's fee_rate foresaw."""
        key = f"loop-{self.id}-{plan['step']}-cancel"
        try:
            self.client.bounties.cancel(str(posted["bounty"]), idempotency_key=key)
        except StateConflict:
            return  # over already: what it brought is settled like any other

    def _learn(
        self, plan: dict[str, JsonValue], posted: dict[str, JsonValue], bounty: Bounty, seen: Observation
    ) -> Step:
        reading = self._reading(plan)
        if seen.revoked:
            return self._forget(seen.id, reading.key)
        cost = seen.reward + Decimal(str(posted["fee"]))
        data: dict[str, JsonValue] = {"step": plan["step"], "observation": seen.id, "cost": str(cost)}
        action, value = "bought", reading.decode(seen.answer)
        if self._check_receipts:
            try:
                proof = self.client.receipts.verify(seen, bounty=bounty)
                data["leaf"] = proof.leaf.hex()
            except NotYetLogged:
                return self._stopped("pending")
            except ReceiptError as error:
                action, data["error"] = "refused", error.code
        if action == "bought" and value is None:
            action = "unusable"
        if action == "bought" and value is not None:
            piece = _evidence(reading, seen, value)
            data["evidence"] = as_json(piece)
            data["forecast"] = posterior(self.question.prior, [*self._state().evidence, piece])
        self._write(action, data)
        net = plan["net_value"]
        return Step(
            action,
            self.forecast,
            cost,
            reading.key,
            seen.id,
            float(net) if isinstance(net, float | int) else None,
        )

    def _reading(self, plan: dict[str, JsonValue]) -> Reading:
        reading = self._readings.get(str(plan["reading"]))
        if reading is None:
            raise BadInput(
                f"step {plan['step']} is under way for reading {plan['reading']}, which is not offered",
                hint="Offer the same readings again to resume this loop.",
            )
        return reading

    def _stopped(self, reason: str) -> Step:
        forecast = self.forecast
        if self._state().stop != reason:
            self._write("stopped", {"reason": reason, "forecast": forecast})
        return Step("stopped", forecast, reason=reason)

    def _state(self) -> State:
        return State.of(self.journal.entries)

    def _write(self, kind: str, data: Mapping[str, JsonValue]) -> None:
        self.journal.append(kind, data, at=self._now())


def _evidence(reading: Reading, seen: Observation, value: bool) -> Evidence:
    """The observation as evidence: its p_genuine (where no check could run, the reading's own expectation),
    and p_answer chained with the reading's accuracy."""
    accuracy = reading.accuracy if seen.p_answer is None else chain(seen.p_answer, reading.accuracy)
    genuine = reading.p_genuine if seen.p_genuine is None else seen.p_genuine
    site = reading.site
    return Evidence(
        site.name, site.p_yes, site.p_no, genuine, accuracy, reading.p_fake_true,
        reading=value, tokens=seen.dependence.tokens(),
    )  # fmt: skip


def _some(value: dict[str, JsonValue] | None) -> dict[str, JsonValue]:
    if value is None:
        raise JournalBroken("the journal has an outcome without its plan")
    return value
