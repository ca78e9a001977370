"""The acts of the demo, in order. Each does something for real over HTTP and says what came of it.

The agent (a process of its own) posts bounties and waits; the simulated people and the instrument find
them near by, as anybody would. One worker judges one capture after another.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from market.demo import adversaries, cast
from market.demo.agent import Agent
from market.demo.record import Belief, Look
from market.demo.stage import FIND_WITHIN_S, Demo, NothingFound, find, judged, reviewed
from market.simulator.cheats import Loot
from market.simulator.instrument import Instrument

DEPOSIT = "10.00"  # what the example agent brings
LEAST_MOVE = 0.01  # of a forecast, to count as moved


def open_house(demo: Demo) -> None:
    """The real server, from nothing."""
    took = demo.record.timings["server ready"] = demo.house.start()
    text = f"the market is up at {demo.house.url} ({took:.1f} s; SQLite, local files, one worker)"
    demo.record.judge("the server starts", "ready", "ready", True, text=text)


def send_agent(demo: Demo) -> None:
    """An agent's account with a capped key; the example program starts with it."""
    demo.lab_secret = _open_account(demo, "lab")
    first = _open_account(demo, "agent")
    capped = demo.http.post(
        "/v1/keys",
        json={"scopes": ["post", "read", "money"], "limits": {"per_bounty": "3.00", "total": DEPOSIT}},
        headers=_once("key") | {"Authorization": f"Bearer {first}"},
    )
    environment = {
        "SPOTCHECK_API_KEY": capped.raise_for_status().json()["secret"],
        "SPOTCHECK_BASE_URL": demo.house.url,
        "SPOTCHECK_LOG_KEY": demo.house.log_key(),
    }
    demo.agent = Agent(demo.folder / "agent", environment)
    funded = demo.agent.hear("funded")
    text = f"an agent with a capped key deposits ${DEPOSIT} through the sandbox rail"
    demo.record.expect("the agent has a key and money", DEPOSIT, funded["available"], text=text)
    posted = demo.agent.hear("posted")
    demo.bounties |= {"air": posted["stream"], "watch": posted["watch"]}
    demo.record.say("it posts a $0.80 stream bounty and a $0.50 photo bounty with four slots")
    question = demo.agent.hear("question")
    demo.record.beliefs.append(Belief(question["prior"], "prior"))
    demo.record.facts["question"] = question["text"]
    demo.record.say(f"it asks itself: {question['text']} Prior {question['prior']:.0%}")


def start_slow_ones(demo: Demo) -> None:
    """The instrument measures, and one cheat takes its time, while the story goes on."""
    demo.background.append(demo.pool.submit(_measure, demo))
    adversaries.start_late_one(demo)


def _measure(demo: Demo) -> None:
    """The lab's thermometer fulfils the stream bounty."""
    probe = Instrument(demo.http, secret=demo.lab_secret, spot=cast.CAFE, seed=demo.record.seed)
    probe.enrol()
    began = time.monotonic()
    claim = probe.claim(demo.bounties["air"])
    readings = probe.measure(claim)
    mean = round(sum(reading.value for reading in readings) / len(readings), 2)
    said = probe.deliver(claim, readings, answer=mean, per_part=10)
    values = [reading.value for reading in readings]
    demo.record.facts["stream"] = {"values": values, "unit": "°C", "mean": mean}
    look = Look(
        who="the lab's thermometer",
        title="air temperature",
        ask=cast.AIR,
        answer=f"{mean} °C, mean of {len(readings)} signed readings",
        tier=0,
        reward="0.80",
        simulated=cast.INSTRUMENT,
    )
    judged(demo, look, said, began)


def photograph_dahlia(demo: Demo) -> None:
    """A $0.50 question, answered honestly with a real photograph."""
    person = demo.person()
    began = time.monotonic()
    bounty = find(person, cast.BED)
    demo.record.say(f"it posts for $0.50: {cast.BED}")
    said, media, signed = person.send_photograph(bounty, cast.PHOTOS["dahlia"](), True)
    demo.honest, demo.loot = person, Loot(media, signed)
    look = Look(
        who="a passer-by",
        title="the dahlia",
        ask=cast.BED,
        answer=True,
        tier=0,
        reward="0.50",
        simulated=cast.REAL_PICTURE,
        picture=cast.thumbnail(media, 420),
    )
    judged(demo, look, said, began)
    _learn(demo)


def answer_counter(demo: Demo) -> None:
    """The $2.00 question: a stock picture without the code is refused, then the code is seen."""
    person = demo.person()
    bounty = find(person, cast.COUNTER)
    demo.record.say(f"it posts for $2.00, with a code to be seen in the scene: {cast.COUNTER}")
    adversaries.try_counter(demo, bounty)
    began = time.monotonic()
    said = reviewed(demo, person, person.earn(bounty, cast.PHOTOS["coffee"](), 1, held=False))
    look = Look(
        who="a guest",
        title="the counter",
        ask=cast.COUNTER,
        answer=1,
        tier=1,
        reward="2.00",
        simulated=f"{cast.RENDERED}, the code on paper drawn into it",
        picture=cast.thumbnail(person.sent, 420),
    )
    judged(demo, look, said, began)
    demo.record.facts["held_back"] = person.balances()["pending"]
    _learn(demo)


