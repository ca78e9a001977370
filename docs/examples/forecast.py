"""An agent that forecasts a yes/no question and buys looks at the world while they are worth their price.

    export SPOTCHECK_API_KEY=sk_... SPOTCHECK_BASE_URL=http://127.0.0.1:8000 SPOTCHECK_LOG_KEY=...
    python docs/examples/forecast.py ./evidence

Needs `agent_sdk` only. Each event is one JSON line on stdout, so that another program can follow.
Receipts and pictures are saved under the folder given; `check_receipt.py` checks them later, offline.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from agent_sdk import Bounty, Budget, Observation, Spotcheck, StreamTerms
from agent_sdk.loops import BinaryQuestion, ForecastLoop, Reading, Site

LAT, LON = 52.5145, 13.3501
PATIENCE_S = 120.0  # for money to come; where a person has to pay first, run this again afterwards
PRIOR = 0.35  # garden cafés that had not opened by this date, and did within a week


def say(event: str, **facts: object) -> None:
    """One event, one line. Money and times are written as text."""
    print(json.dumps({"event": event, **facts}, default=str), flush=True)


def fund(client: Spotcheck, wanted: str) -> None:
    """Brings the balance up to `wanted` dollars."""
    missing = Decimal(wanted) - client.balance().available
    if missing > 0:
        deposit = client.deposits.create(missing)
        until = time.monotonic() + PATIENCE_S
        while deposit.status not in ("done", "failed", "returned") and time.monotonic() < until:
            time.sleep(0.1)
            deposit = client.deposits.get(deposit.id)
        if deposit.status != "done":
            say(
                "not funded",
                deposit=deposit.id,
                status=deposit.status,
                reason=deposit.reason,
                pay_at=deposit.url,
            )
            raise SystemExit(1)
    say("funded", available=client.balance().available)


def saturday() -> datetime:
    """Noon UTC of the next Saturday that is over a day away: the same for every run of one week."""
    day = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
    return day + timedelta(days=(5 - day.weekday()) % 7)


def offers() -> list[Reading]:
    """What could be looked at: P(state | yes), P(state | no), and what an answer costs."""
    bed = Site("flower bed", LAT, LON, p_yes=0.85, p_no=0.30, radius_m=80)
    gate = Site("gate", LAT, LON, p_yes=0.90, p_no=0.45, radius_m=80)
    counter = Site("terrace counter", LAT, LON, p_yes=0.75, p_no=0.10, radius_m=80)
    return [
        Reading(bed, ask="Is the dahlia by the gate in full bloom?", list_price="0.50"),
        Reading(
            gate,
            ask="Which word stands on the sign at the gate?",
            answer_schema={"type": "string", "maxLength": 40},
            decode=lambda answer: {"OPEN": True, "CLOSED": False}.get(str(answer).strip().upper()),
            list_price="0.50",
        ),
        Reading(
            counter,
            ask="How many filled cups stand on the terrace counter?",
            answer_schema={"type": "integer", "minimum": 0},
            decode=lambda answer: answer > 0 if isinstance(answer, int) else None,
            list_price="2.00",  # over $1: the server asks for a code on paper in the picture
        ),
    ]


def forecast(client: Spotcheck, folder: Path) -> None:
    """Buys the reading that is worth most, learns, and again, until none is worth its price."""
    question = BinaryQuestion(
        "Will the garden café open its terrace this week?",
        prior=PRIOR,
        resolves_at=saturday(),
        value_per_brier=60,  # dollars: what a perfect forecast is worth to us, against a wrong one
    )
    budget = Budget(usd=5, per_bounty=3)
    with ForecastLoop(
        client, question, budget=budget, loop_id="garden-cafe", folder=folder, check_receipts=True
    ) as loop:
        say("question", text=question.text, prior=question.prior)
        for reading in offers():
            loop.offer(reading)
        for step in loop.run():
            say(
                "step",
                action=step.action,
                forecast=step.forecast,
                cost=step.cost,
                reading=step.reading,
                observation=step.observation,
                net_value=step.net_value,
                reason=step.reason,
            )
        say("forecast", p=loop.forecast, spent=loop.spent, stop=loop.stop, journal=loop.journal.head)


def keep(client: Spotcheck, seen: Observation, bounty: Bounty, folder: Path) -> None:
    """Verifies a receipt against the files it names, and saves all that is needed to do it again offline."""
    media = [client.observations.media(seen.id, item.sha256) for item in seen.media]
    report = client.receipts.verify(seen, bounty=bounty, media=media)
    bundle = client.receipts.get(seen.id)
    for item, data in zip(seen.media, media, strict=True):
        (folder / f"{item.sha256}.jpg").write_bytes(data)
    saved = {"observation": seen.model_dump(mode="json"), "bundle": bundle.model_dump(mode="json")}
    (folder / f"{seen.id}.json").write_text(json.dumps(saved), encoding="utf-8")
    say(
        "receipt",
        observation=seen.id,
        ask=bounty.ask,
        answer=seen.answer,
        p_genuine=seen.p_genuine,
        p_answer=seen.p_answer,
        reward=seen.reward,
        steps={step.name: step.status for step in report.steps},
        log_size=report.checkpoint.size if report.checkpoint else None,
        file=folder / f"{seen.id}.json",
    )


def main(folder: Path) -> None:
    """Two standing bounties beside the forecast: a thermometer's readings, and a watch on the terrace."""
    folder.mkdir(parents=True, exist_ok=True)
    with Spotcheck.from_env() as client:
        fund(client, "10.00")
        terms = StreamTerms(unit="Cel", minimum=-20, maximum=50, readings_per_window=20, min_interval_s=0.1)
        air = client.bounties.post(
            "Air temperature on the terrace, and its mean.",
            kind="stream",
            stream=terms,
            lat=LAT,
            lon=LON,
            radius_m=200,
            answer_schema={"type": "number"},
            reward="0.80",
            closes_in=timedelta(hours=1),
        )
        watch = client.bounties.post(
            "Is anybody sitting on the terrace?",
            answer_schema={"type": "boolean"},
            lat=LAT,
            lon=LON,
            radius_m=80,
            reward="0.50",
            slots=4,
            closes_in=timedelta(hours=1),
        )
        say("posted", stream=air.id, watch=watch.id)
        forecast(client, folder)
        say("cancelled", status=watch.cancel().status)  # nobody earned it: what is unfilled comes back
        air.wait(timeout=60)
        for seen in client.observations.list():
            keep(client, seen, client.bounties.get(seen.bounty), folder)
        say("done", **client.balance().model_dump(mode="json"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "evidence"))
