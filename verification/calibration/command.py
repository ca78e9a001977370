"""`python -m verification calibrate`: learns `calibration.json` from the red team's samples.

    python -m verification calibrate --samples FOLDER --out verification/calibration.json --seed 1

Reads the samples' lines (`calibration.samples`), takes only those of the split "calibration", learns
(`calibration.learning`), prints what each family's evidence is worth against each fraud and how good the
whole is on bases and attack families it has not seen, and writes the file. The same samples, seed and commit
give the same bytes. Families with too few samples keep the constants of `hand_set.json`; the file says so.
`--frauds` names those that are learnt. By default staged and altered: what the simulated cheats forge of
positions, hours and sessions is fitted by construction, so learning from it would only say so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from verification import constants, fusion
from verification.calibration import learning, samples, scoring
from verification.calibration.learning import Data
from verification.calibration.samples import Sample
from verification.calibration.scoring import Doubles, Figure
from verification.constants import Against, Knots, Model
from verification.evidence import Family
from verification.frauds import Fraud

SPLIT = "calibration"
_NOTE = (
    "Learnt by `python -m verification calibrate` where a status says so, from simulated captures; else set "
    "by hand. Log-likelihood ratios are in nats, genuine over not. Money is in micro-dollars."
)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What calibration found.

    Attributes:
        file: the object that is written.
        table: one row a fraud and family: names, status, honest and attacks that spoke, a, b, low,
            high, abstain.
        figures: "T0" … or "all" -> name of a score -> figure; "as judged" before, "calibrated" after.
    """

    file: Mapping[str, Any]
    table: Sequence[Mapping[str, Any]]
    figures: Mapping[str, Mapping[str, Mapping[str, Figure]]]


