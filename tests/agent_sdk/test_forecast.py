"""The forecasting loop: buys what is worth it, never over budget, and goes on after any crash."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from agent_sdk import (
    BadInput,
    Budget,
    ConnectionFailed,
    InsufficientFunds,
    JournalBroken,
    LogKeyMissing,
    SpotcheckError,
    StateConflict,
)
from agent_sdk.loops import BinaryQuestion, ForecastLoop, Reading, Site, read_journal
from tests.agent_sdk.market import START, Market, b64, problem

DOOR = Site("door", 35.70, 51.41, p_yes=0.80, p_no=0.25)
DOCK = Site("dock", 35.70, 51.42, p_yes=0.70, p_no=0.40)
QUESTION = BinaryQuestion(
    "Will it sell out?", prior=0.35, resolves_at=START + timedelta(days=2), value_per_brier=400
)


def make(market: Market, folder: Path, readings: list[Reading] | None = None, **changes: Any) -> ForecastLoop:
    given: dict[str, Any] = {
        "budget": Budget(usd=40, per_bounty=12),
        "folder": folder,
        "now": market.clock.now,
    }
    loop = ForecastLoop(market.client(), changes.pop("question", QUESTION), **{**given, **changes})
    for reading in (
        readings if readings is not None else [Reading(DOOR, "queue?", 6), Reading(DOCK, "truck?", 4)]
    ):
        loop.offer(reading)
    return loop


def test_it_buys_the_best_first_learns_and_stops_with_a_reason(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{"answer": True}], "truck?": [{"answer": True}]}
    with make(market, tmp_path) as loop:
        steps = list(loop.run())
        assert [step.action for step in steps] == ["bought", "bought", "stopped"]
        assert [str(step.reading).split("/")[0] for step in steps[:2]] == ["door", "dock"]
        assert 0.35 < steps[0].forecast < steps[1].forecast
        assert loop.stop == steps[2].reason == "no_offers"
        assert loop.spent == Decimal("10.40")
        head = loop.journal.head
        score = loop.resolve(True)
        assert score.brier == pytest.approx((1 - loop.forecast) ** 2)
        assert score.prior_brier == pytest.approx(0.4225)
        assert score.brier_gain > 0
        assert score.log < score.prior_log
        with pytest.raises(StateConflict):
            loop.resolve(False)
        assert next(loop.run()).reason == "resolved"
    entries = read_journal(tmp_path / f"{loop.id}.jsonl")
    kinds = [entry.kind for entry in entries]
    step = ["planned", "posted", "bought"]
    assert kinds == ["opened", *step, *step, "stopped", "resolved", "stopped"]
    assert entries[kinds.index("resolved")].prev == head  # what was believed is fixed before the outcome is


def test_a_dear_or_dull_offer_is_left(tmp_path: Path) -> None:
    market = Market()
    dull = Reading(Site("x", 1, 1, p_yes=0.5, p_no=0.5), "coin?", "0.10")
    with make(market, tmp_path, [dull, Reading(DOOR, "queue?", 60)], budget=Budget(usd=500)) as loop:
        assert next(loop.run()).reason == "not_worth_it"
    assert not market.bounties


def test_the_budget_counts_fees_and_stops(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{}], "truck?": [{}]}
    with make(market, tmp_path, budget=Budget(usd=8)) as loop:
        steps = list(loop.run())
    assert [step.action for step in steps] == ["bought", "stopped"]
    assert steps[-1].reason == "budget"
    with make(Market(), tmp_path, budget=Budget(usd=40, per_bounty=4), loop_id="small") as loop:
        assert next(loop.run()).reason == "budget"


def test_a_fee_above_the_allowance_withdraws_the_bounty(tmp_path: Path) -> None:
    market = Market()
    market.fee = "5.00"
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop:
        step = next(loop.run())
    assert step.action == "unfilled"
    assert market.bounties["bty_0"]["status"] == "cancelled"
    assert loop.spent == 0


def test_an_unfilled_bounty_costs_nothing_and_the_next_offer_is_taken(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"truck?": [{"answer": False}]}
    with make(market, tmp_path, budget=Budget(usd=8)) as loop:
        steps = list(loop.run())
        assert [step.action for step in steps] == ["unfilled", "bought", "stopped"]
        assert loop.forecast < 0.35
        assert loop.spent == Decimal("4.20")


def test_a_server_that_does_not_say_whether_work_is_pending_keeps_the_money_counted(tmp_path: Path) -> None:
    market = Market()
    market.slots_pending = None
    with make(market, tmp_path, budget=Budget(usd=8)) as loop:
        assert [step.action for step in loop.run()] == ["unfilled", "stopped"]
        assert loop.stop == "budget"


def test_a_bounty_still_judged_is_picked_up_later(tmp_path: Path) -> None:
    market = Market()
    market.slots_pending = 1
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop:
        assert next(loop.run()).reason == "pending"
    market.observe(market.bounties["bty_0"], {"answer": True})
    market.bounties["bty_0"]["slots_pending"] = 0
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop:
        assert next(loop.run()).action == "bought"
        assert loop.forecast > 0.35
    assert len(market.bounties) == 1


def test_nothing_is_planned_after_the_deadline(tmp_path: Path) -> None:
    market = Market()
    with pytest.raises(BadInput, match="resolves_at"):
        BinaryQuestion("q", prior=0.5, resolves_at="soon", value_per_brier=400)
    question = BinaryQuestion("q", prior=0.5, resolves_at="2026-11-23T11:00:00Z", value_per_brier=400)
    with make(market, tmp_path, question=question) as loop:
        assert next(loop.run()).reason == "deadline"
    soon = BinaryQuestion("q", prior=0.5, resolves_at="2026-11-23T12:30:00Z", value_per_brier=400)
    with make(market, tmp_path, question=soon, loop_id="soon") as loop:
        next(loop.run())
    assert market.bounties["bty_0"]["closes_at"] == "2026-11-23T12:30:00Z"


def test_the_same_persons_second_word_adds_nothing(tmp_path: Path) -> None:
    market = Market()
    same = {"contributor": "c", "device": "d"}
    market.answers = {"queue?": [{"dependence": same}], "again?": [{"dependence": same}]}
    readings = [Reading(DOOR, "queue?", 6), Reading(DOOR, "again?", 6)]
    with make(
        market, tmp_path, readings, question=BinaryQuestion("q", 0.35, QUESTION.deadline, 2000)
    ) as loop:
        first, second, _ = loop.run()
    assert second.action == "bought"
    assert second.forecast == pytest.approx(first.forecast)


def test_p_answer_and_p_genuine_both_weaken_what_was_seen(tmp_path: Path) -> None:
    found = []
    for number, changes in enumerate(
        [{}, {"p_answer": 0.7}, {"p_genuine": 0.5}, {"p_answer": 0.5}, {"p_genuine": 0.0}]
    ):
        market = Market()
        market.answers = {"queue?": [changes]}
        with make(market, tmp_path, [Reading(DOOR, "queue?", 6)], loop_id=f"l{number}") as loop:
            found.append(next(loop.run()).forecast)
    assert found[0] > found[1] > 0.35
    assert found[0] > found[2] > 0.35
    assert found[3] == pytest.approx(0.35)
    assert found[4] == pytest.approx(0.35)


def test_an_answer_that_is_no_reading_is_paid_and_not_believed(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{"answer": "many"}]}
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop:
        step = next(loop.run())
    assert step.action == "unusable"
    assert step.forecast == pytest.approx(0.35)
    assert loop.spent == Decimal("6.20")
    market = Market()
    market.answers = {"queue?": [{"answer": 21}]}
    counted = Reading(DOOR, "queue?", 6, decode=lambda n: n > 20 if isinstance(n, int) else None)
    with make(market, tmp_path, [counted], loop_id="count") as loop:
        assert next(loop.run()).forecast > 0.35


def test_an_observation_whose_receipt_fails_is_not_believed(tmp_path: Path) -> None:
    for honest in (True, False):
        market = Market()
        market.answers = {"queue?": [{}]}
        if not honest:
            market.log.inclusion = lambda index, size: [b64(b"x" * 32)]  # type: ignore[method-assign]
        loop = ForecastLoop(
            market.client(log_key=market.log.vkey, state_dir=tmp_path / str(honest)),
            QUESTION, budget=Budget(usd=40), loop_id=f"honest-{honest}", folder=tmp_path, check_receipts=True,
            now=market.clock.now,
        )  # fmt: skip
        with loop:
            loop.offer(Reading(DOOR, "queue?", 6))
            step = next(loop.run())
            assert step.action == ("bought" if honest else "refused")
            assert (step.forecast > 0.36) is honest
            data = loop.journal.entries[-1].data
            assert ("leaf" in data, data.get("error")) == (honest, None if honest else "InclusionInvalid")


def test_receipts_cannot_be_checked_without_a_key_and_nothing_is_bought(tmp_path: Path) -> None:
    market = Market()
    with pytest.raises(LogKeyMissing):
        make(market, tmp_path, check_receipts=True)
    assert not market.requests
    make(market, tmp_path).close()  # nor does anybody hold its journal


def test_a_receipt_that_is_not_logged_yet_is_waited_for(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{"answer": True}]}
    client = market.client(log_key=market.log.vkey, state_dir=tmp_path / "pins")
    logged = market._receipt
    market._receipt = lambda observation_id: {"receipt": market.receipts[observation_id]}  # type: ignore[method-assign]
    given: dict[str, Any] = {"budget": Budget(usd=40), "folder": tmp_path, "now": market.clock.now}
    with ForecastLoop(client, QUESTION, check_receipts=True, **given) as loop:
        loop.offer(Reading(DOOR, "queue?", 6))
        assert next(loop.run()).reason == "pending"
        market._receipt = logged  # type: ignore[method-assign]
        assert next(loop.run()).action == "bought"
    assert len(market.bounties) == 1


def test_what_was_disproved_is_neither_believed_nor_paid_for(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{"answer": True, "revoked": True}], "truck?": [{"answer": True}]}
    with make(market, tmp_path) as loop:
        steps = list(loop.run())
        assert [step.action for step in steps] == ["revoked", "bought", "stopped"]
        assert steps[0].forecast == pytest.approx(0.35)
        assert loop.forecast > 0.36
        assert loop.spent == Decimal("4.20")
    market.observations["obs_1"]["revoked"] = True
    with make(market, tmp_path) as loop:
        assert next(loop.run()).action == "revoked"
        assert loop.forecast == pytest.approx(0.35)
        assert loop.spent == 0
        assert [step.action for step in loop.run()] == ["stopped"]


def test_a_refused_purchase_is_planned_anew(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{"answer": True}]}
    market.faults = [problem(402, "InsufficientFunds")]
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop, pytest.raises(InsufficientFunds):
        list(loop.run())
    market.clock.seconds += 3 * 3600  # past the first plan's end
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop:
        assert [step.action for step in loop.run()] == ["bought", "stopped"]
    assert len({r.headers["idempotency-key"] for r in market.sent("POST", "/v1/bounties")}) == 2


def test_a_plan_whose_time_passed_before_it_was_posted_is_made_anew(tmp_path: Path) -> None:
    market = Market()
    market.answers = {"queue?": [{"answer": True}]}
    market.faults = [httpx2.ConnectError("down")] * 3
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop, pytest.raises(ConnectionFailed):
        list(loop.run())
    market.clock.seconds += 3 * 3600
    market.faults = [problem(400, "BadInput")]  # closes_at is in the past
    with make(market, tmp_path, [Reading(DOOR, "queue?", 6)]) as loop:
        assert [step.action for step in loop.run()] == ["bought", "stopped"]


class Crash(BaseException):
    """The process dies: nothing catches it."""


def _crash_at(loop: ForecastLoop, where: int) -> None:
    """Dies before or after the n-th journal line reaches the disk."""
    count, append = 0, loop.journal.append

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count * 2 - 1 == where:
            raise Crash
        entry = append(*args, **kwargs)
        if count * 2 == where:
            raise Crash
        return entry

    loop.journal.append = dying  # type: ignore[method-assign]


@pytest.mark.parametrize("where", range(1, 15))
def test_a_crash_at_any_line_and_a_rerun_end_like_an_undisturbed_run(tmp_path: Path, where: int) -> None:
    answers: Callable[[], dict[str, list[dict[str, Any]]]] = lambda: {  # noqa: E731
        "queue?": [{"answer": True}],
        "truck?": [{"answer": False}],
    }
    calm, rough = Market(), Market()
    calm.answers, rough.answers = answers(), answers()
    with make(calm, tmp_path / "calm") as loop:
        list(loop.run())
        expected = (loop.forecast, loop.spent, loop.stop)
    loop = make(rough, tmp_path / "rough")
    _crash_at(loop, where)
    try:
        list(loop.run())
    except Crash:
        rough.clock.seconds += 100
    loop.close()
    with make(rough, tmp_path / "rough") as again:
        list(again.run())
        assert (again.forecast, again.spent, again.stop) == expected
    assert len(rough.bounties) == 2


@pytest.mark.parametrize("runs", [15, pytest.param(250, marks=pytest.mark.soak)])
def test_faulty_lives_never_exceed_the_budget_or_buy_a_step_twice(tmp_path: Path, runs: int) -> None:
    rng = random.Random(7)
    overspent = doubled = 0
    for run in range(runs):  # four lives each
        market = Market()
        usd = Decimal(rng.randrange(5, 30))
        readings = [
            Reading(Site(f"s{i}", 1, 1, p_yes=0.8, p_no=0.25), f"ask{i}", rng.randrange(2, 7))
            for i in range(4)
        ]
        market.answers = {r.ask: [{"answer": rng.random() < 0.5}] for r in readings if rng.random() < 0.8}
        market.slots_pending = rng.choice([0, None])
        for _ in range(4):
            market.faults = [httpx2.ConnectError("down")] * rng.choice([0, 0, 1, 3])
            market.lost_replies = rng.choice([0, 1, 3])
            loop = make(market, tmp_path / str(run), readings, budget=Budget(usd=usd))
            _crash_at(loop, rng.randrange(1, 20))
            with contextlib.suppress(Crash, SpotcheckError):
                list(loop.run())
            loop.close()
        paid = sum(Decimal(seen["reward"]) + Decimal(market.fee) for seen in market.observations.values())
        overspent += paid > usd
        asks = [bounty["ask"] for bounty in market.bounties.values()]
        doubled += len(asks) != len(set(asks))
    assert (overspent, doubled) == (0, 0)


def test_a_journal_of_another_question_or_without_its_readings_is_refused(tmp_path: Path) -> None:
    market = Market()
    make(market, tmp_path, loop_id="one").close()
    other = BinaryQuestion("another", 0.35, QUESTION.deadline, 400)
    with pytest.raises(JournalBroken, match="another question"):
        make(market, tmp_path, loop_id="one", question=other)
    market.faults = [httpx2.ConnectError("down")] * 3
    with make(market, tmp_path, loop_id="two") as loop, pytest.raises(SpotcheckError):
        list(loop.run())
    with make(market, tmp_path, [], loop_id="two") as loop, pytest.raises(BadInput, match="not offered"):
        list(loop.run())


def test_posted_bodies_are_the_same_after_a_restart(tmp_path: Path) -> None:
    market = Market()
    market.lost_replies = 3  # the server acted; the caller never heard
    with make(market, tmp_path) as loop, pytest.raises(SpotcheckError):
        list(loop.run())
    market.clock.seconds += 1000
    market.answers = {"queue?": [{}]}
    with make(market, tmp_path) as loop:
        assert next(loop.run()).action == "bought"
    bodies = {json.dumps(json.loads(r.content), sort_keys=True) for r in market.sent("POST", "/v1/bounties")}
    assert len(bodies) == 1


def test_ids_are_plain_names(tmp_path: Path) -> None:
    for bad in ("../x", "a b", "", "x" * 65):
        if bad:
            with pytest.raises(BadInput):
                make(Market(), tmp_path, loop_id=bad)
    with make(Market(), tmp_path) as loop, pytest.raises(BadInput, match="already"):
        loop.offer(Reading(DOOR, "queue?", 9))
