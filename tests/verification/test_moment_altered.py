"""The moment check: the burst's own photo, altered in one place, and what is honestly different."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from tests.fakes.seeing import EmptyMemory, MuteReader
from tests.verification.bursts import Plane, case_of, film, path, scene
from tests.verification.eyes import engine, paper, sample
from tests.verification.test_depth import sheet
from verification.case import Doubles, Frame, Tools
from verification.checks.moment import moment
from verification.evidence import Outcome, Status
from verification.measures import alteration
from verification.measures.alteration import difference
from verification.measures.placing import Placed, alike, place
from verification.measures.same_code import likeness
from verification.picture import Decoder, Pixels
from verification.trust import TrustList

PHOTO = 4  # the moment of the photo; its own frame is not handed in


@lru_cache(maxsize=4)
def taken(code: str = "") -> tuple[Pixels, tuple[Frame, ...]]:
    """A photo at 960 x 720, and the frames around it."""
    planes = [*scene("coffee"), Plane(paper(code), 0.45, (0.02, 0.03), 0.21)] if code else scene("coffee")
    way = path(1.2, 41)
    frames = film(planes, way, fps=10)
    photo = film(planes, way, fps=10, size=(960, 720), seed=5)[PHOTO].rgb
    return photo, frames[:PHOTO] + frames[PHOTO + 1 :]


def judged(photo: Pixels, frames: tuple[Frame, ...], decoder: Decoder, box: Doubles | None = None) -> Outcome:
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    case = case_of(frames, None, tools, photo=photo)
    case.code_box = box
    return moment(case)


def box_of(photo: Pixels, frames: tuple[Frame, ...]) -> Doubles:
    """Where the writing is in the photo: as in the first frame, moved as the sheet moves."""
    _, first = sheet(0.45)
    small = cv2.cvtColor(cv2.resize(photo, (480, 360), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    low, high = first.min(axis=0).astype(int), first.max(axis=0).astype(int)
    patch = cv2.cvtColor(frames[0].rgb, cv2.COLOR_RGB2GRAY)[low[1] : high[1], low[0] : high[0]]
    *_, at = cv2.minMaxLoc(cv2.matchTemplate(small, patch, cv2.TM_CCOEFF_NORMED))
    return np.asarray((first + np.array(at) - low) * 2, np.float64)


def pasted(photo: Pixels, at: tuple[int, int] = (560, 90), size: int = 180) -> Pixels:
    donor = np.asarray(cv2.resize(sample("astronaut")[:256, 100:356], (size, size)), np.uint8)
    altered = photo.copy()
    altered[at[1] : at[1] + size, at[0] : at[0] + size] = donor
    return altered


def removed(photo: Pixels, at: tuple[int, int] = (560, 90), size: int = 180) -> Pixels:
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[at[1] : at[1] + size, at[0] : at[0] + size] = 255
    return np.asarray(cv2.inpaint(photo, mask, 5, cv2.INPAINT_TELEA), np.uint8)


def test_an_untouched_photo_between_two_frames_is_in_the_burst(decoder: Decoder) -> None:
    outcome = judged(*taken(), decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "photo_in_burst")
    assert outcome.facts["differs"] == pytest.approx(0, abs=0.003)
    assert outcome.facts["compared"] > 0.7  # type: ignore[operator]


@pytest.mark.parametrize("alter", [pasted, removed])
def test_what_was_pasted_in_or_taken_away_is_seen(alter: object, decoder: Decoder) -> None:
    photo, frames = taken()
    outcome = judged(alter(photo), frames, decoder)  # type: ignore[operator]
    assert (outcome.status, outcome.reason) == (Status.OK, "photo_altered")
    assert -4 <= outcome.llr <= -2
    box = outcome.facts["box"]
    assert isinstance(box, list)
    left, top, wide, high = (float(str(side)) for side in box)
    assert left < 650 / 960 < left + wide
    assert top < 180 / 720 < top + high


def test_more_of_the_picture_weighs_more(decoder: Decoder) -> None:
    photo, frames = taken()
    small, large = (judged(pasted(photo, size=side), frames, decoder) for side in (36, 180))
    assert large.llr < small.llr
    assert large.facts["differs"] > small.facts["differs"]  # type: ignore[operator]


def test_a_darker_softer_photo_is_the_same(decoder: Decoder) -> None:
    photo, frames = taken()
    dim = np.clip(cv2.GaussianBlur(photo, (0, 0), 2.0) * 0.7 + 8, 0, 255).astype(np.uint8)
    assert judged(dim, frames, decoder).reason == "photo_in_burst"


def test_the_code_of_the_burst_is_found_again_and_another_is_not(decoder: Decoder) -> None:
    photo, frames = taken("K7M4XP")
    box = box_of(photo, frames)
    honest = judged(photo, frames, decoder, box)
    assert honest.reason == "photo_in_burst"
    assert honest.facts["letters"] > 0.7  # type: ignore[operator]
    other, _ = taken("W3HRQ9")
    swapped = judged(other, frames, decoder, box)
    assert swapped.facts["letters"] < 0.46  # type: ignore[operator]
    assert swapped.reason in {"code_not_in_burst", "photo_altered"}
    assert swapped.llr <= -2


def test_letters_alone_tell_of_another_code(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a sheet so small that its change is no region."""
    monkeypatch.setattr("verification.checks.moment.REGION", ((0.9, 0.95, 1.0), (0.0, -2.0, -4.0)))
    photo, frames = taken("W3HRQ9")
    box = box_of(*taken("K7M4XP"))
    outcome = judged(photo, taken("K7M4XP")[1], decoder, box)
    assert outcome.reason == "code_not_in_burst"
    assert -4 <= outcome.llr <= -2
    assert judged(photo, frames, decoder, box).reason == "photo_in_burst"


