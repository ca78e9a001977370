"""The pipeline whole: honest in, accepted out; one thing wrong, and nothing is paid for it."""

from __future__ import annotations

import io
import json
import math
import os
import signal
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from tests.assets.build import encoded, make, scene
from tests.fakes.seeing import EmptyMemory
from tests.verification import stage
from tests.verification.authority import found
from verification import constants, registry
from verification.case import Case, Tools
from verification.evidence import Evidence, Family, Finding, Json, Outcome, Report, Status, Verdict, ok
from verification.memory import PastSpot
from verification.picture import Decoder
from verification.pipeline import examine, run
from verification.registry import Check, CheckFunction
from verification.trust import TrustList

OURS = ("clock", "decode", "installed_place", "place", "provenance", "session", "stream", "sun", "travel")


def _no_copy(case: Case) -> Outcome:
    return ok(0.3, "no_copy_found")


NO_COPY = Check("duplicate", "0", Family.DUPLICATE, 2, frozenset({"photo"}), (-8.0, 0.3), _no_copy)
CHECKS = (*(check for check in registry.registered() if check.name in OURS), NO_COPY)
JPEG = encoded(scene(800, 600))


@pytest.fixture
def tools(decoder: Decoder) -> Tools:
    return stage.tools(decoder)


def examined(evidence: Evidence, tools: Tools) -> Report:
    return examine(evidence, tools, CHECKS)


def by_name(report: Report) -> dict[str, Finding]:
    return {item.check: item for item in report.findings}


def test_an_honest_photo_is_accepted(tools: Tools) -> None:
    report = examined(stage.photo(JPEG), tools)
    assert report.verdict is Verdict.ACCEPT, report.findings
    assert report.reasons == ()
    assert 0.9 < report.p_genuine < 0.98
    assert report.interval[0] < report.p_genuine < report.interval[1]
    assert report.p_answer is None
    assert report.engine == tools.engine.reason
    used = constants.calibration()
    assert report.calibration == f"{used.name} sha256:{used.sha256}"
    (copy,) = report.derivatives
    assert Image.open(io.BytesIO(copy.data)).size == (copy.width, copy.height) == (800, 600)
    assert set(by_name(report)) == {*OURS, "duplicate", "derivative"} - {"stream", "installed_place"}
    assert all(item.ms >= 0 for item in report.findings)


def test_an_honest_stream_is_accepted(tools: Tools) -> None:
    report = examined(stage.recording().evidence(), tools)
    assert report.verdict is Verdict.ACCEPT, report.findings
    assert set(by_name(report)) == {"clock", "derivative", "installed_place", "session", "stream"}
    [readings] = report.derivatives
    assert (readings.media_type, readings.width) == ("application/x-ndjson", None)
    rows = [json.loads(line) for line in readings.data.splitlines()]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert b"nonce" not in readings.data


def test_trusted_provenance_raises_the_probability(decoder: Decoder) -> None:
    maker = found()
    trust = TrustList(maker.root_pem.decode(), frozenset({("Test Camera Company", "Test Camera Root")}))
    trusting = stage.tools(decoder, trust=trust)
    signed = examined(stage.photo(maker.sign(JPEG)), trusting)
    forged = examined(stage.photo(found().sign(JPEG)), trusting)
    assert signed.verdict is Verdict.ACCEPT
    assert signed.p_genuine > examined(stage.photo(JPEG), trusting).p_genuine
    assert (forged.verdict, forged.reasons) == (Verdict.REJECT, ("forged_issuer",))


@pytest.mark.parametrize("name", ["bomb_169_megapixels.png", "polyglot_zip.jpg", "truncated.jpg", "text.jpg"])
def test_bad_bytes_are_rejected_and_no_pixel_is_read(tools: Tools, name: str) -> None:
    report = examined(stage.photo(make(name)), tools)
    assert report.verdict is Verdict.REJECT
    assert not {"sun", "provenance", "duplicate", "derivative"} & set(by_name(report))
    assert report.derivatives == ()
    assert report.p_genuine < 0.01


