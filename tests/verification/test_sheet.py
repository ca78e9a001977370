"""The sheet check: a sheet in the scene, a code drawn in, a code that stands still on the screen."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from market.simulator.camera import render
from tests.verification import stage
from tests.verification.bursts import Doubles, Plane, case_of, felt, film, path
from tests.verification.eyes import paper, sample
from verification.case import Frame
from verification.checks.sheet import CLEAN, WEAK, sheet, surely, suspicion
from verification.evidence import Outcome, Status
from verification.measures.lettering import Lettering
from verification.measures.placing import grown
from verification.measures.sticking import Sticking
from verification.picture import Decoder, Pixels

CODE = "K7M4XP"


@lru_cache(maxsize=4)
def seen(seed: int, code: str | None = CODE) -> tuple[Pixels, Doubles | None]:
    """The simulated camera's photo, and about where the writing is on the sheet."""
    shot = render(sample("coffee"), code=code, seed=seed, size=(960, 720))
    return shot.frames[0], None if shot.sheet is None else grown(shot.sheet, 0.78, 0.5)


def judged(
    photo: Pixels, box: Doubles | None, decoder: Decoder, frames: tuple[Frame, ...] = (), pan: str = ""
) -> Outcome:
    case = case_of(frames, felt(path(1.0, 51)), stage.tools(decoder), photo=photo, pan=pan)
    case.code_box = box
    return sheet(case)


def drawn(onto: Pixels, corners: Doubles, level: float) -> Pixels:
    """A clean code warped into a finished picture."""
    flat = cv2.GaussianBlur(paper(CODE), (0, 0), 2).astype(np.float32) * level
    height, width = flat.shape[:2]
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    size = (onto.shape[1], onto.shape[0])
    cover = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)[..., None]
    mixed = onto * (1 - cover) + cv2.warpPerspective(flat, matrix, size) * cover
    return np.asarray(mixed.clip(0, 255), np.uint8)


def test_no_code_was_seen(decoder: Decoder) -> None:
    assert judged(sample("coffee"), None, decoder).reason == "no_code_seen"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_sheet_in_the_scene_belongs(seed: int, decoder: Decoder) -> None:
    photo, box = seen(seed)
    outcome = judged(photo, box, decoder)
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "code_belongs", 0.3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_code_drawn_into_a_photo_does_not(seed: int, decoder: Decoder) -> None:
    _, box = seen(seed)
    bare, _ = seen(seed, None)
    assert box is not None
    outcome = judged(drawn(bare, grown(box, 1.25, 2.0), 0.8), box, decoder)
    assert (outcome.status, outcome.reason) == (Status.OK, "code_pasted")
    assert outcome.llr < -1


def test_paper_cleaner_than_texture_is_not_painted() -> None:
    """Among leaves every place is rougher than paper: only the smoothest place of all can tell."""
    honest = Lettering(edges=-0.1, ink=2.9, grain=-2.8, clean=-0.4, shading=0.03)
    assert suspicion(honest) == WEAK
    assert suspicion(replace(honest, clean=-2.5)) > 1
    assert suspicion(replace(honest, grain=None, clean=None)) == 0


def test_ink_sharper_than_a_blurred_scene_is_not_drawn_in() -> None:
    blurred = Lettering(edges=-0.7, ink=3.0, grain=-0.1, clean=0.1, shading=0.03)
    assert suspicion(blurred) == WEAK
    assert suspicion(replace(blurred, ink=2.3)) > 1
    assert suspicion(replace(blurred, ink=2.3, edges=-0.1)) == 0, "the whole picture is that sharp"
    assert suspicion(replace(blurred, grain=-2.8)) == 2 * WEAK, "two odd things are more than one"


def textured(rgb: Pixels) -> Pixels:
    """A picture with gravel all over: no place in it is smooth."""
    gravel = np.random.default_rng(7).normal(0, 45, (*rgb.shape[:2], 1))
    return np.asarray((rgb + cv2.GaussianBlur(gravel, (0, 0), 0.8)[..., None] * 2).clip(0, 255), np.uint8)


