"""Whether p_answer means what it says: signs and displays with right and wrong answers, simulated.

    python -m bench.answers [--photos DIR] [--quick] [--json PATH] [--seed N] [--learn FILE]

Each capture is a photograph with a sign or display rendered into it (`bench.displays`), in a third of them a
second one of the same kind beside it. The answer is right in 70 % of the captures (the calibration's prior);
else half are wrong in a digit or letter, a quarter give what stands on the second one (where there is one),
the rest are invented; of choices a wrong answer is another choice. The real check reads the picture; fusion
makes p_answer of it. Log score is the mean of -ln p(what is true), in nats, beside that of always saying the
prior; ECE is over ten equal bins. Intervals: 1,000 resamples of the base photographs.

`--learn FILE` writes captures of the other half of the photographs as samples for `python -m verification
calibrate --samples … FILE`, which learns from them what a reading is worth; nothing is measured then.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench import displays
from bench.duplicates import bases
from core.figures import Row, arguments, finish
from tests.fakes.seeing import BlindEngine, EmptyMemory
from tests.verification import stage
from tests.verification.eyes import picture
from verification import constants as numbers
from verification import fusion
from verification.calibration.samples import ANSWERS, Sample, line_of
from verification.case import Case, Tools
from verification.checks.answer import answer
from verification.engine import Engine
from verification.evidence import Finding, Json, Verdict
from verification.picture import Decoder, Pixels
from verification.pipeline import run
from verification.reading import Reader
from verification.registry import registered
from verification.trust import TrustList

RIGHT = 0.7
SECOND = 0.33
WRONG = ("near", "near", "second", "invented")


@dataclass(frozen=True, slots=True)
class Judged:
    """One capture: which photograph and display, how the answer came about, what the check said of it and
    the p_answer it got."""

    base: str
    kind: str
    origin: str
    finding: Finding
    p: float

    @property
    def right(self) -> bool:
        """Whether the answer was right."""
        return self.origin == "right"


def capture(
    number: int, pictures: dict[str, Pixels], source: random.Random
) -> tuple[str, displays.Content, str, Json, Pixels]:
    """Base, content, origin of the answer, the answer, and the picture."""
    base = source.choice(sorted(pictures))
    kind = displays.KINDS[number % len(displays.KINDS)]
    shows = displays.content(kind, source)
    second = displays.content(kind, source) if source.random() < SECOND else None
    sheets = [displays.drawn(one, source) for one in (shows, second) if one is not None]
    source.shuffle(sheets)
    origin = "right" if source.random() < RIGHT else source.choice(WRONG)
    given = shows.answer
    if origin == "near" or (origin != "right" and kind == "choice"):
        origin, given = "near", displays.nearly(shows, source)
    elif origin == "second" and second is not None:
        given = second.answer
    elif origin != "right":
        origin, given = "invented", displays.content(kind, source).answer
    return base, shows, origin, given, displays.hung(pictures[base], sheets, source)


def judged(count: int, pictures: dict[str, Pixels], seed: int) -> list[Judged]:
    """The real check and the fusion in use, on `count` captures."""
    source, found = random.Random(seed), []
    check = next(check for check in registered() if check.run is answer)
    constants = numbers.calibration()
    with Decoder() as decoder:
        tools = Tools(decoder, EmptyMemory(), BlindEngine(), Reader(Engine("cpu")), TrustList())
        for number in range(count):
            base, shows, origin, given, rgb = capture(number, pictures, source)
            evidence = stage.photo(b"x", ask=stage.terms(answer_schema=shows.schema))
            finding = run(check, Case(replace(evidence, answer=given), tools, picture(rgb)))
            fused = fusion.fuse([finding], constants, required=frozenset(), answered=True, tier=0)
            found.append(Judged(base, shows.kind, origin, finding, fused.p_answer or 0.0))
    return found


def halves(pictures: dict[str, Pixels]) -> tuple[dict[str, Pixels], dict[str, Pixels]]:
    """The photographs to learn from, and those to measure on."""
    parts: tuple[dict[str, Pixels], dict[str, Pixels]] = ({}, {})
    for name, rgb in pictures.items():
        parts[hashlib.sha256(name.encode()).digest()[0] % 2][name] = rgb
    return parts


def lines(items: Sequence[Judged]) -> str:
    """Judged captures as samples of the calibration split."""
    found = [
        Sample(
            id=f"answer-{number}",
            base=item.base,
            tier=0,
            stratum=ANSWERS,
            family=item.kind,
            split="calibration",
            genuine=True,
            verdict=Verdict.ACCEPT,
            p_genuine=1.0,
            findings=(item.finding,),
            answer_right=item.right,
            p_answer=item.p,
        )
        for number, item in enumerate(items)
    ]
    return "".join(f"{line_of(sample)}\n" for sample in found)


def log_score(items: Sequence[Judged]) -> float:
    """Mean of -ln p(truth), nats."""
    return sum(-math.log(item.p if item.right else 1 - item.p) for item in items) / len(items)


def brier(items: Sequence[Judged]) -> float:
    """Mean squared error."""
    return sum((item.p - item.right) ** 2 for item in items) / len(items)


def calibration_error(items: Sequence[Judged]) -> float:
    """Expected calibration error over ten equal bins."""
    total = 0.0
    for low in np.arange(0, 1, 0.1):
        inside = [item for item in items if low <= item.p < low + 0.1]
        total += abs(sum(item.p for item in inside) - sum(item.right for item in inside))
    return total / len(items)


def resampled(
    name: str, items: Sequence[Judged], measure: Callable[[Sequence[Judged]], float], bar: str | None = None
) -> Row:
    """A measure with its 95 % interval over resampled base photographs."""
    by_base: dict[str, list[Judged]] = {}
    for item in items:
        by_base.setdefault(item.base, []).append(item)
    source, names = random.Random(7), sorted(by_base)
    values = []
    for _ in range(1_000):
        values.append(
            measure([item for name in source.choices(names, k=len(names)) for item in by_base[name]])
        )
    low, high = (float(value) for value in np.quantile(values, [0.025, 0.975]))
    return Row(name, measure(items), low, high, len(items), bar=bar)


def main(given: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 when a bar is missed."""
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--captures", type=int)
    parser.add_argument("--learn", type=Path)
    chosen = parser.parse_args(given)
    learnt, measured = halves(bases(chosen.photos, 60, random.Random(chosen.seed)))
    count = chosen.captures or (60 if chosen.quick else 240)
    if chosen.learn:
        chosen.learn.write_text(lines(judged(count, learnt, chosen.seed + 1)), encoding="utf-8")
        return 0
    items = judged(count, measured, chosen.seed)
    prior = -(RIGHT * math.log(RIGHT) + (1 - RIGHT) * math.log(1 - RIGHT))
    rows = [
        resampled("log score (nats), all", items, log_score, f"<= {prior:.3f}"),
        Row("log score of always saying 0.7", prior, prior, prior, len(items)),
        resampled("Brier score", items, brier),
        resampled("ECE, ten bins", items, calibration_error),
    ]
    for kind in displays.KINDS:
        rows.append(resampled(f"log score, {kind}", [item for item in items if item.kind == kind], log_score))
    for origin in ("right", "near", "second", "invented"):
        some = [item for item in items if item.origin == origin]
        if some:
            rows.append(resampled(f"mean p_answer, {origin}", some, lambda s: sum(i.p for i in s) / len(s)))
    reasons = {
        f"{i.origin} {i.finding.reason}": sum(
            (j.origin, j.finding.reason) == (i.origin, i.finding.reason) for j in items
        )
        for i in items
    }
    return finish(
        "p_answer on simulated signs and displays", rows, chosen.json, seed=chosen.seed, reasons=reasons
    )


if __name__ == "__main__":
    raise SystemExit(main())
