"""The duplicate check on a real memory and the real nets."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import duplicates as bench
from bench.duplicates import BEYOND, TRANSFORMS, crop, jpeg
from core.db import Database
from core.geo import Spot
from core.storage import Storage
from tests.fakes.seeing import MuteReader
from tests.verification import stage
from tests.verification.eyes import engine, picture, sample
from verification.case import Case, Tools
from verification.checks.duplicate import duplicate
from verification.evidence import Evidence, Outcome, Status
from verification.memory import PictureMemory
from verification.picture import Decoder, Pixels
from verification.statement import parse_statement
from verification.trust import TrustList


@pytest.fixture
def tools(database: Database, tmp_path: Path, decoder: Decoder) -> Tools:
    memory = PictureMemory(database, Storage(f"file://{tmp_path}/blobs", bytes(32)), engine())
    return Tools(decoder, memory, engine(), MuteReader(), TrustList())


def submitted(
    order: int, *, media: bytes | None = None, bounty: str = "far", spot: Spot | None = None
) -> Evidence:
    place = {"lat": spot.lat, "lon": spot.lon} if spot else {"lat": None, "lon": None}
    evidence = stage.photo(media or f"{order}".encode(), say=place, ask=stage.terms(bounty=bounty))
    return replace(evidence, capture=f"cap {order}", order=order)


def judge(tools: Tools, evidence: Evidence, rgb: Pixels | None) -> tuple[Outcome, dict[str, str]]:
    """As the worker does: remembered first, then examined."""
    seen = picture(rgb) if rgb is not None else None
    tools.memory.remember(evidence, seen)
    case = Case(evidence, tools, seen, parse_statement(evidence.session.statement))
    outcome = duplicate(case)
    return outcome, {neighbour.capture: neighbour.proof for neighbour in case.neighbours}


def test_the_first_capture_has_no_copy(tools: Tools) -> None:
    outcome, neighbours = judge(tools, submitted(1), sample("coffee"))
    assert (outcome.status, outcome.reason, neighbours) == (Status.OK, "no_copy_found", {})
    assert outcome.llr > 0
    assert outcome.facts == {"compared": 0}


def test_the_same_bytes_are_named_even_without_a_picture(tools: Tools) -> None:
    judge(tools, submitted(1, media=b"x"), sample("coffee"))
    for order, rgb in ((2, sample("coffee")), (3, None)):
        outcome, neighbours = judge(tools, submitted(order, media=b"x"), rgb)
        assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "same_bytes")
        assert neighbours["cap 1"] == "bytes"
    assert judge(tools, submitted(4), None)[0].reason == "no_picture"


@pytest.mark.parametrize("tone", [0, 128, 255])
def test_a_picture_of_nothing_is_never_new(tools: Tools, tone: int) -> None:
    plain = np.full((480, 640, 3), tone, np.uint8)
    outcome, _ = judge(tools, submitted(1), plain)
    assert (outcome.status, outcome.reason) == (Status.ABSTAIN, "too_plain")


COPIES = [
    "quarter turn",
    "mirrored",
    "crop 10 %",
    "turn -5 deg",
    "crop 10 %, turn 3, x1.2, q60",
    "negative",
    "mirrored negative",
]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_found_anywhere_in_the_market(tools: Tools, name: str) -> None:
    for order, other in enumerate(("chelsea", "astronaut", "rocket"), start=1):
        judge(tools, submitted(order), sample(other))
    copy = TRANSFORMS[name](sample("astronaut"), random.Random(5))
    outcome, neighbours = judge(tools, submitted(9, bounty="elsewhere"), copy)
    assert (outcome.status, outcome.reason) == (Status.HARD_FAIL, "copy_of_earlier")
    assert neighbours == {"cap 2": "geometry"}


def test_a_hard_crop_is_found_in_the_same_bounty_or_place(tools: Tools) -> None:
    judge(tools, submitted(1, bounty="x"), sample("astronaut"))
    judge(tools, submitted(2, spot=stage.GREENWICH), sample("coffee"))
    for order, name, ask, spot in ((3, "astronaut", "x", None), (4, "coffee", "y", stage.GREENWICH)):
        cut = crop(sample(name), 0.45, random.Random(2))
        outcome, neighbours = judge(tools, submitted(order, bounty=ask, spot=spot), jpeg(cut, 85))
        assert outcome.reason == "copy_of_earlier"
        assert neighbours == {f"cap {order - 2}": "geometry"}


@pytest.mark.parametrize("degrees", [60, 120, 160, 250])
def test_a_turned_picture_is_known_in_its_neighbourhood(tools: Tools, degrees: int) -> None:
    rgb = np.asarray(cv2.resize(sample("astronaut"), (768, 576), interpolation=cv2.INTER_CUBIC), np.uint8)
    judge(tools, submitted(1, spot=stage.GREENWICH), rgb)
    matrix = cv2.getRotationMatrix2D((384, 288), degrees, 1.0)
    turned = cv2.warpAffine(rgb, matrix, (768, 576), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    outcome, _ = judge(tools, submitted(2, spot=stage.GREENWICH), jpeg(np.asarray(turned, np.uint8), 85))
    assert outcome.reason in {"copy_of_earlier", "maybe_same_exposure"}


def test_half_a_picture_is_found_anywhere_in_the_market(tools: Tools) -> None:
    for order, other in enumerate(("chelsea", "astronaut", "rocket"), start=1):
        judge(tools, submitted(order), sample(other))
    rgb = sample("astronaut")
    part = jpeg(rgb[:280, 180:460], 85)
    outcome, _ = judge(tools, submitted(9, bounty="elsewhere"), part)
    assert outcome.reason == "maybe_same_exposure", "a zoom of 1.8 wants surer noise than this picture has"
    assert outcome.facts["alike"] == 1


@pytest.mark.parametrize("name", ["JPEG q20", "solarised"])
def test_a_copy_whose_noise_is_gone_goes_to_a_person(tools: Tools, name: str) -> None:
    for order, other in enumerate(("chelsea", "astronaut", "coffee"), start=1):
        judge(tools, submitted(order), sample(other))
    copy = (TRANSFORMS | BEYOND)[name](sample("coffee"), random.Random(5))
    outcome, neighbours = judge(tools, submitted(9, bounty="elsewhere"), copy)
    assert (outcome.status, outcome.reason, neighbours) == (Status.OK, "maybe_same_exposure", {})
    assert outcome.facts["folded"] is (name == "solarised")


def test_the_earlier_one_is_not_blamed_for_the_later(tools: Tools) -> None:
    first, second = submitted(1, bounty="x"), submitted(2, bounty="x")
    rgb = sample("coffee")
    tools.memory.remember(second, picture(rgb))
    outcome, neighbours = judge(tools, first, rgb)
    assert (outcome.reason, neighbours) == ("no_copy_found", {})
    assert judge(tools, second, rgb)[1] == {"cap 1": "geometry"}


def test_eight_crops_of_one_original_all_name_the_first(tools: Tools) -> None:
    rgb, source = sample("astronaut"), random.Random(11)
    crops = [jpeg(crop(rgb, 0.2, source), 85) for _ in range(8)]
    for order, cut in enumerate(crops, start=1):
        _, neighbours = judge(tools, submitted(order, bounty="x"), cut)
        assert "cap 1" in neighbours or order == 1


def test_two_honest_photographs_of_one_place_are_not_copies(tools: Tools) -> None:
    (views,) = bench.places(None)  # a stereo pair
    for order, rgb in enumerate(views.values(), start=1):
        outcome, neighbours = judge(tools, submitted(order, bounty="x"), rgb)
        assert (outcome.reason, neighbours) == ("no_copy_found", {})
    assert outcome.facts["compared"] == 1


def test_what_only_a_person_can_tell_is_left_to_one(tools: Tools) -> None:
    rgb = sample("astronaut")
    judge(tools, submitted(1, bounty="x"), rgb)
    outcome, neighbours = judge(
        tools, submitted(2, bounty="x"), TRANSFORMS["perspective 5 %"](rgb, random.Random(3))
    )
    assert (outcome.status, outcome.reason) == (Status.OK, "maybe_same_exposure")
    assert neighbours == {}
    assert -3 < outcome.llr < 0
    assert outcome.facts["alike"] == 1


@pytest.mark.parametrize(("tier", "reason"), [(0, "maybe_same_exposure"), (1, "other_exposure")])
def test_noise_of_its_own_clears_a_likeness_only_where_a_burst_binds_the_photo(
    tools: Tools, tier: int, reason: str
) -> None:
    rng = np.random.default_rng(7)

    def exposed(rgb: Pixels) -> Pixels:
        """Another exposure of the same flat thing: the sensor's noise is new each time."""
        return np.clip(rgb + rng.normal(0, 4, rgb.shape), 0, 255).astype(np.uint8)

    poster = sample("astronaut")
    judge(tools, submitted(1, bounty="x"), exposed(poster))
    aside = exposed(TRANSFORMS["perspective 5 %"](poster, random.Random(3)))
    again = submitted(2, bounty="x")
    again = replace(again, terms=replace(again.terms, tier=tier))
    outcome, neighbours = judge(tools, again, aside)
    assert (outcome.status, outcome.reason, neighbours) == (Status.OK, reason, {})
    assert (outcome.llr < 0) == (tier == 0)


