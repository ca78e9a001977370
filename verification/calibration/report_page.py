"""`python -m verification report`: writes docs/verification.md and its drawings from the red team's samples.

    python -m verification report --samples FOLDER --summary SUMMARY.json --out docs/verification.md

Reads samples' lines (`calibration.samples`) of the split "reported", and what `redteam --json` wrote: its
bars and whether the run is void. What stands below the line `KEPT` of an existing page is written by hand and
kept. Strata are never pooled. Drawings lie in a folder beside the page, named like it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from verification import constants, fusion
from verification.calibration import drawings, samples, scoring
from verification.calibration.drawings import Bin, Curve
from verification.calibration.samples import Sample
from verification.calibration.scoring import Doubles, Figure
from verification.evidence import Verdict

KEPT = "<!-- below: by hand -->"
SPLIT = "reported"
STRATA = ("protocol", "reuse", "sighted", "adaptive")
MISSED = 0.05  # share accepted from which on a family is listed as missed
_SAYS = {
    "protocol": "The session, the keys, the times or the file are false. The bar is none accepted.",
    "reuse": "A picture that was handed in before, changed or not.",
    "sighted": "A valid account, session, key, place and motion: only the named thing is false. Tier 0 asks "
    "for nothing against these: they are priced into its `p_genuine`.",
    "adaptive": "The cheat sees the verdict and tries again.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """The command. 0 when the page was written, 1 when the samples do not do."""
    parser = argparse.ArgumentParser(prog="python -m verification report", description=__doc__)
    parser.add_argument(
        "--samples", type=Path, nargs="+", required=True, help="JSON lines (also .xz), or folders"
    )
    parser.add_argument("--summary", type=Path, help="what redteam --json wrote")
    parser.add_argument("--out", type=Path, default=Path("docs/verification.md"))
    args = parser.parse_args(argv)
    try:
        found = [sample for sample in samples.read(args.samples) if sample.split == SPLIT]
        summary = json.loads(args.summary.read_text(encoding="utf-8")) if args.summary else {}
        write(found, summary, args.out)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"report: {error}\n")
        return 1
    sys.stdout.write(f"{args.out}: {len(found)} samples\n")
    return 0


def write(found: Sequence[Sample], summary: Mapping[str, Any], out: Path) -> None:
    """Writes page and drawings.

    Raises:
        ValueError: no honest or no false sample, or samples judged with different constants (a cheat that
            adapts cannot be judged again, so only its lines may be older).
    """
    if not any(sample.genuine for sample in found) or all(sample.genuine for sample in found):
        raise ValueError(f"the split {SPLIT!r} needs honest samples and false ones")
    used = {sample.calibration for sample in found if sample.stratum != "adaptive"}
    if len(used) > 1:
        raise ValueError(f"the samples were judged with different constants: {', '.join(sorted(used))}")
    old = out.read_text(encoding="utf-8") if out.exists() else ""
    by_hand = f"\n{KEPT}{old.partition(KEPT)[2]}" if KEPT in old else ""
    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in _drawings(found).items():
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")
    text = "\n".join(page(found, summary, folder.name))
    out.write_text(f"{text}\n{by_hand}", encoding="utf-8")


def page(found: Sequence[Sample], summary: Mapping[str, Any], folder: str) -> Iterator[str]:
    """The page's lines."""
    honest = [sample for sample in found if sample.genuine]
    used = next((sample.calibration for sample in found if sample.calibration), "constants not named")
    false = {sample.family for sample in found if not sample.genuine}
    yield "# What the verifier has been measured on, and what not"
    yield (
        f"\nWritten by `python -m verification report` from {len(found)} judged captures: {len(honest)} "
        f"honest, {len(found) - len(honest)} false of {len(false)} attack families. **All are simulated from "
        f"photographs**: no figure is a promise about the field. Judged with {used}.\n"
    )
    yield _held_out(false)
    yield "Intervals hold 95 % and count photographs, not captures: those from one photograph err together."
    if summary.get("void"):
        yield f"\n**This run is void: {summary['void']}.** Its figures do not count."
    yield from _bars(summary)
    yield "\n## Honest captures\n"
    yield from _rates(honest)
    yield f"\n![Honest captures and attacks by p_genuine]({folder}/honest.svg)"
    for stratum in STRATA:
        own = [sample for sample in found if sample.stratum == stratum and not sample.genuine]
        if own:
            yield f"\n## Attacks: {stratum}\n\n{_SAYS[stratum]}\n"
            yield from _rates(own)
    yield f"\n![ROC by attack family]({folder}/roc.svg)"
    yield from _missed(found)
    yield from _calibration(found, folder)
    yield from _answers(honest)