def test_letters_too_small_in_the_frame_say_nothing() -> None:
    photo, frames = taken("K7M4XP")
    box, small = box_of(photo, frames), np.diag([0.06, 0.06, 1.0])
    assert likeness(photo, np.ascontiguousarray(frames[0].rgb[::8, ::8]), small, box) is None
    assert likeness(photo, frames[0].rgb, np.diag([0.5, 0.5, 1.0]), box) is not None


def walked_through(step: int) -> tuple[Pixels, list[Pixels]]:
    """A thing that goes across the picture, `step` pixels a frame: the photo and the frames."""
    photo, frames = taken()
    thing = np.asarray(cv2.resize(sample("astronaut")[:256, 100:356], (60, 150)), np.uint8)

    def seen(rgb: Pixels, x: int) -> Pixels:
        there = rgb.copy()
        there[100:250, x : x + 60] = thing[:, : max(0, 480 - x)]
        return there

    small = np.asarray(cv2.resize(photo, (480, 360), interpolation=cv2.INTER_AREA), np.uint8)
    moments = [k if k < PHOTO else k + 1 for k in range(len(frames))]
    shown = [seen(frame.rgb, 40 + step * k) for k, frame in zip(moments, frames, strict=True)]
    return seen(small, 40 + step * PHOTO), shown


def test_what_moves_in_the_frames_is_not_held_against_the_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, frames = walked_through(40)
    where = place(photo, frames)
    found = difference(photo, frames, where)
    assert found is not None
    assert found.frames > 1
    monkeypatch.setattr(alteration, "STEADY", -1.0)  # no disagreement of the frames excuses anything
    unexcused = difference(photo, frames, where)
    assert unexcused is not None
    assert unexcused.share > found.share


def test_several_frames_explain_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, frames = walked_through(26)
    monkeypatch.setattr(alteration, "STEADY", -1.0)
    several = difference(photo, frames, place(photo, frames))
    monkeypatch.setattr(alteration, "FURTHER", 0)
    one = difference(photo, frames, place(photo, frames))
    assert several is not None
    assert one is not None
    assert several.share < one.share


def test_the_frames_most_alike_come_first() -> None:
    photo, frames = taken()
    order = alike(photo, [frame.rgb for frame in frames])
    assert sorted(order) == list(range(len(frames)))
    assert order[0] in {PHOTO - 2, PHOTO - 1, PHOTO, PHOTO + 1}


def test_what_lies_on_the_sheet_counts_less() -> None:
    photo, frames = taken()
    altered, shown = pasted(photo), [frame.rgb for frame in frames]
    where = place(altered, shown)
    sheet_ = np.array([[500.0, 40.0], [800.0, 40.0], [800.0, 320.0], [500.0, 320.0]])
    bare, spared = difference(altered, shown, where), difference(altered, shown, where, sheet_)
    assert bare is not None
    assert spared is not None
    assert 0 < spared.share < 1.1 * alteration.ON_SHEET * bare.share


def test_a_frame_laid_wrong_excuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it believed, all of the picture would seem to move, and no alteration would count."""
    photo, frames = taken()
    altered, shown = pasted(photo), [frame.rgb for frame in frames]
    where = place(altered, shown)
    wrong = np.array([[-1.0, 0.0, 479.0], [0.0, -1.0, 359.0], [0.0, 0.0, 1.0]])  # on its head

    def displaced(rgb: Pixels, others: list[Pixels]) -> Placed:
        found = place(rgb, others)
        return found if found.matrix is None else replace(found, matrix=wrong @ found.matrix)

    monkeypatch.setattr(alteration, "place", displaced)
    told = difference(altered, shown, where)
    monkeypatch.setattr(alteration, "LAID", 1.1)
    believed = difference(altered, shown, where)
    assert told is not None
    assert believed is not None
    assert told.share > 0.01
    assert believed.share < 0.5 * told.share


def test_a_sheet_that_was_asked_and_not_found_leaves_levels_uncompared(decoder: Decoder) -> None:
    """It moves before the scene: without its place what it hides would be held against the photo."""
    photo, frames = taken()
    faint = photo.astype(np.float32)
    faint[90:330, 500:800] += 16 * np.hanning(240)[:, None, None] * np.hanning(300)[None, :, None]
    toned = np.clip(faint, 0, 255).astype(np.uint8)
    shown = [frame.rgb for frame in frames]
    where = place(toned, shown)
    compared, spared = (difference(toned, shown, where, levels=levels) for levels in (True, False))
    assert compared is not None
    assert spared is not None
    assert compared.share > spared.share
    tools = Tools(decoder, EmptyMemory(), engine(), MuteReader(), TrustList())
    case = case_of(frames, None, tools, photo=toned)
    asked = replace(
        case, evidence=replace(case.evidence, session=replace(case.evidence.session, code="K7M4XP"))
    )
    unasked = replace(case, evidence=replace(case.evidence, session=replace(case.evidence.session, code="")))
    assert moment(asked).facts["differs"] < moment(unasked).facts["differs"]  # type: ignore[operator]