def read_sign(demo: Demo) -> None:
    """A $0.50 question whose answer stands in the picture, where the verifier's reader can find it."""
    person = demo.person()
    began = time.monotonic()
    bounty = find(person, cast.GATE)
    demo.record.say(f"it posts for $0.50: {cast.GATE}")
    said = person.read_sign(bounty, cast.PHOTOS["bricks"](), "OPEN")
    look = Look(
        who="a neighbour",
        title="the sign",
        ask=cast.GATE,
        answer="OPEN",
        tier=0,
        reward="0.50",
        simulated=f"{cast.RENDERED}, the sign drawn into it",
        picture=cast.thumbnail(person.sent, 420),
    )
    judged(demo, look, said, began)
    _learn(demo)


def _learn(demo: Demo) -> None:
    """The agent's next step: what it bought, and what it believes now."""
    step = demo.speaking().hear("step")
    before, after = demo.record.beliefs[-1].p, step["forecast"]
    demo.record.beliefs.append(Belief(after, str(step["reading"]).partition("/")[0], step["cost"]))
    demo.record.judge(
        "the forecast moves",
        "bought, at least one point",
        f"{step['action']}, {before:.1%} to {after:.1%}",
        step["action"] == "bought" and abs(after - before) >= LEAST_MOVE,
        text=f"the forecast moves from {before:.0%} to {after:.0%} for ${step['cost']}",
    )


def settle(demo: Demo) -> None:
    """The slow ones come in; the agent stops when nothing is worth its price, and takes back the rest."""
    for slow in demo.background:
        slow.result(timeout=90)
    agent = demo.speaking()
    ended = agent.hear("forecast")
    demo.record.facts["stopped"] = {name: value for name, value in ended.items() if name != "event"}
    demo.record.say(f"it stops ({ended['stop']}) at {ended['p']:.0%} after ${ended['spent']}")
    text = "it cancels the watch that nobody honest filled; the slots are refunded"
    cancelled = agent.hear("cancelled")
    demo.record.expect("the open watch is cancelled", "cancelled", cancelled["status"], text=text)
    done = agent.hear("done")
    demo.record.facts["receipts"] = [event for event in agent.events if event["event"] == "receipt"]
    demo.record.facts["agent_balances"] = {name: value for name, value in done.items() if name != "event"}
    demo.record.expect("the agent's program ends well", 0, agent.finish())
    _explain_beliefs(demo)


def _explain_beliefs(demo: Demo) -> None:
    """Puts what was answered, and how sure the verifier is, beside each step of the forecast."""
    receipts = {receipt["observation"]: receipt for receipt in demo.record.facts["receipts"]}
    steps = [event for event in demo.speaking().events if event["event"] == "step" and event["observation"]]
    for place, step in enumerate(steps, start=1):
        seen, belief = receipts.get(step["observation"]), demo.record.beliefs[place]
        if seen is not None:
            told = seen["answer"], seen["p_genuine"], seen["p_answer"]
            demo.record.beliefs[place] = Belief(belief.p, belief.why, belief.cost, *told)


def pay_out(demo: Demo) -> None:
    """The passer-by takes the money out through the sandbox rail."""
    person = demo.honest
    if person is None:
        raise NothingFound("nobody earned anything")
    amount = person.balances()["payable"]
    began = time.monotonic()
    ordered = person.post("/v1/payouts", {"amount": amount})
    while ordered["status"] not in ("done", "failed") and time.monotonic() - began < FIND_WITHIN_S:
        time.sleep(0.05)
        ordered = person.get(f"/v1/operations/{ordered['id']}")
    demo.record.timings["payout"] = time.monotonic() - began
    text = f"the passer-by is paid out ${amount} by the sandbox rail"
    demo.record.expect("the contributor is paid out", "done 0.50", f"{ordered['status']} {amount}", text=text)


def _open_account(demo: Demo, kind: str) -> str:
    """A new account's first key."""
    body = {"name": f"demo {kind}", "kind": kind}
    made = demo.http.post("/v1/accounts", json=body, headers=_once(kind)).raise_for_status().json()
    return str(made["key"]["secret"])


def _once(name: str) -> dict[str, str]:
    return {"Idempotency-Key": f"demo-{name}"}


ACTS: tuple[Callable[[Demo], None], ...] = (
    open_house,
    send_agent,
    start_slow_ones,
    photograph_dahlia,
    adversaries.try_cheats,
    answer_counter,
    read_sign,
    settle,
    pay_out,
)