def _held_out(false: set[str]) -> str:
    """Whether the constants in use were learnt from any of these families."""
    learnt = json.loads(constants.PATH.read_text(encoding="utf-8"))["learnt_from"]
    if not learnt:
        return "The constants are set by hand: nothing was learnt from any capture."
    both = sorted(false & set(learnt["families"]))
    if both:
        return f"**Also calibrated on, so not held out**: {', '.join(both)}."
    return f"Calibrated on {len(learnt['families'])} other families, none of them on this page."


def _bars(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary.get("bars"):
        return
    yield "\n## The bars\n\n| bar | measured | 95 % | n | |\n|---|---|---|---|---|"
    for bar in summary["bars"]:
        figure = bar["figure"]
        yield (
            f"| {bar['name']} {bar['sign']} {bar['limit']:.1%} | {figure['value']:.1%} | {_span(figure)} "
            f"| {figure['n']} | {'met' if bar['met'] else '**missed**'} |"
        )
    control = summary.get("control_auc")
    if control:
        yield (
            "\nControl: a classifier that sees only file size, quantisation tables and EXIF tells honest "
            f"from false with an AUC of {control['value']:.3f} ({control['low']:.3f} to "
            f"{control['high']:.3f}); over 0.55 the run is void."
        )
    yield from (f"\nLeft out: {name}." for name in summary.get("left_out", ()))


def _span(figure: Mapping[str, float]) -> str:
    return f"{figure['low']:.1%} to {figure['high']:.1%}"


def _rates(own: Sequence[Sample]) -> Iterator[str]:
    """A table, one row a family and tier, the most accepted first within a tier."""
    yield "| family | tier | n | photographs | accepted | 95 % | review | rejected |"
    yield "|---|---|---|---|---|---|---|---|"
    rows = [(tier, name, _accepted(each), each) for (tier, name), each in grouped(own).items()]
    for tier, name, accepted, each in sorted(rows, key=lambda row: (-row[0], -row[2].value, row[1])):
        review, rejected = (
            sum(sample.verdict is verdict for sample in each) / len(each)
            for verdict in (Verdict.REVIEW, Verdict.REJECT)
        )
        yield (
            f"| {escape(name)} | T{tier} | {accepted.n} | {accepted.clusters} | {accepted.value:.1%} "
            f"| {accepted.low:.1%} to {accepted.high:.1%} | {review:.1%} | {rejected:.1%} |"
        )


def grouped(own: Iterable[Sample]) -> dict[tuple[int, str], list[Sample]]:
    """By tier and family."""
    groups: dict[tuple[int, str], list[Sample]] = {}
    for sample in own:
        groups.setdefault((sample.tier, sample.family), []).append(sample)
    return groups


def _accepted(own: Sequence[Sample]) -> Figure:
    hits = np.array([sample.verdict is Verdict.ACCEPT for sample in own], dtype=bool)
    return scoring.rate(hits, [sample.base for sample in own])


def _missed(found: Sequence[Sample]) -> Iterator[str]:
    yield "\n## What we miss\n"
    rows = [
        (stratum, tier, name, _accepted(own))
        for stratum in STRATA
        for (tier, name), own in grouped(s for s in found if s.stratum == stratum and not s.genuine).items()
    ]
    bad = sorted((row for row in rows if row[3].value >= MISSED), key=lambda row: -row[3].value)
    for stratum, tier, name, accepted in bad:
        yield (
            f"* **{escape(name)}** ({stratum}, tier {tier}): {accepted.value:.1%} accepted, "
            f"at most {accepted.high:.1%} (n {accepted.n})."
        )
    if not bad:
        yield f"No family of this run is accepted in {MISSED:.0%} of its tries or more. Others may be."


def _calibration(found: Sequence[Sample], folder: str) -> Iterator[str]:
    prior = constants.calibration().prior_genuine
    yield (
        f"\n## Is p_genuine what it says?\n\nAt the stated prior of {prior:.0%} genuine, every attack family "
        "of a tier weighing alike; adaptive ones and captures that a check proved false are left out. Cllr "
        "is in bits: 0 is perfect, 1 says nothing; Cllr_min is what remains after the best recalibration.\n"
    )
    yield "| tier | n | Cllr | Cllr_min | ECE | Brier | log score (bits) |\n|---|---|---|---|---|---|---|"
    for tier, own in _tiers(found).items():
        p, truth, weights, bases = _arrays(own, prior)
        llr = np.log(p) - np.log1p(-p) - fusion.logit(prior)
        figures = [
            scoring.clustered(score, values, truth, weights, bases, rounds=200)
            for score, values in (
                (scoring.cllr, llr),
                (scoring.cllr_min, llr),
                (scoring.ece, p),
                (scoring.brier, p),
                (scoring.log_score, p),
            )
        ]
        cells = (f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in figures)
        yield f"| T{tier} | {len(own)} | {' | '.join(cells)} |"
    yield f"\n![Reliability diagram]({folder}/reliability.svg)"


def _answers(honest: Sequence[Sample]) -> Iterator[str]:
    asked = [s for s in honest if s.answer_right is not None and s.p_answer is not None]
    if not asked:
        return
    p = np.clip(np.array([s.p_answer for s in asked], dtype=np.float64), 1e-9, 1 - 1e-9)
    truth = np.array([s.answer_right for s in asked], dtype=bool)
    bases, even = [s.base for s in asked], np.ones(len(asked))
    yield "\n## The answers\n\nOf honest captures that were asked something.\n"
    yield "| n | right | log score (bits) | ECE | Brier |\n|---|---|---|---|---|"
    scores = (scoring.log_score, scoring.ece, scoring.brier)
    figures = [scoring.clustered(score, p, truth, even, bases, rounds=200) for score in scores]
    cells = (f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for one in figures)
    yield f"| {len(asked)} | {truth.mean():.1%} | {' | '.join(cells)} |"


def _tiers(found: Sequence[Sample]) -> dict[int, list[Sample]]:
    """Captures that nothing proves false, by tier, where both kinds are there."""
    tiers: dict[int, list[Sample]] = {}
    for sample in found:
        if sample.stratum != "adaptive" and not sample.proven_false:
            tiers.setdefault(sample.tier, []).append(sample)
    return {tier: own for tier, own in sorted(tiers.items()) if len({s.genuine for s in own}) == 2}


def _arrays(own: Sequence[Sample], prior: float) -> tuple[Doubles, scoring.Bools, Doubles, list[str]]:
    p = np.clip(np.array([sample.p_genuine for sample in own], dtype=np.float64), 1e-9, 1 - 1e-9)
    truth = np.array([sample.genuine for sample in own], dtype=bool)
    weights = scoring.shares(truth, [sample.family for sample in own], prior)
    return p, truth, weights, [sample.base for sample in own]


def _drawings(found: Sequence[Sample]) -> dict[str, str]:
    """Name -> SVG."""
    prior = constants.calibration().prior_genuine
    tiers = {f"Tier {tier}": own for tier, own in _tiers(found).items()}
    attacked = {s.tier for s in found if s.stratum in {"reuse", "sighted"}}
    main = max((s.tier for s in found if s.genuine and s.tier in attacked), default=0)
    honest = np.array([s.p_genuine for s in found if s.genuine and s.tier == main], dtype=np.float64)
    panels = {
        f"{stratum.capitalize()}, tier {main}": [
            curve(name, honest, [s.p_genuine for s in own])
            for (tier, name), own in grouped(s for s in found if s.stratum == stratum).items()
            if tier == main
        ]
        for stratum in ("reuse", "sighted")
    }
    return {
        "reliability": drawings.reliability({name: bins(own, prior) for name, own in tiers.items()}),
        "roc": drawings.roc({name: curves for name, curves in panels.items() if curves}),
        "honest": drawings.histogram({name: _histograms(own) for name, own in tiers.items()}),
    }


def bins(own: Sequence[Sample], prior: float, count: int = 10) -> list[Bin]:
    """The reliability diagram's bins, with Wilson's interval at each bin's effective size (Kish)."""
    p, truth, weights, _ = _arrays(own, prior)
    chosen, found = scoring.masses(p, weights, count), []
    for number in np.unique(chosen).tolist():
        here = weights * (chosen == number)
        true = float(np.average(truth, weights=here))
        low, high = scoring.wilson(true, float(here.sum() ** 2 / np.sum(here**2)))
        found.append(Bin(float(here.sum()), float(np.average(p, weights=here)), true, low, high))
    return found


def curve(name: str, honest: Doubles, attack: Sequence[float]) -> Curve:
    """A family's ROC against the honest captures."""
    score = np.concatenate([honest, np.array(attack, dtype=np.float64)])
    truth = np.arange(len(score)) < len(honest)
    lines = np.concatenate([[2.0], np.unique(score)[::-1]])
    false, true = np.sort(score[~truth]), np.sort(honest)
    accepted = [1 - np.searchsorted(values, lines, side="left") / len(values) for values in (false, true)]
    return Curve(name, accepted[0], accepted[1], scoring.auc(score, truth, np.ones(len(score))))


def _histograms(own: Sequence[Sample], count: int = 20) -> tuple[list[float], list[float]]:
    """Shares of the honest and of the false in bins of equal width; each false family weighs alike."""
    p, truth, weights, _ = _arrays(own, 0.5)
    both = (np.histogram(p[side], count, (0, 1), weights=weights[side])[0] * 2 for side in (truth, ~truth))
    honest, attack = (heights.tolist() for heights in both)
    return honest, attack


if __name__ == "__main__":
    sys.exit(main())