def test_a_hard_fail_stops_the_costly_checks(tools: Tools) -> None:
    report = examined(stage.photo(JPEG, say={"nonce": "00" * 32}), tools)
    assert (report.verdict, report.reasons) == (Verdict.REJECT, ("wrong_nonce",))
    assert "duplicate" not in by_name(report)
    assert len(report.derivatives) == 1, "the person who answers an appeal must be able to look"


def test_all_proofs_against_are_named(tools: Tools) -> None:
    said: dict[str, Json] = {"nonce": "00" * 32, "lat": 0.0, "lon": 0.0}
    report = examined(stage.photo(make("ai_declared_in_xmp.jpg"), say=said), tools)
    assert set(report.reasons) == {"wrong_nonce", "outside_area", "declared_ai"}


def test_a_position_of_no_credible_accuracy_goes_to_review(tools: Tools) -> None:
    report = examined(stage.photo(JPEG, say={"accuracy_m": 1e9}), tools)
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("missing_place",))
    assert len(report.derivatives) == 1, "a reviewer's accept delivers what was made here"


def test_without_a_word_on_duplicates_a_person_looks(tools: Tools) -> None:
    report = examine(stage.photo(JPEG), tools, [check for check in CHECKS if check is not NO_COPY])
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("missing_duplicate",))


def test_storage_that_lies_is_our_fault(tools: Tools) -> None:
    report = examined(replace(stage.photo(JPEG), media=encoded(scene(800, 600, seed=5))), tools)
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("missing_session",))
    assert by_name(report)["session"].status is Status.ERROR


def test_a_decoder_that_hangs_is_our_fault() -> None:
    with Decoder(timeout_s=2.0) as slow:
        slow.open(JPEG)
        assert slow.pid is not None
        os.kill(slow.pid, signal.SIGSTOP)
        report = examined(stage.photo(JPEG), stage.tools(slow))
    assert report.verdict is Verdict.REVIEW
    assert by_name(report)["decode"].status is Status.ERROR
    assert "missing_integrity" in report.reasons


def _made(function: CheckFunction, bounds: tuple[float, float] = (-1.0, 1.0)) -> Check:
    return Check("made_up", "1", Family.TIME, 0, frozenset({"photo"}), bounds, function)


def _raises(case: Case) -> Outcome:
    raise KeyError("a bug")


def _endless(case: Case) -> Outcome:
    return ok(math.inf, "sure")


def _nan(case: Case) -> Outcome:
    return ok(math.nan, "sure")


def _no_json(case: Case) -> Outcome:
    return ok(0.5, "sure", share=math.nan)


@pytest.mark.parametrize("broken", [_raises, _endless, _nan, _no_json])
def test_a_broken_check_stops_no_other_and_nothing_is_paid_unseen(
    tools: Tools, broken: CheckFunction
) -> None:
    report = examine(stage.photo(JPEG), tools, (_made(broken), *CHECKS))
    assert (by_name(report)["made_up"].status, by_name(report)["made_up"].reason) == (
        Status.ERROR,
        "check_error",
    )
    assert by_name(report)["session"].status is Status.OK
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("check_error",))


def test_llrs_are_clipped_to_the_declared_bounds(tools: Tools) -> None:
    case = Case(stage.photo(JPEG), tools)
    assert run(_made(lambda _: ok(5.0, "said")), case).llr == 1.0
    assert run(_made(lambda _: ok(-5.0, "said")), case).llr == -1.0


def test_one_name_one_check() -> None:
    with pytest.raises(ValueError, match="two checks"):
        registry.check("decode", family=Family.TIME, version="1", cost=0, kinds={"photo"}, bounds=(0.0, 0.0))(
            _raises
        )


def test_having_come_by_car_does_not_make_a_place_of_no_accuracy(tools: Tools) -> None:
    """The travel check is of the same family as the place's, and knows nothing of the area."""
    past = replace(tools, memory=EmptyMemory(last=PastSpot(stage.GREENWICH, stage.NOON - timedelta(days=2))))
    far = stage.photo(JPEG, say={"lat": stage.GREENWICH.lat + 0.1, "accuracy_m": 0})
    report = examined(far, past)
    assert by_name(report)["travel"].reason == "plausible_travel"
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("missing_place",))
