"""The page says what its samples hold, draws it, and keeps what was written by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tests.verification import known
from verification.calibration import report_page, samples
from verification.calibration.samples import Sample
from verification.evidence import Verdict

FIGURE = {"value": 0.02, "low": 0.01, "high": 0.04, "n": 300, "clusters": 60}
SUMMARY = {
    "void": "",
    "control_auc": FIGURE | {"value": 0.512},
    "left_out": ["night (needs pairs)"],
    "bars": [
        {"name": "sighted at T1: mean", "figure": FIGURE, "sign": "<=", "limit": 0.03, "met": True},
        {"name": "reuse: worst", "figure": FIGURE, "sign": "<=", "limit": 0.01, "met": False},
    ],
}


@lru_cache(maxsize=1)
def world() -> tuple[Sample, ...]:
    """Tier 1's prints are accepted in one of eight tries, screens never; some crops are reuse."""
    found = []
    for one in known.world(4, bases=40, each=2, split="reported"):
        sample = one
        if one.family in known.ATTACKS:
            passes = one.family == "print" and one.tier == 1 and one.base.endswith(("3", "7"))
            passes = passes and one.id.endswith("0")
            sample = replace(one, verdict=Verdict.ACCEPT if passes else Verdict.REVIEW)
        if one.family == "splice":
            sample = replace(sample, stratum="reuse", family="crop <5 %>")
        found.append(sample)
    return tuple(found)


def written(folder: Path, found: tuple[Sample, ...] = (), summary: object = SUMMARY) -> str:
    lines, told, out = folder / "x.jsonl", folder / "summary.json", folder / "page.md"
    lines.write_text("\n".join(map(samples.line_of, found or world())))
    told.write_text(json.dumps(summary))
    arguments = ["--samples", str(lines), "--summary", str(told), "--out", str(out)]
    assert report_page.main(arguments) == 0
    return out.read_text()


def test_rates_of_each_family_stand_in_the_table_of_its_stratum(tmp_path: Path) -> None:
    page = written(tmp_path)
    own = [s for s in world() if s.family == "print" and s.tier == 1]
    share = sum(s.verdict is Verdict.ACCEPT for s in own) / len(own)
    assert 0.05 < share < 0.25
    row = re.search(r"\| print \| T1 \| (\d+) \| (\d+) \| ([\d.]+)% \| ([\d.]+)% to ([\d.]+)% \|", page)
    assert row is not None
    assert (int(row[1]), int(row[2])) == (len(own), 40)
    assert float(row[3]) == pytest.approx(share * 100, abs=0.06)
    assert float(row[4]) < share * 100 < float(row[5])
    sighted = page.split("## Attacks: sighted")[1].split("\n## ")[0]
    assert "| print | T1" in sighted
    assert "crop" not in sighted
    assert "| replayed nonce | T1 | 80 | 40 | 0.0% |" in page.split("## Attacks: protocol")[1]


def test_what_is_missed_is_said_worst_first(tmp_path: Path) -> None:
    missed = written(tmp_path).split("## What we miss")[1].split("\n## ")[0]
    assert "**print** (sighted, tier 1)" in missed
    assert "screen" not in missed
    clean = tuple(s if s.genuine else replace(s, verdict=Verdict.REJECT) for s in world())
    assert "No family of this run" in written(tmp_path, clean)


def test_bars_control_and_what_was_left_out_are_told(tmp_path: Path) -> None:
    page = written(tmp_path)
    assert "| sighted at T1: mean <= 3.0% | 2.0% | 1.0% to 4.0% | 300 | met |" in page
    assert "**missed**" in page
    assert "0.512" in page
    assert "Left out: night (needs pairs)." in page
    assert "void" not in page.split("## The bars")[0]
    assert "**This run is void: EXIF tells.**" in written(tmp_path, summary=SUMMARY | {"void": "EXIF tells"})


def test_it_says_that_all_is_simulated_and_what_judged(tmp_path: Path) -> None:
    named = tuple(replace(s, calibration="hand-set-2 sha256:00") for s in world())
    lines = [json.dumps(json.loads(samples.line_of(s)) | {"calibration": s.calibration}) for s in named]
    (tmp_path / "y.jsonl").write_text("\n".join(lines))
    out = tmp_path / "page.md"
    assert report_page.main(["--samples", str(tmp_path / "y.jsonl"), "--out", str(out)]) == 0
    assert "simulated" in out.read_text()
    assert "Judged with hand-set-2 sha256:00" in out.read_text()
    mixed = [*lines[1:], json.dumps(json.loads(lines[0]) | {"calibration": "other"})]
    (tmp_path / "y.jsonl").write_text("\n".join(mixed))
    assert report_page.main(["--samples", str(tmp_path / "y.jsonl"), "--out", str(out)]) == 1


def test_what_was_written_by_hand_stays(tmp_path: Path) -> None:
    written(tmp_path)
    out = tmp_path / "page.md"
    out.write_text(f"old figures\n{report_page.KEPT}\n\n## Single checks\n\nby hand\n")
    page = written(tmp_path)
    assert "old figures" not in page
    assert page.endswith(f"\n{report_page.KEPT}\n\n## Single checks\n\nby hand\n")
    assert written(tmp_path) == page


def test_only_the_reported_split_counts_and_both_kinds_are_needed(tmp_path: Path) -> None:
    page = written(tmp_path)
    more = (*world(), *known.world(5, bases=30, each=1))
    assert written(tmp_path, more) == page
    (tmp_path / "x.jsonl").write_text("\n".join(samples.line_of(s) for s in world() if s.genuine))
    arguments = ["--samples", str(tmp_path / "x.jsonl"), "--out", str(tmp_path / "none.md")]
    assert report_page.main(arguments) == 1
    assert not (tmp_path / "none.md").exists()


@pytest.mark.parametrize("name", ["reliability", "roc", "honest"])
def test_drawings_are_whole_linked_and_inside_their_frame(tmp_path: Path, name: str) -> None:
    page = written(tmp_path)
    assert f"(page/{name}.svg)" in page
    drawn = ET.parse(tmp_path / "page" / f"{name}.svg").getroot()  # noqa: S314 - our own file
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    points = [
        tuple(map(float, pair.split(",")))
        for shape in drawn.iter("{http://www.w3.org/2000/svg}polyline")
        for pair in shape.attrib["points"].split()
    ]
    points += [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"]))
        for dot in drawn.iter("{http://www.w3.org/2000/svg}circle")
    ]
    assert points
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_a_roc_curve_is_the_shares_above_each_line() -> None:
    curve = report_page.curve("x", np.array([0.9, 0.8, 0.3]), [0.8, 0.1])
    assert curve.attack.tolist() == [0, 0, 0.5, 0.5, 1]
    assert curve.honest.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert curve.auc == pytest.approx((2 + 1.5 + 1) / 6)


def test_reliability_bins_hold_the_mass_and_the_truth() -> None:
    own = [s for s in world() if s.tier == 1 and not s.proven_false]
    found = report_page.bins(own, 0.6)
    assert sum(one.mass for one in found) == pytest.approx(1)
    assert sum(one.mass * one.true for one in found) == pytest.approx(0.6)
    assert all(one.low <= one.true <= one.high for one in found)
    assert [one.said for one in found] == sorted(one.said for one in found)
