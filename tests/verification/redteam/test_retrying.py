"""An adaptive cheat stops at the first accept, tries twenty times, and gets a new challenge each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.verification.redteam.test_registry import SHELVES, sample
from verification import context as contexts
from verification.context import Context
from verification.evidence import Evidence, Verdict
from verification.redteam.keep import keep_context
from verification.redteam.registry import Split
from verification.redteam.retrying import TRIES, Care, best_of
from verification.redteam.workshop import Oracle, Reply, Workshop

SHELF = SHELVES[Split.REPORTED]


def climber(oracle: Oracle) -> tuple[Workshop, list[str]]:
    workshop = Workshop(np.random.default_rng(1), SHELF.real[0], SHELF, "reported", "web", 1, oracle)
    return workshop, []


def test_it_keeps_at_it_twenty_times_and_hands_in_the_mildest() -> None:
    asked: list[Context] = []

    def never(context: Context) -> Reply:
        asked.append(context)
        return Reply(Verdict.REVIEW if len(asked) == 3 else Verdict.REJECT, ("no",))

    workshop, codes = climber(never)

    def attempt(care: Care) -> Evidence:
        codes.append(workshop.code)
        return workshop.evidence(workshop.still())

    made = best_of(workshop, attempt)
    assert made.tries == len(asked) == TRIES
    assert made.context.evidence == asked[2].evidence
    assert len(set(codes)) == TRIES


def test_it_stops_when_it_is_paid() -> None:
    replies = iter([Verdict.REJECT, Verdict.REVIEW, Verdict.ACCEPT, Verdict.ACCEPT])
    workshop, _ = climber(lambda _: Reply(next(replies), ()))
    assert best_of(workshop, lambda _: workshop.evidence(workshop.still())).tries == 3


def test_a_kept_context_is_read_as_the_format_says(tmp_path: Path) -> None:
    made = sample("stock_picture").context
    read = contexts.load(keep_context(made, tmp_path / "one"))
    assert read.evidence.media == made.evidence.media
    assert read.evidence.session.nonce == made.evidence.session.nonce
    assert read.evidence.session.code == made.evidence.session.code
    assert read.evidence.terms.tier == 1
    assert read.evidence.burst is not None
    assert made.evidence.burst is not None
    assert read.evidence.burst.frames == made.evidence.burst.frames
    assert read.evidence.burst.motion == made.evidence.burst.motion
    assert len(read.memory) == len(made.memory)
