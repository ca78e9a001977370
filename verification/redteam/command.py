"""`python -m verification redteam`: how often each cheat passes, from one command.

    python -m verification redteam                 300 samples of each reported family (hours; resumable)
    python -m verification redteam --quick         what three minutes give
    python -m verification redteam --split calibration --n 300      samples for `calibrate` to learn from
    python -m verification redteam --take-up L.jsonl.xz --publish L.jsonl.xz     on another machine, further

Everything is simulated, from photographs. Exits 1 when a bar is missed or the control voids the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

from verification.redteam import sheets
from verification.redteam.lines import rejudged
from verification.redteam.photographs import shelves
from verification.redteam.published import publish, take_up
from verification.redteam.registry import Recipe, Split, Stratum, recipes
from verification.redteam.runner import Plan, Progress, run, settle
from verification.redteam.table import Table, table, text

_PHOTOS = Path("../shared/photos")
_QUICK_S, _QUICK_N = 140.0, 6


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    chosen = _arguments().parse_args(argv)
    photos = chosen.photos or (_PHOTOS if (_PHOTOS / "manifest.csv").exists() else None)
    able, left_out = _able(chosen, photos)
    plan = Plan(
        chosen=tuple((recipe.name, tier) for recipe in able for tier in recipe.tiers),
        n=_QUICK_N if chosen.quick else chosen.n,
        seed=chosen.seed,
        cache=chosen.cache,
        photos=photos,
        jobs=chosen.jobs,
        limit_s=_QUICK_S if chosen.quick else None,
    )
    if chosen.sheet or chosen.keep:
        sheets.draw(plan, able, sheet=chosen.sheet, keep=chosen.keep)
        return 0
    if chosen.take_up:
        take_up(chosen.take_up, plan.cache)
    lines = [rejudged(line) for line in run(plan, Progress(sys.stderr.write))]
    settle(plan)
    if chosen.publish:
        publish(lines, chosen.publish)
    reached = {(line.family, line.tier) for line in lines}
    left_out += [
        f"{name} T{tier} (not reached in time)" for name, tier in plan.chosen if (name, tier) not in reached
    ]
    made = table(lines, left_out)
    _tell(made, plan, chosen.json)
    return 0 if made.passed else 1


def _able(chosen: argparse.Namespace, photos: Path | None) -> tuple[list[Recipe], list[str]]:
    """The families that are asked for and can be made of these photographs; and which cannot, and why."""
    offers = {split: shelf.offers for split, shelf in shelves(photos).items()}
    able, left_out = [], []
    for recipe in (recipe for recipe in recipes() if _wanted(recipe, chosen)):
        if lacking := recipe.needs - offers[recipe.split]:
            left_out.append(f"{recipe.name} (needs photographs: {', '.join(sorted(lacking))})")
        elif chosen.quick and recipe.thin > 1:
            left_out.append(f"{recipe.name} (too slow for a quick run)")
        else:
            able.append(recipe)
    if chosen.quick:  # in mixed order, so that a run cut short has seen something of each stratum
        able.sort(key=lambda recipe: zlib.crc32(recipe.name.encode()))
    return able, left_out


def _wanted(recipe: Recipe, chosen: argparse.Namespace) -> bool:
    if chosen.family and recipe.name not in chosen.family:
        return False
    if chosen.stratum and recipe.stratum not in chosen.stratum:
        return False
    return bool(chosen.family) or chosen.split in {"all", recipe.split.value}


def _tell(made: Table, plan: Plan, to: Path | None) -> None:
    """Prints the table, and writes the figures where they are wanted."""
    source = "sample photographs of scikit-image and scikit-learn"
    if plan.photos:
        source = f"photographs of {plan.photos.name}"
    sys.stdout.write(f"Red team, simulated captures from {source}; seed {plan.seed}\n")
    sys.stdout.writelines(f"{line}\n" for line in text(made))
    if to:
        to.write_text(json.dumps({"seed": plan.seed, "n": plan.n, **made.json()}, indent=1) + "\n")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verification redteam", description="How often each cheat passes."
    )
    parser.add_argument("--n", type=int, default=300, help="samples of each family and tier (300)")
    parser.add_argument("--quick", action="store_true", help="under three minutes: a few samples of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument(
        "--cache", type=Path, default=Path(".spotcheck/redteam"), help="one JSONL file a family"
    )
    parser.add_argument("--take-up", type=Path, help="begin from the lines that an earlier run published")
    parser.add_argument("--publish", type=Path, help="write the lines here, as one file (.jsonl.xz)")
    parser.add_argument(
        "--photos", type=Path, help="a folder with manifest.csv (../shared/photos if there is one)"
    )
    parser.add_argument("--family", nargs="+", help="only these, of whatever split")
    parser.add_argument("--stratum", nargs="+", choices=[one.value for one in Stratum])
    parser.add_argument(
        "--split", choices=[*(one.value for one in Split), "all"], default=Split.REPORTED.value
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each (2)")
    parser.add_argument(
        "--keep", type=Path, help="judge nothing: write the contexts here, as `examine` reads them"
    )
    parser.add_argument("--sheet", type=Path, help="judge nothing: draw a contact sheet of each family here")
    return parser