def swirled(rgb: Pixels, pixels: float) -> Pixels:
    """Bent smoothly by up to so many pixels."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = x + np.float32(pixels) * np.sin(2 * np.pi * y / height)
    down = y + np.float32(pixels) * np.sin(2 * np.pi * x / width)
    return np.asarray(cv2.remap(rgb, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_a_bent_copy_is_a_case_for_a_person(tools: Tools, name: str) -> None:
    judge(tools, submitted(1, bounty="x"), sample(name))
    bent = swirled(sample(name), 3 * sample(name).shape[1] / 640)
    outcome, neighbours = judge(tools, submitted(2, bounty="x"), bent)
    assert (outcome.reason, neighbours) == ("maybe_same_exposure", {})


def test_a_bare_wall_is_no_copy_of_another(tools: Tools) -> None:
    wall = sample("coffee") // 16 + 120
    judge(tools, submitted(1, bounty="x"), wall)
    outcome, _ = judge(tools, submitted(2, bounty="x"), sample("rocket")[:120, :160] // 16 + 120)
    assert outcome.reason == "no_copy_found"


def test_the_bench_runs_and_its_intervals_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    low, high = bench.wilson(9, 10)  # 0.5958 .. 0.9821: Wilson (1927), as statsmodels gives it
    assert (round(low, 4), round(high, 4)) == (0.5958, 0.9821)
    assert bench.wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(SystemExit):
        bench.main(["--help"])
    assert "--photos" in capsys.readouterr().out
