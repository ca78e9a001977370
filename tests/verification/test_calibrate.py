"""Calibration on worlds of known truth: it recovers them, sees only its split, and writes the same bytes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.verification import known
from verification import constants, fusion
from verification.calibration import command as calibrate
from verification.calibration import learning, samples
from verification.calibration.command import Learnt
from verification.calibration.samples import Sample
from verification.evidence import ABOUT_ANSWER, Family
from verification.frauds import Fraud

BEGUN = json.loads(constants.HAND_SET.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def learnt() -> Learnt:
    return calibrate.learn(known.world(1), BEGUN, seed=1, name="test")


def write(folder: Path, found: list[Sample], name: str = "x.jsonl") -> Path:
    (folder / name).write_text("\n".join(map(samples.line_of, found)))
    return folder


def test_the_same_samples_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path, known.world(2, bases=30, each=1))
    one, two, other = (tmp_path / name for name in ("one.json", "two.json", "other.json"))
    for out, seed in ((one, "4"), (two, "4"), (other, "5")):
        assert calibrate.main(["--samples", str(folder), "--out", str(out), "--seed", seed]) == 0
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    assert constants.load(one).sha256 == constants.load(two).sha256


def test_only_its_split_counts(tmp_path: Path) -> None:
    own = known.world(2, bases=30, each=1)
    write(tmp_path, own, "a.jsonl")
    alone, mixed = tmp_path / "alone.json", tmp_path / "mixed.json"
    assert calibrate.main(["--samples", str(tmp_path), "--out", str(alone)]) == 0
    write(tmp_path, known.world(3, bases=30, each=1, split="reported"), "b.jsonl")
    assert calibrate.main(["--samples", str(tmp_path), "--out", str(mixed)]) == 0
    assert alone.read_bytes() == mixed.read_bytes()


def test_what_it_writes_is_what_it_learnt_and_can_be_used(tmp_path: Path) -> None:
    text = calibrate.written(learnt().file)
    (tmp_path / "c.json").write_text(text)
    used = constants.load(tmp_path / "c.json")
    assert used.name == "test"
    learnt_against = {
        fraud: {family for family, model in against.families.items() if model.learnt}
        for fraud, against in used.frauds.items()
    }
    assert learnt_against.pop(Fraud.STAGED) == {Family.DEPTH, Family.MOTION}
    assert not any(learnt_against.values())
    assert used.frauds[Fraud.STAGED].final.learnt
    assert used.answer[Family.ANSWER].learnt
    said = learnt().file["learnt_from"]
    assert (said["honest"], said["attack"], said["bases"], said["seed"]) == (720, 1680, 60, 1)
    assert said["families"] == sorted([*known.ATTACKS, "replayed nonce"])


def test_what_no_sample_showed_stays_word_for_word() -> None:
    assert learnt().file["families"] == BEGUN["families"]
    used, begun = constants.parse(learnt().file, ""), constants.parse(BEGUN, "")
    for fraud in set(Fraud) - {Fraud.STAGED}:
        assert used.frauds[fraud].families == begun.frauds[fraud].families
        assert not used.frauds[fraud].final.learnt
    assert learnt().file["policy"] == BEGUN["policy"]


def staged(found: Learnt) -> dict[str, Any]:
    """What was learnt against that fraud, by family."""
    families: dict[str, Any] = found.file["frauds"]["staged"]["families"]
    return families


def test_an_overstated_family_is_brought_down() -> None:
    families = staged(learnt())
    assert families["depth"]["a"] < 0.5  # stated three times as strong as it is
    assert families["depth"]["high"] < 1  # four of six attacks pass it, whatever it says
    assert families["motion"]["a"] > 0.8


def test_leaving_evidence_out_costs_what_it_tells_and_never_pays() -> None:
    motion = staged(learnt())["motion"]
    assert motion["abstain_learnt"] == [False, True, False]  # it never ran at T0
    assert motion["abstain"][1] == pytest.approx(math.log(0.02 / 0.2), abs=0.6)
    turned = [
        replace(s, genuine=not s.genuine, family="x", fraud=Fraud.STAGED if s.genuine else None)
        for s in known.world(1)
        if not s.proven_false
    ]
    assert staged(calibrate.learn(turned, BEGUN, seed=1))["motion"]["abstain"][1] == 0.0


def test_the_calibrated_are_better_than_the_boastful_on_what_nobody_saw() -> None:
    """Judged T1 probabilities are replaced by those of the raw sums, three times too sure."""
    boastful = [
        replace(s, p_genuine=fusion.sigmoid(sum(f.llr for f in s.findings if f.family not in ABOUT_ANSWER)))
        for s in known.world(1)
    ]
    scores = calibrate.learn(boastful, BEGUN, seed=1).figures["T1"]
    before, after = scores["as judged"], scores["calibrated"]
    assert after["Cllr"].high < before["Cllr"].low
    assert after["ECE"].value < before["ECE"].value
    # Four elevenths of what may be false are frauds that this world has none of: that costs some.
    assert after["Cllr"].value - after["Cllr_min"].value < 0.1
    assert after["ECE"].value < 0.04
    assert after["Cllr"].clusters == 60


def test_a_world_without_tells_gives_the_prior_back() -> None:
    figures = learnt().figures["T0"]["calibrated"]
    assert figures["Cllr"].value == pytest.approx(1, abs=0.01)
    assert figures["ECE"].value < 0.02


def test_the_answer_is_learnt_from_genuine_captures_alone() -> None:
    answer = learnt().file["answer"]
    assert answer["a"] == pytest.approx(2, abs=0.4)  # N(1, 1) against N(-1, 1)
    lies = [replace(s, findings=()) if not s.genuine else s for s in known.world(1)]
    assert calibrate.learn(lies, BEGUN, seed=1).file["answer"] == answer


def prepared(changed: set[str]) -> tuple[list[Sample], np.ndarray]:
    found = [s for s in known.world(5, bases=40, each=1) if not s.proven_false]
    louder = [
        replace(s, findings=(*s.findings, known.found(Family.MOTION, 9.0))) if s.id in changed else s
        for s in found
    ]
    data = learning.arrays(louder)
    hand = dict(constants.load(constants.HAND_SET).frauds[Fraud.STAGED].families)
    mask = data.against(Fraud.STAGED)
    sums, _ = learning.sums_unseen(data, hand, mask, learning.folds_of(data, 1), 1)
    return found, sums


def test_a_capture_is_summed_by_models_that_saw_neither_its_base_nor_its_attack() -> None:
    found, before = prepared(set())
    mine = next(i for i, s in enumerate(found) if s.tier == 1 and s.family == "print")
    related = {s.id for s in found if s.base == found[mine].base} - {found[mine].id}
    related |= {s.id for s in found if s.family == "print"} - {found[mine].id}
    _, after = prepared(related)
    assert after[mine] == before[mine]
    others = {s.id for s in found if s.base != found[mine].base and s.family != "print"}
    _, moved = prepared(others)
    assert moved[mine] != before[mine]


def test_too_few_samples_are_an_error_and_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, known.world(2, bases=5, each=1))
    assert calibrate.main(["--samples", str(folder), "--out", str(tmp_path / "c.json")]) == 1
    assert "5 honest bases" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()
    assert calibrate.main(["--samples", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "c.json")]) == 1
    assert calibrate.main(["--samples", str(folder), "--prior", "1", "--out", str(tmp_path / "c.json")]) == 1


def test_it_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, known.world(2, bases=30, each=1))
    out = ["--samples", str(folder), "--out", str(tmp_path / "c.json"), "--prior", "0.9"]
    assert calibrate.main(out) == 0
    table = capsys.readouterr().out
    assert "staged     motion       learnt" in table
    assert "Cllr_min" in table
    assert calibrate.main([*out, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == json.loads((tmp_path / "c.json").read_text())
    assert said["file"]["prior_genuine"] == 0.9
    assert said["figures"]["T1"]["calibrated"]["Cllr"]["n"] == 30 * 9


def test_the_fusion_does_to_findings_what_calibration_did_to_arrays(tmp_path: Path) -> None:
    """The same log-odds from both, also where a sum lies below all that was learnt from."""
    used = constants.parse(learnt().file, "")
    unheard = (known.found(Family.MOTION, -9.0), known.found(Family.PLACE, -2.0))
    found = [s for s in known.world(7, bases=10, each=1) if not s.proven_false]
    found += [replace(s, id=s.id + "x", findings=(*s.findings, *unheard)) for s in found[::5]]
    data = learning.arrays(found)
    ratios, mix = {}, {}
    for fraud, against in used.frauds.items():
        inside, outside = learning.totals(data, dict(against.families))
        tiers = zip(inside.tolist(), data.tier.tolist(), strict=True)
        ratios[fraud] = np.array([against.final.at(s, tier) for s, tier in tiers]) + outside
        mix[fraud] = against.mix
    expected = learning.together(data, ratios, mix)
    for number, sample in enumerate(found):
        fused = fusion.fuse(
            sample.findings, used, required=frozenset(), answered=False, tier=sample.tier
        ).p_genuine
        said = fusion.logit(fused) - fusion.logit(used.prior_genuine)
        assert said == pytest.approx(expected[number], abs=1e-6)


def test_a_learnt_line_knows_how_little_it_knows() -> None:
    few = staged(calibrate.learn(known.world(1, bases=30, each=1), BEGUN, seed=1))["motion"]
    many = staged(learnt())["motion"]
    assert few["spread"][0] > many["spread"][0] > 0
    assert few["spread"][2] > many["spread"][2] > 0


def test_every_attack_family_of_a_tier_weighs_alike_in_the_shares_of_the_frauds() -> None:
    mix = {fraud: one["mix"] for fraud, one in learnt().file["frauds"].items()}
    assert mix["staged"] == pytest.approx([7 / 11, 7 / 11, 1 / 5], abs=1e-5)  # six, and one unthought of
    assert mix["copied"] == pytest.approx([1 / 11, 1 / 11, 1 / 5], abs=1e-5)


def test_captures_that_are_about_the_answer_alone_teach_nothing_else() -> None:
    def answered(number: int) -> Sample:
        right = number % 2 == 0
        said = known.found(Family.ANSWER, 2.0 if right else -2.0)
        honest = known.world(1)[0]
        return replace(
            honest,
            id=f"answer-{number}",
            base=f"sign{number}",
            stratum=samples.ANSWERS,
            family="display",
            findings=(said,),
            answer_right=right,
        )

    more = calibrate.learn([*known.world(1), *map(answered, range(80))], BEGUN, seed=1, name="test").file
    assert more["frauds"] == learnt().file["frauds"]
    assert more["answer"] != learnt().file["answer"]
    unread = [
        replace(one, id=f"unread-{n}", answer_right=False, findings=(known.found(Family.ANSWER, None),))
        for n, one in enumerate(map(answered, range(80)))
    ]
    again = calibrate.learn([*known.world(1), *map(answered, range(80)), *unread], BEGUN, seed=1, name="test")
    assert again.file["answer"] == more["answer"], "what nobody could read is no word against it"
