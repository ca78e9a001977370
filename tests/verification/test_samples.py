"""The samples' file: what is written can be read, what is none is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from verification.calibration import samples
from verification.calibration.samples import Sample
from verification.evidence import Family, Finding, Status, Verdict
from verification.frauds import Fraud

ONE = Sample(
    "a1",
    "coffee.png",
    1,
    "sighted",
    "screen",
    "calibration",
    False,
    Verdict.REVIEW,
    0.25,
    (
        Finding("burst", "", Family.MOTION, Status.OK, -1.5, (-1.5, 0.0), "flat", {}, 0.0),
        Finding("session", "", Family.SESSION, Status.HARD_FAIL, 0.0, (0.0, 0.0), "wrong_nonce", {}, 0.0),
    ),
    Fraud.STAGED,
    p_answer=0.5,
)


def test_a_sample_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(samples.line_of(ONE) + "\n\n")
    assert samples.read([tmp_path]) == [ONE] == samples.read([tmp_path / "x.jsonl"])
    assert ONE.proven_false
    assert not replace(ONE, findings=ONE.findings[:1]).proven_false


def test_the_last_line_of_an_id_counts_and_order_is_that_of_ids(tmp_path: Path) -> None:
    other = replace(ONE, id="a0", genuine=True, fraud=None)
    lines = [samples.line_of(one) for one in (ONE, other, replace(ONE, p_genuine=0.75))]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    assert samples.read([tmp_path]) == [other, replace(ONE, p_genuine=0.75)]


def test_tiers_may_be_named_and_other_keys_stand_by() -> None:
    said = json.loads(samples.line_of(ONE)) | {"tier": "T1", "seconds": 3}
    assert samples.parse(said) == ONE


@pytest.mark.parametrize(
    "change",
    [{"genuine": 1}, {"p_genuine": 1.5}, {"verdict": "pass"}, {"answer_right": "yes"}, {"findings": [{}]}],
)
def test_what_is_no_sample_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    said = json.loads(samples.line_of(ONE)) | change
    (tmp_path / "x.jsonl").write_text(samples.line_of(ONE) + "\n" + json.dumps(said))
    with pytest.raises(ValueError, match=r"x\.jsonl:2"):
        samples.read([tmp_path])
