"""The stage of the demo: who is on it, and the few things that honest people and cheats have in common."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from market.demo import cast
from market.demo.agent import Agent
from market.demo.cast import Person
from market.demo.house import House
from market.demo.record import Look, Record
from market.simulator.cheats import Loot
from market.simulator.contributor import Capture

FIND_WITHIN_S = 30.0


class NothingFound(Exception):
    """Something or somebody that should be there is not."""


@dataclass
class Demo:
    """The running play: where it stands, who is on stage, and what is kept for later acts.

    Attributes:
        bounties: ids by role: "air" (stream), "watch", and those the forecast posts.
        honest: the person who photographed the dahlia; loot: what a cheat can steal of it.
        background: what goes on beside the story; it is waited for before the end.
    """

    record: Record
    house: House
    http: httpx2.Client
    folder: Path
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    agent: Agent | None = None
    lab_secret: str = ""
    bounties: dict[str, str] = field(default_factory=dict)
    honest: Person | None = None
    loot: Loot | None = None
    background: list[Future[None]] = field(default_factory=list)
    people: int = 0

    def person(self, size: tuple[int, int] = cast.PICTURE) -> Person:
        """A new person with an enrolled phone that takes pictures of this size."""
        self.people += 1
        somebody = Person(self.http, seed=self.record.seed * 1000 + self.people, size=size)
        somebody.enrol()
        return somebody

    def speaking(self) -> Agent:
        """The agent. Raises NothingFound before it was started."""
        if self.agent is None:
            raise NothingFound("the agent was not started")
        return self.agent


def find(person: Person, ask: str) -> str:
    """The bounty with this question, once it shows up near by. Raises NothingFound."""
    until = time.monotonic() + FIND_WITHIN_S
    while time.monotonic() < until:
        for card in person.near():
            if card["ask"] == ask:
                return str(card["id"])
        time.sleep(0.1)
    raise NothingFound(f"no bounty near by asks {ask!r}")


def reviewed(demo: Demo, person: Person, said: Capture) -> Capture:
    """The capture, after a person's decision where the checks were not sure.

    Code and turns of tier 1 are drawn at random, and some cannot be read in every light.
    """
    if said.status != "review":
        return said
    demo.record.say("the checks were not sure: a named reviewer looks, and accepts")
    answer = demo.http.post(
        f"/v1/reviews/{said.id}",
        json={"verdict": "accept", "note": "The code stands on paper, before the counter."},
        headers={"Authorization": f"Bearer {demo.house.operator()}", "Idempotency-Key": said.id},
    )
    answer.raise_for_status()
    return person.read(said.id)


def judged(demo: Demo, look: Look, said: Capture, began: float) -> None:
    """Writes an honest capture down: it must be accepted and paid in full."""
    look.status, look.reasons, look.paid, look.capture = said.status, said.reasons, said.paid, said.id
    look.seconds = round(time.monotonic() - began, 2)
    demo.record.looks.append(look)
    demo.record.timings[f"verdict: {look.title}"] = look.seconds
    why = f" ({', '.join(said.reasons)})" if said.reasons else ""
    demo.record.judge(
        f"honest: {look.title}",
        f"accepted, paid {look.reward}",
        f"{said.status}{why}, paid {said.paid}",
        said.status == "accepted" and said.paid == look.reward,
        text=f"accepted, ${look.reward} paid: {look.who}, {look.title} ({look.seconds:.1f} s)",
    )