def say(line: str, to: TextIO | None = None) -> None:
    """Writes a line."""
    (to or sys.stdout).write(line + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """The command. 0 when a file was written, 1 when the samples do not do."""
    parser = argparse.ArgumentParser(prog="python -m verification calibrate", description=__doc__)
    parser.add_argument(
        "--samples", type=Path, nargs="+", required=True, help="JSON lines (also .xz), or folders of them"
    )
    parser.add_argument("--out", type=Path, default=constants.PATH)
    parser.add_argument("--by-hand", type=Path, default=constants.HAND_SET, help="constants to begin from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prior", type=float, help="stated share of genuine captures; default: as by hand")
    parser.add_argument(
        "--frauds", nargs="+", type=Fraud, choices=list(Fraud), default=[Fraud.STAGED, Fraud.ALTERED]
    )
    parser.add_argument("--name", help="default: learnt-<date of the commit>")
    parser.add_argument("--json", action="store_true", help="prints JSON instead of tables")
    args = parser.parse_args(argv)
    try:
        found = [sample for sample in samples.read(args.samples) if sample.split == SPLIT]
        begun = json.loads(args.by_hand.read_text(encoding="utf-8"))
        if args.prior is not None:
            begun["prior_genuine"] = args.prior
        learnt = learn(found, begun, seed=args.seed, name=args.name, frauds=args.frauds)
    except (OSError, ValueError) as error:
        say(f"calibrate: {error}", sys.stderr)
        return 1
    text = written(learnt.file)
    args.out.write_text(text, encoding="utf-8")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if args.json:
        figures = {
            who: {how: {name: asdict(one) for name, one in scores.items()} for how, scores in rows.items()}
            for who, rows in learnt.figures.items()
        }
        say(json.dumps({"sha256": sha256, "table": learnt.table, "figures": figures, "file": learnt.file}))
    else:
        say("\n".join(lines(learnt)))
        say(f"{args.out}: {learnt.file['name']} sha256:{sha256}")
    return 0


def learn(
    found: Sequence[Sample],
    begun: Mapping[str, Any],
    *,
    seed: int,
    name: str | None = None,
    frauds: Sequence[Fraud] = tuple(Fraud),
) -> Learnt:
    """Models, their table and figures.

    Args:
        found: samples of the calibration split.
        begun: the object of `hand_set.json`.
        frauds: those that are learnt; of the others the constants set by hand stay.

    Raises:
        ValueError: too few samples to learn from.
    """
    by_hand = constants.parse(begun, "")
    soft = [s for s in found if not s.proven_false and s.stratum != samples.ANSWERS]
    honest = {sample.base for sample in soft if sample.genuine}
    attacks = {(sample.base, sample.family) for sample in soft if not sample.genuine}
    if min(len(honest), len(attacks)) < learning.ENOUGH:
        raise ValueError(
            f"{len(honest)} honest bases and {len(attacks)} attacks that nothing proves false in the split "
            f"{SPLIT!r}: at least {learning.ENOUGH} of each are needed"
        )
    data = learning.arrays(soft)
    mix = learning.mixes(data)
    models: dict[Fraud, Against] = {}
    unseen: dict[Fraud, Doubles] = {}
    for fraud, against in by_hand.frauds.items():
        if fraud not in frauds:
            inside, outside = learning.totals(data, dict(against.families))
            unseen[fraud] = inside + outside
            models[fraud] = Against(mix[fraud], against.families, against.final)
            continue
        families, final, unseen[fraud] = _against(data, fraud, against, seed)
        models[fraud] = Against(mix[fraud], families, final)
    answer = _answer(found, by_hand.answer[Family.ANSWER], seed)
    return Learnt(
        _file(found, begun, models, answer, seed, name),
        [
            _row(data, fraud, family, model)
            for fraud in models
            for family, model in models[fraud].families.items()
        ],
        _figures(soft, data, learning.together(data, unseen, mix), by_hand.prior_genuine, seed),
    )


def _against(
    data: Data, fraud: Fraud, by_hand: Against, seed: int
) -> tuple[dict[Family, Model], Knots, Doubles]:
    """What is learnt against one fraud, and every capture's ratio by models that have not seen it, [n]."""
    mask, hand = data.against(fraud), dict(by_hand.families)
    models: dict[Family, Model] = {}
    for family, model in hand.items():
        models[family] = learning.family_model(data, family, mask, model)
        if models[family].learnt:
            models[family] = learning.with_spread(data, family, mask, models[family], model, seed)
    folds = learning.folds_of(data, seed)
    sums, outside = learning.sums_unseen(data, hand, mask, folds, seed)
    final = learning.with_doubt(data, sums, mask, learning.knots(data, sums, mask), seed)
    return models, final, learning.cross_checked(data, sums, mask, folds) + outside


def _answer(found: Sequence[Sample], by_hand: Model, seed: int) -> Model:
    """The model of the answer: right over wrong, among genuine captures of which a reader said something.

    That nothing like the answer was read says nothing: what is asked need not be written anywhere, and the
    samples, signs and displays all, cannot tell how often it is.
    """
    asked = [
        sample
        for sample in found
        if sample.genuine
        and sample.answer_right is not None
        and fusion.spoken(Family.ANSWER, sample.findings) is not None
    ]
    if not asked:
        return by_hand
    data = learning.arrays(asked, [bool(sample.answer_right) for sample in asked])
    everyone = np.ones(len(asked), dtype=bool)
    model = learning.family_model(data, Family.ANSWER, everyone, by_hand)
    if not model.learnt:
        return model
    return learning.with_spread(data, Family.ANSWER, everyone, model, by_hand, seed)


def _figures(
    soft: Sequence[Sample], data: Data, unseen: Doubles, prior: float, seed: int
) -> dict[str, dict[str, dict[str, Figure]]]:
    """Scores at the stated prior, by tier and over all, before (as judged) and after."""
    judged = np.clip([sample.p_genuine for sample in soft], 1e-9, 1 - 1e-9)
    odds = float(fusion.logit(prior))
    before = np.log(judged) - np.log1p(-judged) - odds
    result: dict[str, dict[str, dict[str, Figure]]] = {}
    groups = {f"T{tier}": data.tier == tier for tier in sorted(set(data.tier.tolist()))}
    for who, mask in {**groups, "all": np.ones(len(soft), dtype=bool)}.items():
        truth = data.truth[mask]
        if not truth.any() or truth.all():
            continue
        chosen = [sample for sample, here in zip(soft, mask, strict=True) if here]
        weights = scoring.shares(truth, [sample.family for sample in chosen], prior)
        bases = [sample.base for sample in chosen]
        result[who] = {}
        for how, llr in (("as judged", before[mask]), ("calibrated", unseen[mask])):
            p = 1 / (1 + np.exp(-(llr + odds)))
            result[who][how] = {
                name: scoring.clustered(score, values, truth, weights, bases, seed=seed, rounds=200)
                for name, score, values in (
                    ("Cllr", scoring.cllr, llr),
                    ("Cllr_min", scoring.cllr_min, llr),
                    ("ECE", scoring.ece, p),
                    ("Brier", scoring.brier, p),
                    ("log score", scoring.log_score, p),
                )
            }
    return result


def _row(data: Data, fraud: Fraud, family: Family, model: Model) -> dict[str, Any]:
    spoke = np.isfinite(data.sums[family]) & data.against(fraud)
    return {
        "fraud": fraud.value,
        "family": family.value,
        "status": "learnt" if model.learnt else "hand-set",
        "honest": int((spoke & data.truth).sum()),
        "attack": int((spoke & ~data.truth).sum()),
        "a": model.a,
        "b": model.b,
        "low": model.low,
        "high": model.high,
        "abstain": list(model.abstain),
    }


def _file(
    found: Sequence[Sample],
    begun: Mapping[str, Any],
    models: Mapping[Fraud, Against],
    answer: Model,
    seed: int,
    name: str | None,
) -> dict[str, Any]:
    commit, date = _commit()
    attacks = [sample for sample in found if not sample.genuine]
    digest = hashlib.sha256("\n".join(samples.line_of(sample) for sample in found).encode()).hexdigest()
    learnt = {"answer": _object(answer)} if answer.learnt else {}
    return {
        **begun,
        **learnt,
        "name": name or f"learnt-{date}",
        "created": date,
        "learnt_from": {
            "honest": len(found) - len(attacks),
            "attack": len(attacks),
            "families": sorted({sample.family for sample in attacks}),
            "bases": len({sample.base for sample in found}),
            "samples_sha256": digest,
            "seed": seed,
            "commit": commit,
        },
        "note": _NOTE,
        "frauds": {fraud.value: _fraud(against) for fraud, against in models.items()},
    }


def _fraud(against: Against) -> dict[str, Any]:
    """What is learnt against it; what is not stands in the families set by hand."""
    learnt = {family.value: _object(model) for family, model in against.families.items() if model.learnt}
    final = _joint(against.final) if against.final.learnt else None
    return {"mix": [round(share, 6) for share in against.mix], "families": learnt, "final": final}


def _object(model: Model) -> dict[str, Any]:
    return {
        "status": "learnt",
        "a": _short(model.a),
        "b": _short(model.b),
        "low": _short(model.low),
        "high": _short(model.high),
        "spread": [float(f"{value:.4g}") for value in model.spread or ()],
        "abstain": [_short(value) for value in model.abstain],
        "abstain_learnt": list(model.abstain_learnt),
        "seen_from": None if model.seen_from is None else _short(model.seen_from),
        "unseen_low": _short(model.unseen_low),
    }


def _joint(model: Knots) -> dict[str, Any]:
    return {
        "status": "learnt",
        "knots": [[[_short(s), _short(llr)] for s, llr in tier] for tier in model.tiers],
        "spread": [[_short(sd) for sd in tier] for tier in model.spread or ()],
    }


def _short(value: float) -> float:
    return round(value, 4) + 0.0  # no -0.0


def _commit() -> tuple[str, str]:
    """Hash and date of the commit this runs from; ("unknown", "undated") where there is none."""
    try:
        said = subprocess.run(
            ["git", "show", "-s", "--format=%H %cs", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return "unknown", "undated"
    return said[0], said[1]


def written(file: Mapping[str, Any]) -> str:
    """The file's text: one line a key, and one a family and a fraud."""
    rows = []
    for key, value in file.items():
        if key in {"families", "frauds"}:
            inner = ",\n".join(
                f"    {json.dumps(name)}: {json.dumps(model)}" for name, model in value.items()
            )
            rows.append(f'  "{key}": {{\n{inner}\n  }}')
        else:
            rows.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(rows) + "\n}\n"


def lines(learnt: Learnt) -> Iterator[str]:
    """The tables as text."""
    yield "against    family       status    honest attack      a      b    low   high  abstain T0 T1 T2"
    for row in learnt.table:
        abstain = " ".join(f"{value:+.1f}" for value in row["abstain"])
        yield (
            f"{row['fraud']:<10} {row['family']:<12} {row['status']:<9} {row['honest']:>6} "
            f"{row['attack']:>6} {row['a']:>6.2f} {row['b']:>+6.2f} {row['low']:>+6.2f} "
            f"{row['high']:>+6.2f}  {abstain}"
        )
    for fraud, one in learnt.file["frauds"].items():
        yield f"{fraud:<10} share of the false at T0, T1, T2: " + ", ".join(f"{w:.0%}" for w in one["mix"])
        for tier, points in enumerate(one["final"]["knots"] if one["final"] else ()):
            ends = (
                f"{points[0][1]:+.2f} at {points[0][0]:+.2f} to {points[-1][1]:+.2f} at {points[-1][0]:+.2f}"
            )
            yield f"{fraud:<10} sum at T{tier}  {ends}"
    yield "On bases and attack families not seen in fitting; captures proven false left out; 95 % by base:"
    for who, rows in learnt.figures.items():
        for how, scores in rows.items():
            said = "  ".join(
                f"{name} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]" for name, one in scores.items()
            )
            n = scores["Cllr"]
            yield f"{who:<4} {how:<10} n {n.n} of {n.clusters} bases  {said}"


if __name__ == "__main__":
    sys.exit(main())