def test_a_sheet_before_gravel_is_odd_and_no_more(decoder: Decoder) -> None:
    photo, box = seen(1)
    assert box is not None
    rough, whole = textured(photo), np.zeros(photo.shape[:2], np.uint8)
    cv2.fillConvexPoly(whole, np.round(grown(box, 1.6, 2.6)).astype(np.int32), 1)
    rough[whole > 0] = photo[whole > 0]
    edge = photo.shape[0] // 8
    rough[:edge] = photo[:edge] // 2 + 20  # a strip of it is smooth, and darker than paper
    outcome = judged(rough, box, decoder)
    assert (outcome.reason, outcome.llr) == ("code_odd", -WEAK), outcome.facts
    assert float(str(outcome.facts["grain"])) < CLEAN
    assert outcome.facts["clean"] is not None
    all_over = judged(np.where(whole[..., None] > 0, photo, textured(photo)), box, decoder)
    assert (all_over.reason, all_over.llr) == ("code_odd", -WEAK), all_over.facts
    assert all_over.facts["clean"] is None


def test_nothing_to_measure_is_no_evidence(decoder: Decoder) -> None:
    tiny = np.array([(100, 100), (112, 100), (112, 104), (100, 104)], float)
    assert judged(np.full((240, 320, 3), 120, np.uint8), tiny, decoder).reason == "code_unmeasured"


def test_in_the_burst_a_sheet_moves_and_an_overlay_does_not(decoder: Decoder) -> None:
    way = path(1.0, 52, tremor=0.08)
    near = Plane(paper(CODE), 0.45, (0.0, 0.0), 0.25)
    half = np.array([0.36 * 0.25, 0.06 * 0.25]) * 0.8 * 480 / 0.45
    box = np.array([239.5, 179.5]) + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    true = film([Plane(sample("coffee"), 3.0), near], way, fps=10)
    moving = judged(true[0].rgb, box, decoder, true)
    assert moving.reason in {"code_belongs", "code_pasted"}
    assert float(str(moving.facts["code_px"])) > 3
    assert float(str(moving.facts["rigid"])) > 0.8
    bare = film([Plane(sample("coffee"), 3.0)], way, fps=10)
    glued = tuple(Frame(frame.t, drawn(frame.rgb, grown(box, 1.25, 2.5), 0.8)) for frame in bare)
    outcome = judged(glued[0].rgb, box, decoder, glued)
    assert (outcome.reason, outcome.llr) == ("code_glued", -4.0)


def small(width: float) -> tuple[Plane, Doubles]:
    """A sheet of some width at arm's length, and where its writing is in the first frame."""
    half = np.array([0.36 * width, 0.06 * width]) * 0.8 * 480 / 0.45
    box = np.array([239.5, 179.5]) + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return Plane(paper(CODE), 0.45, (0.0, 0.0), width), box


@pytest.mark.parametrize("where", ["placed", "not placed"])
def test_a_small_code_laid_over_is_known_by_its_picture(where: str, decoder: Decoder) -> None:
    """Too few points of it can be followed; and where the photo is not of the burst, none."""
    way = path(2.5, 53, pan="LU", back=True)
    near, box = small(0.1)
    bare = film([Plane(sample("coffee"), 3.0)], way, fps=8)
    glued = tuple(Frame(frame.t, drawn(frame.rgb, grown(box, 1.25, 2.5), 0.8)) for frame in bare)
    photo, at = glued[0].rgb, box
    if where == "not placed":
        at = box * 400 / 480
        photo = drawn(sample("chelsea")[:300, :400], grown(at, 1.25, 2.5), 0.8)
    outcome = judged(photo, at, decoder, glued)
    assert (outcome.reason, outcome.llr) == ("code_glued", -4.0)
    assert float(str(outcome.facts["stuck"])) > 0.8
    asked = judged(photo, at, decoder, glued, pan="LU")
    assert (asked.status, asked.reason) == (Status.HARD_FAIL, "code_glued")
    true = film([Plane(sample("coffee"), 3.0), near], way, fps=8)
    moving = judged(true[0].rgb, box, decoder, true, pan="LU")
    assert moving.reason != "code_glued"
    assert float(str(moving.facts["stuck"])) < 0.5


def test_a_code_that_stays_while_the_scene_rests_is_no_evidence(decoder: Decoder) -> None:
    near, box = small(0.1)
    still = film([Plane(sample("coffee"), 3.0), near], path(1.0, 54, tremor=0.002, drift=0.001), fps=10)
    outcome = judged(still[0].rgb, box, decoder, still)
    assert outcome.reason != "code_glued"
    assert "stuck" not in outcome.facts


def test_what_stays_now_and_then_is_no_proof() -> None:
    assert surely(Sticking(0.95, 1.0, 5))
    for less in (Sticking(0.85, 1.0, 9), Sticking(0.95, 0.8, 9), Sticking(0.95, 1.0, 4)):
        assert not surely(less)
