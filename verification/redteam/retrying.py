"""Trying again: hill climbing on two knobs, seeing no more than verdict and reasons.

The climber knows nothing of the checks: it changes the knobs at random, keeps a change that brought a milder
verdict or another set of fewer reasons, and stops at the first accept. Each try is a new claim with a new
challenge, so what was learnt is the manner, not the capture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verification.context import Context, Earlier
from verification.evidence import Evidence, Verdict
from verification.redteam.workshop import Reply, Sample, Workshop

Care = tuple[float, float]
"""Two knobs, 0..1 each."""
TRIES = 20
_MILD = {Verdict.ACCEPT: 0, Verdict.REVIEW: 1, Verdict.REJECT: 2}


def best_of(
    workshop: Workshop,
    attempt: Callable[[Care], Evidence],
    memory: Sequence[Earlier] = (),
    *,
    tries: int = TRIES,
) -> Sample:
    """The first capture that was accepted, else the mildest judged of `tries`."""
    care = (float(workshop.rng.uniform()), float(workshop.rng.uniform()))
    best: tuple[tuple[int, int], Evidence, Care] | None = None
    made = 0
    for _ in range(tries):
        made += 1
        workshop.challenge()
        evidence = attempt(care)
        reply = workshop.oracle(Context(evidence, tuple(memory)))
        if best is None or _worth(reply) <= best[0]:
            best = (_worth(reply), evidence, care)
        if reply.verdict is Verdict.ACCEPT:
            break
        step = workshop.rng.normal(0, 0.25, 2)
        care = (_bounded(best[2][0] + step[0]), _bounded(best[2][1] + step[1]))
    assert best is not None  # noqa: S101 - tries >= 1
    note = f"{made} tries, knobs {best[2][0]:.2f} {best[2][1]:.2f}"
    return workshop.sample(best[1], memory, tries=made, note=note)


def _worth(reply: Reply) -> tuple[int, int]:
    return _MILD[reply.verdict], len(reply.reasons)


def _bounded(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
