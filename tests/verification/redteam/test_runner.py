"""The run: resumed, judged again under new constants, told in a table with its bars, voided by a giveaway."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from verification import constants
from verification.calibration.scoring import rate
from verification.redteam import command, keys, runner
from verification.redteam.control import control
from verification.redteam.lines import Line, parse, rejudged
from verification.redteam.making import by_name
from verification.redteam.photographs import shelves
from verification.redteam.registry import Split, recipes
from verification.redteam.table import table, text
from verification.registry import registered


def line(family: str, stratum: str, index: int, verdict: str = "reject", **changes: object) -> Line:
    plain = Line(
        id=f"{family}-{index}",
        key="k",
        family=family,
        stratum=stratum,
        split="reported",
        tier=1,
        base=f"base {index % 40}",
        mode=("web", "native")[index % 2],
        seed=1,
        index=index,
        genuine=stratum == "honest",
        fraud=None if stratum == "honest" else "staged",
        verdict=verdict,
        p_genuine=0.5,
        p_answer=None,
        answer_right=None,
        tries=1,
        note="",
        reasons=[],
        findings=[],
        file={"bytes": 200_000 + 997 * (index * 7919 % 101), "q": [900, 1100], "exif": {}, "gps": False},
        stake_micros=5_000_000,
        required=["session"],
        ms=1.0,
        calibration="",
        versions={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_run_is_resumed_and_only_what_is_missing_is_made(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    asked = ["--family", "bomb", "truncated", "--jobs", "1", "--cache", str(cache), "--seed", "3"]
    assert command.main([*asked, "--n", "2", "--json", str(tmp_path / "a.json")]) == 0
    before = (cache / "bomb.jsonl").read_text()
    other = replace(
        parse(before.splitlines()[0]), id="bomb-old", key="of another check", calibration="others"
    )
    older = before.replace(constants.calibration().sha256, "0" * 64)
    (cache / "bomb.jsonl").write_text(f'{other.text()}\n{older}{{"cut off')
    assert command.main([*asked, "--n", "2"]) == 0
    assert (cache / "bomb.jsonl").read_text() == before, "nothing stale, and under the constants in force"
    held = [parse(text) for text in (cache / "truncated.jsonl").read_text().splitlines()]
    assert [(one.index, one.verdict) for one in held] == [(0, "reject"), (1, "reject")]
    said = json.loads((tmp_path / "a.json").read_text())
    assert [row["accepted"]["n"] for row in said["rows"]] == [2, 2]


def test_a_line_made_by_other_checks_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(line("f", "reuse", 0).text() + "\n" + line("f", "reuse", 1, key="old").text() + "\n")
    assert list(runner._cached(path, "k")) == [(1, 0)]


def test_a_changed_check_leaves_the_lines_on_which_it_did_not_speak(tmp_path: Path) -> None:
    path, now = tmp_path / "f.jsonl", {check.name: check.version for check in registered()}
    held = [
        now,
        {name: version for name, version in now.items() if name != "duplicate"},
        now | {"duplicate": "an older one"},
        now | {"gone": "1"},
    ]
    path.write_text(
        "".join(line("f", "reuse", k, versions=each).text() + "\n" for k, each in enumerate(held))
    )
    assert list(runner._cached(path, "k")) == [(1, 0), (1, 1)]


def test_adaptive_lines_hang_on_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, adaptive = by_name("bomb"), by_name("climb_copy")
    before = keys.key_of(plain, 1, None), keys.key_of(adaptive, 1, None)
    monkeypatch.setattr(keys, "_versions", lambda now=keys._versions(): now | {"duplicate": "another"})
    after = keys.key_of(plain, 1, None), keys.key_of(adaptive, 1, None)
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
    assert keys.key_of(plain, 1, None) == after[0]
    wider = [replace(one, kinds=one.kinds | {"stream"}) for one in registered()]
    monkeypatch.setattr("verification.registry.registered", lambda: wider)
    assert keys.key_of(plain, 1, None) != after[0], "a check would speak where it was silent"


def test_new_constants_judge_old_findings_again() -> None:
    found = {
        "check": "session",
        "family": "session",
        "status": "hard_fail",
        "llr": 0.0,
        "reason": "bad",
        "facts": {},
    }
    old = line("f", "protocol", 0, "accept", findings=[found], calibration="another")
    new = rejudged(old)
    assert (new.verdict, new.reasons) == ("reject", ["bad"])
    assert constants.calibration().sha256 in new.calibration
    assert rejudged(replace(new, verdict="accept")).verdict == "reject", "the policy may have changed too"
    assert rejudged(replace(old, stratum="adaptive")).verdict == "accept"


def test_a_bar_missed_is_said_and_fails_the_run() -> None:
    good = [line("nonce", "protocol", k) for k in range(40)] + [
        line("h", "honest", k, "accept") for k in range(40)
    ]
    assert table(good).passed
    one_paid = table([*good, line("nonce", "protocol", 99, "accept")])
    assert not one_paid.passed
    assert any("MISSED" in words for words in text(one_paid))


def test_strata_are_told_apart_and_families_weigh_alike() -> None:
    lines = [line("big", "sighted", k, "reject") for k in range(90)]
    lines += [line("small", "sighted", k, "accept" if k < 2 else "reject") for k in range(10)]
    bars = {bar.name: bar for bar in table(lines).bars}
    assert bars["sighted at T1: mean over families"].figure.value == pytest.approx(0.1)
    assert bars["sighted at T1: worst family"].figure.value == pytest.approx(0.2)
    assert not bars["sighted at T1: worst family"].met


def leaky(leak: float) -> list[Line]:
    """Honest and sighted lines whose files differ in size by `leak` standard deviations."""
    rng, lines = np.random.default_rng(5), []
    for stratum, shift in (("honest", 0.0), ("sighted", leak)):
        for k in range(200):
            size = int(np.exp(12 + 0.3 * (rng.normal() + shift)))
            file = {"bytes": size, "q": [900, 1100], "exif": {}, "gps": False}
            lines.append(line(stratum, stratum, k, "accept" if stratum == "honest" else "reject", file=file))
    return lines


def test_a_giveaway_in_the_files_voids_the_run() -> None:
    seen, fair = control(leaky(1.0)), control(leaky(0.0))
    assert seen is not None
    assert fair is not None
    assert seen.value > 0.7
    assert fair.value < 0.55
    assert "AUC" in table(leaky(1.0)).void
    assert not table(leaky(1.0)).passed
    assert not table(leaky(0.0)).void


def test_a_make_of_its_own_is_a_giveaway_too() -> None:
    lines = [
        replace(
            one, file={**one.file, "exif": {"272": "Forger 1" if one.stratum == "sighted" else "Phone 1"}}
        )
        for one in leaky(0.0)
    ]
    seen = control(lines)
    assert seen is not None
    assert seen.value > 0.9


def test_samples_of_one_base_count_as_one() -> None:
    hits = [True] * 50 + [False] * 50
    apart = rate(np.array(hits), [str(k) for k in range(100)])
    together = rate(np.array(hits), [str(k // 25) for k in range(100)])
    assert together.high - together.low > 2 * (apart.high - apart.low)
    assert rate(np.zeros(300, bool), [str(k % 30) for k in range(300)]).high > 0.1


def test_the_key_names_every_module_of_the_camera_that_samples_are_made_with() -> None:
    """Loaded in a process of its own: in this one other tests have loaded the simulated people too."""
    code = (
        "import sys\n"
        "from verification.redteam import runner\n"
        "from verification.redteam.registry import recipes\n"
        "recipes()\n"
        "print(*(name for name in sys.modules if name.startswith('market')))\n"
        "print(*(name for name in sys.modules if name.startswith('verification.redteam.')))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    market, own = (line.split() for line in told.stdout.splitlines())
    loaded = {name.rpartition(".")[2] for name in market if name.startswith("market.simulator.")}
    assert loaded | {"__init__"} == set(keys.CAMERA)
    assert {name for name in market if not name.startswith("market.simulator")} == {"market"}
    parts = {name.split(".")[2] for name in own}
    judged = {"families", "keys", "lines", "registry", "runner"}  # hashed a family, or of no account for one
    assert parts - judged == set(keys.MAKERS)


def test_families_at_the_same_photographs_follow_one_another() -> None:
    names = tuple((recipe.name, recipe.tiers[0]) for recipe in recipes() if recipe.split is Split.REPORTED)
    plan = runner.Plan(names, 5, 1, Path("unused"), None, 1)
    bases = len(shelves(None)[Split.REPORTED].real)
    begun = [
        zlib.crc32(job.name.encode()) % bases for job in runner._jobs(plan, {name: {} for name, _ in names})
    ]
    assert len(begun) == len(names)
    assert begun == sorted(begun)
