"""One take or several: what the thumbnails of recorded films say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.verification import reels, stage
from verification.case import Case
from verification.checks.cuts import cuts
from verification.evidence import Outcome, Status
from verification.film import watch
from verification.picture import Decoder, Pixels


def judged(decoder: Decoder, data: bytes, torch: str = "") -> Outcome:
    evidence = stage.photo(data, ask=stage.terms("video"))
    evidence = replace(evidence, session=replace(evidence.session, torch=torch))
    return cuts(Case(evidence, stage.tools(decoder), film=watch(decoder, data)))


def wander(name: str = "coffee", seed: int = 1, seconds: float = 5.0) -> list[Pixels]:
    return reels.wander(name, seed=seed, seconds=seconds)


def dissolved() -> list[Pixels]:
    a, b, n = wander(), wander("chelsea", 2), 12
    weights = (np.arange(n) + 1) / (n + 1)
    mixed = [(a[k - n] * (1 - w) + b[k] * w).astype(np.uint8) for k, w in zip(range(n), weights, strict=True)]
    return a[:-n] + mixed + b[n:]


def lamp() -> list[Pixels]:
    """A torch switched on and off before a scene of two depths: its nearer half gets brighter."""
    near = np.linspace(1.0, 1.6, reels.SIZE[0])[None, :, None]
    frames = wander(seconds=4.0)
    return [np.clip(f * (near if k // 15 % 2 else 1), 0, 255).astype(np.uint8) for k, f in enumerate(frames)]


MADE: dict[str, Callable[[], list[Pixels]]] = {
    "cut": lambda: wander() + wander("chelsea", 2),
    "jump": lambda: wander()[:30] + wander()[60:],
    "dissolve": dissolved,
    "looped": lambda: wander()[10:45] * 3,
    "stopped": lambda: wander()[:30] + [wander()[30]] * 20 + wander()[30:],
}


@pytest.mark.parametrize("codec", ["h264", "vp8"])
@pytest.mark.parametrize("reason", MADE)
def test_what_is_no_single_take(decoder: Decoder, reason: str, codec: str) -> None:
    outcome = judged(decoder, reels.film(MADE[reason](), codec=codec, bits=800_000))
    assert (outcome.status, outcome.reason) == (Status.OK, reason)
    assert outcome.llr <= -0.5


def test_a_cut_is_where_it_was_made(decoder: Decoder) -> None:
    outcome = judged(decoder, reels.film(MADE["cut"]()))
    cuts_s = outcome.facts["cuts"]
    assert isinstance(cuts_s, list)
    assert cuts_s == pytest.approx([76 / reels.FPS], abs=0.01)


def test_there_and_back_is_a_loop(decoder: Decoder) -> None:
    frames = wander(seed=2)
    outcome = judged(decoder, reels.film(frames + frames[-2::-1]))
    assert outcome.reason == "looped"
    assert outcome.facts["backwards"] is True


def test_missing_frames_are_said(decoder: Decoder) -> None:
    frames = wander()
    times = [k / reels.FPS + (1.5 if k > 40 else 0) for k in range(len(frames))]
    outcome = judged(decoder, reels.film(frames, times=times))
    assert outcome.reason == "frames_missing"
    assert outcome.facts["gap_s"] == pytest.approx(1.5 + 1 / reels.FPS, abs=0.05)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "astronaut", "rocket"])
def test_an_honest_take_is_one(decoder: Decoder, name: str) -> None:
    for seed in range(3):
        outcome = judged(decoder, reels.film(wander(name, seed), bits=600_000))
        assert (outcome.reason, outcome.llr) == ("one_take", 0.1), (seed, outcome)


def test_a_lamp_is_no_cut(decoder: Decoder) -> None:
    assert judged(decoder, reels.film(lamp()), torch="0101").reason == "one_take"


def test_a_still_camera_loops_nothing(decoder: Decoder) -> None:
    noise = np.random.default_rng(0)
    still = wander()[0].astype(int)
    frames = [np.clip(still + noise.normal(0, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(60)]
    assert judged(decoder, reels.film(frames)).reason == "one_take"


def test_without_a_film_nothing_is_said(decoder: Decoder) -> None:
    assert cuts(Case(stage.photo(b"x"), stage.tools(decoder))).reason == "no_film"
