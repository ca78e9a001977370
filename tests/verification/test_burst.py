"""The burst check: frames through the sandbox, motion read with suspicion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from market.simulator.sensor import encode
from tests.assets import build
from tests.verification import stage
from verification.case import Case
from verification.checks.burst import MAX_FRAMES, burst, read_motion
from verification.decoding import limits
from verification.evidence import Burst, Status
from verification.picture import Decoder

HEADER = "t,gx,gy,gz,ax,ay,az\n"
MOTION = HEADER + "".join(f"{n / 100},0.1,0,0,0,9.8,0\n" for n in range(51))
STILL = encode(np.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=np.uint8))
SMALL = encode(np.zeros((64, 64, 3), np.uint8))


def case_of(decoder: Decoder, given: Burst | None) -> Case:
    return Case(replace(stage.photo(STILL), burst=given), stage.tools(decoder))


def test_without_a_burst_it_abstains(decoder: Decoder) -> None:
    assert burst(case_of(decoder, None)).reason == "no_burst"


@pytest.mark.parametrize(
    ("times", "motion", "expected"),
    [((), MOTION, [0, 0.25, 0.5]), ((0.1, 0.2, 0.4), MOTION, [0.1, 0.2, 0.4]), ((), "", [0, 1 / 15, 2 / 15])],
)
def test_frames_and_motion_are_opened(
    decoder: Decoder, times: tuple[float, ...], motion: str, expected: list[float]
) -> None:
    case = case_of(decoder, Burst((STILL, STILL, STILL), times, motion))
    assert burst(case).reason == "burst_read"
    assert [frame.t for frame in case.frames] == pytest.approx(expected)
    assert case.frames[0].rgb.shape == (96, 128, 3)
    assert (case.sensed is None) == (not motion)
    if case.sensed is not None:
        assert case.sensed.gyro.shape == case.sensed.acceleration.shape == (51, 3)


@pytest.mark.parametrize(
    "given",
    [
        Burst(()),
        Burst((STILL,) * (MAX_FRAMES + 1)),
        Burst((STILL, b"no picture")),
        Burst((STILL, SMALL)),
        Burst((STILL, STILL), (0.2, 0.1)),
        Burst((STILL, STILL), (0.1,)),
        Burst((STILL, STILL), (0.1, float("nan"))),
        Burst((STILL,), (), "t,x\n1,2\n"),
    ],
)
def test_what_is_broken_is_refused(decoder: Decoder, given: Burst) -> None:
    case = case_of(decoder, given)
    found = burst(case)
    assert (found.status, found.reason) == (Status.HARD_FAIL, "broken_burst")
    assert case.frames == ()


def why(decoder: Decoder, *frames: bytes) -> object:
    found = burst(case_of(decoder, Burst(frames)))
    assert (found.status, found.reason) == (Status.HARD_FAIL, "broken_burst")
    return found.facts["why"]


def test_less_is_allowed_to_a_frame_than_to_a_photo(decoder: Decoder) -> None:
    """There are up to 64 of them: 7 MB that each use a photo's limits up would take ten minutes."""
    large, scanned = build.zeros_png(4_200, 3_100), build.many_scans(16, 1_000)
    assert {decoder.open(large).format, decoder.open(scanned).format} == {"PNG", "JPEG"}
    assert why(decoder, large) == "too_many_pixels"
    assert why(decoder, scanned) == "too_many_scans"
    case = case_of(decoder, Burst((build.zeros_png(4_032, 3_024), build.zeros_png(4_032, 3_024))))
    assert burst(case).reason == "burst_read", "what a camera makes of its own accord"
    assert why(decoder, build.many_scans(14, 1_000), build.many_scans(15, 1_000)) == "too_many_scans"


def test_all_frames_together_have_one_amount_of_processor_time(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = build.many_scans(14, 3_600)  # just what a frame may be: a fifth of a second
    case = case_of(decoder, Burst((frame,) * 4))
    assert burst(case).reason == "burst_read"
    monkeypatch.setattr(limits, "BURST_CPU_SECONDS", 0.05)
    monkeypatch.setattr(limits, "BURST_CPU_SECONDS_A_MIB", 0.0)
    assert why(decoder, *[frame] * 4) == "too_costly"
    monkeypatch.setattr(limits, "BURST_CPU_SECONDS_A_MIB", 1000.0)
    assert burst(case).reason == "burst_read", "large files may take longer"


def test_a_frame_alone_may_not_take_all_of_it(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """290 KB that take seconds, were they not refused for their scans and pixels."""
    monkeypatch.setattr(limits, "FRAME_PIXELS", limits.MAX_PIXELS)
    monkeypatch.setattr(limits, "FRAME_SCANS", limits.MAX_SCANS)
    monkeypatch.setattr(limits, "FRAME_CPU_SECONDS", 0)
    monkeypatch.setattr(limits, "BURST_CPU_SECONDS", 1000.0)
    assert why(decoder, build.many_scans(90, 7_000)) == "too_costly"


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER,
        HEADER + "0,1,2\n",
        HEADER + "0,nan,0,0,0,0,0\n",
        HEADER + "1,0,0,0,0,0,0\n.9,0,0,0,0,0,0\n",
    ],
)
def test_unreadable_motion(text: str) -> None:
    with pytest.raises(ValueError, match=r"motion|float|finite"):
        read_motion(text)


@pytest.mark.parametrize("large", ["1e300,0,0,0,0,0,0", "0,1e300,0,0,0,0,0", "-1.7e308,0,0,0,0,0,0"])
def test_numbers_no_phone_measures_are_refused(large: str) -> None:
    with pytest.raises(ValueError, match="million"):
        read_motion(f"{HEADER}{large}\n")


def test_times_too_close_to_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="microsecond"):
        read_motion(HEADER + "0,0,0,0,0,0,0\n1e-300,0,0,0,0,0,0\n")


def test_of_several_samples_at_one_time_the_last_is_taken_and_a_byte_order_mark_is_no_name() -> None:
    sensed = read_motion("\ufeff" + HEADER + "0,1,0,0,0,0,0\n0,2,0,0,0,0,0\n0.01,3,0,0,0,0,0\n")
    assert sensed.t.tolist() == [0, 0.01]
    assert sensed.gyro[:, 0].tolist() == [2, 3]


def test_motion_alone_is_no_picture(decoder: Decoder) -> None:
    case = case_of(decoder, Burst((), (), MOTION))
    found = burst(case)
    assert (found.status, found.reason) == (Status.ABSTAIN, "no_frames")
    assert case.sensed is not None
