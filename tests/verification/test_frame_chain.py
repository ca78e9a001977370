"""The chain over a film's packets, against what a device may have said of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from core.clock import wire
from tests.verification import reels, stage
from verification.case import Case
from verification.checks.frame_chain import MAX_HEADS, frame_chain
from verification.evidence import Json, Outcome, Status
from verification.film import Film, watch
from verification.picture import Decoder
from verification.statement import parse_statement


@pytest.fixture(scope="module")
def film(decoder: Decoder) -> Film:
    return watch(decoder, reels.honest())


def judged(decoder: Decoder, film: Film | None, chain: Json) -> Outcome:
    evidence = stage.photo(b"x", say={"frame_chain": chain})
    statement = parse_statement(evidence.session.statement)
    return frame_chain(Case(evidence, stage.tools(decoder), statement=statement, film=film))


def heads(film: Film, *, every: int = 15, pace: float = 1.0) -> list[Json]:
    """As a device streams them: one a second."""
    counts = range(every, len(film.heads) + 1, every)
    return [
        {
            "frames": count,
            "head": film.heads[count - 1].hex(),
            "at": wire(stage.NOON + timedelta(seconds=pace * film.packets[count - 1].t)),
        }
        for count in counts
    ]


def test_the_chain_is_over_the_packets_of_the_file(film: Film) -> None:
    data, at = reels.honest(), 0
    head = hashlib.sha256(b"spotcheck-frame-chain-v1").digest()
    start = data.index(b"mdat") + 4
    for packet, said in zip(film.packets, film.heads, strict=True):
        inside = data[start + at : start + at + packet.size]
        head = hashlib.sha256(head + hashlib.sha256(inside).digest()).digest()
        assert said == head
        at += packet.size


def test_a_chain_that_fits(decoder: Decoder, film: Film) -> None:
    outcome = judged(decoder, film, heads(film))
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "frames_as_chained", 0.0)
    assert (outcome.facts["heads"], outcome.facts["chained"]) == (5, 75)
    assert outcome.facts["head"] == film.heads[-1].hex()


def test_upper_case_and_no_times_are_fine(decoder: Decoder, film: Film) -> None:
    said: list[Json] = [{"frames": 3, "head": film.heads[2].hex().upper()}]
    assert judged(decoder, film, said).reason == "frames_as_chained"


def test_absence_says_nothing_but_the_head(decoder: Decoder, film: Film) -> None:
    outcome = judged(decoder, film, None)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "no_chain")
    assert outcome.facts["head"] == film.heads[-1].hex()
    assert judged(decoder, None, heads(film)).reason == "no_film"


def test_frames_put_in_later_break_it(decoder: Decoder, film: Film) -> None:
    frames = reels.wander(seed=0)
    longer = watch(decoder, reels.film(frames[:40] + frames[35:40] + frames[40:]))
    outcome = judged(decoder, longer, heads(film))
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "frames_not_as_chained")


def test_more_heads_than_frames(decoder: Decoder, film: Film) -> None:
    said: list[Json] = [*heads(film), {"frames": 999, "head": "00" * 32}]
    outcome = judged(decoder, film, said)
    assert (outcome.reason, outcome.facts["first_wrong"]) == ("frames_not_as_chained", 999)


def test_heads_made_after_the_fact_come_too_fast(decoder: Decoder, film: Film) -> None:
    ends = [heads(film)[0], heads(film)[-1]]
    assert judged(decoder, film, ends).reason == "frames_as_chained"
    fast = heads(film, pace=0.01)
    outcome = judged(decoder, film, [fast[0], fast[-1]])
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "chain_out_of_time")


@pytest.mark.parametrize(
    "chain",
    [
        [],
        "x",
        7,
        {},
        ["00"],
        [{"frames": 0, "head": "00"}],
        [{"frames": True, "head": "00"}],
        [{"frames": 2.5, "head": "00"}],
        [{"frames": 1}],
        [{"frames": 1, "head": 7}],
        [{"frames": 1, "head": "00", "at": "noon"}],
        [{"frames": 2, "head": "00"}, {"frames": 1, "head": "00"}],
        [{"frames": k + 1, "head": "00"} for k in range(MAX_HEADS + 1)],
    ],
)
def test_what_is_no_chain(decoder: Decoder, film: Film, chain: Json) -> None:
    outcome = judged(decoder, film, chain)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "unreadable_chain")
