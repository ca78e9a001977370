"""`make demo` keeps its promises: it ends well, its report stands alone, and it can fail."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from market import demo
from market.demo import charts, page
from market.demo.record import Look, Record
from market.simulator.cheats import CHEATS

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Played:
    """One run of the demo as a person starts it."""

    status: int
    said: str
    summary: dict[str, Any]
    report: str


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    home = tmp_path_factory.mktemp("home")
    base = {name: value for name, value in os.environ.items() if not name.startswith("SPOTCHECK_")}
    done = subprocess.run(
        [sys.executable, "-m", "market", "demo", "--seed", "7"],
        cwd=ROOT,
        env={**base, "SPOTCHECK_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    folder = home / "demo"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return Played(
        done.returncode, done.stdout + done.stderr, summary, (folder / "report.html").read_text("utf-8")
    )


@pytest.mark.timeout(400)
def test_demo_ends_well(played: Played) -> None:
    unmet = [item for item in played.summary["expectations"] if not item["met"]]
    assert (played.status, unmet) == (0, []), played.said
    assert played.summary["succeeded"] is True
    assert played.summary["seed"] == 7


def test_every_cheat_is_refused_for_its_own_reason(played: Played) -> None:
    tried = {look["title"]: look for look in played.summary["captures"] if not look["honest"]}
    assert set(tried) == {cheat.name for cheat in CHEATS}
    assert len(tried) >= 8
    for cheat in CHEATS:
        look = tried[cheat.name]
        assert (look["verdict"], look["paid"]) == ("refused", None), cheat.name
        assert cheat.reason in look["reasons"], cheat.name


def test_forecast_money_and_receipts_are_in_the_summary(played: Played) -> None:
    forecast = [belief["p"] for belief in played.summary["forecast"]]
    assert len(forecast) == 4
    assert forecast == sorted(forecast)
    flows = played.summary["money"]["flows"]
    assert flows["reward"] == {"count": 4, "amount": "3.80"}
    assert {figure["figure"] for figure in played.summary["audit"]} == {0}
    assert len(played.summary["offline"]["receipts"]) == 4


def test_what_may_be_false_and_genuine_add_up_to_one(played: Played) -> None:
    judged = [look["report"] for look in played.summary["captures"] if look["report"]]
    assert judged
    for report in judged:
        assert sum(report["frauds"].values()) + report["p_genuine"] == pytest.approx(1, abs=2e-3)


def test_report_stands_alone_and_says_what_is_simulated(played: Played) -> None:
    assert "<script" not in played.report
    assert re.findall(r"(?:src|href)=(?!['\"]?data:)[^>]*", played.report) == []
    assert "url(" not in played.report
    assert "Simulated:" in played.report
    assert played.report.count("camera simulated") >= 2
    assert len(played.report) < 1_000_000


def test_an_unmet_expectation_makes_it_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = Record(1, "2026-01-01T00:00:00Z")
    record.expect("sun rises", "yes", "yes")
    record.timings["whole demo"] = 1.0
    assert demo._report(record, tmp_path) == 0
    record.expect("cheat: same bytes", "refused", "accepted")
    assert demo._report(record, tmp_path) == 1
    assert "cheat: same bytes: expected refused, saw accepted" in capsys.readouterr().out
    assert "1 of 2 expectations not met" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_run_that_expected_nothing_did_not_succeed() -> None:
    assert not Record(1, "").succeeded


def test_report_of_a_run_that_never_began_can_be_read() -> None:
    record = Record(1, "2026-01-01T00:00:00Z")
    record.judge("the story goes on", "to its end", "HouseDown: <no server>", False)
    shown = page.render(record)
    assert "HouseDown: &lt;no server&gt;" in shown
    assert "<h2>The money</h2>" not in shown


def test_words_of_strangers_are_escaped() -> None:
    record = Record(1, "")
    look = Look("<b>x</b>", "<i>t</i>", "<u>ask</u>", "<s>answer</s>", 0, "0.50", "<em>sim</em>")
    record.looks.append(look)
    shown = page.render(record)
    for tag in ("<b>x", "<i>t", "<u>ask", "<s>answer", "<em>sim"):
        assert tag not in shown


def test_a_chart_says_what_each_family_said() -> None:
    found = [
        {"family": "place", "status": "ok", "llr": 0.5, "reason": "inside"},
        {"family": "place", "status": "ok", "llr": -0.2, "reason": "on_a_grid"},
        {"family": "motion", "status": "hard_fail", "llr": 0.0, "reason": "frames_frozen"},
        {"family": "sun", "status": "ok", "llr": 1.0, "reason": "no family of that name"},
    ]
    rows = charts.said({"findings": found})
    assert rows == [("place", 0.3, "inside, on_a_grid"), ("motion", None, "frames_frozen")]
    assert charts.doubts({"frauds": {"forged": 0.01, "copied": 0.2}}) == "copied 20.0%, forged 1.0%"
