"""Number plates in films are veiled in every frame, though only some moments are read."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from bench import plates_drawn
from tests.verification import reels, stage
from tests.verification.eyes import engine, reader
from tests.verification.test_film_veiled import delivered, frames_of
from verification import plates
from verification.decoding.veil import at
from verification.evidence import Evidence, Report
from verification.film import Film, watch
from verification.picture import Decoder, Pixels
from verification.pipeline import examine
from verification.registry import registered
from verification.tracks import Area, Tracks
from verification.writing import Text

SIZE, SECONDS = (640, 480), 4.0
LAYOUT = next(layout for layout in plates_drawn.LEARNT if layout.country == "GB")


@lru_cache(maxsize=1)
def driven() -> tuple[tuple[Pixels, ...], tuple[Area, ...], str]:
    """Frames in which a vehicle's tail goes to the right and nearer, where its plate is, and what it says."""
    sheet, said = plates_drawn.plate(LAYOUT, random.Random(4))
    body, share = plates_drawn.tail(sheet, random.Random(4))
    frames, areas = [], []
    scenes = reels.wander(seconds=SECONDS, size=SIZE)
    for k, scene in enumerate(scenes):
        way = k / (len(scenes) - 1)
        wide = round(330 * (1 + 0.25 * way))
        tail = cv2.resize(
            body, (wide, round(wide * body.shape[0] / body.shape[1])), interpolation=cv2.INTER_AREA
        )
        x, y = round(10 + 180 * way), round(120 + 30 * np.sin(5 * way))
        shown = scene.copy()
        shown[y : y + tail.shape[0], x : x + wide] = np.clip(tail, 0, 255).astype(np.uint8)
        frames.append(shown)
        across, down = share * (wide, tail.shape[0]) / 2
        middle = (x + wide / 2, y + tail.shape[0] / 2)
        edges = np.array([middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down])
        areas.append(tuple((edges / (*SIZE, *SIZE)).tolist()))
    return tuple(frames), tuple(areas), said


@lru_cache(maxsize=1)
def data() -> bytes:
    return reels.film(driven()[0], bits=4_000_000)


@pytest.fixture(scope="module")
def film(decoder: Decoder) -> Film:
    return watch(decoder, data())


class Once:
    """The real reader, that reads in one picture alone and counts."""

    models = reader().models

    def __init__(self, number: int) -> None:
        self.number, self.asked = number, 0

    def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
        raise AssertionError("pictures of a film are skimmed")

    def skim(self, rgb: Pixels, most: int) -> list[Text]:
        self.asked += 1
        return reader().skim(rgb, most) if self.asked == self.number else []


def asked(answer: str) -> Evidence:
    ask = stage.terms("video", ask="What stands on the plate?", answer_schema={"type": "string"})
    return replace(stage.photo(data(), ask=ask), answer=answer)


def covered(film: Film, found: Tracks) -> float:
    """The share of frames in which all four corners of the plate are in a veil."""
    told = [[v.start, v.end, *v.first, *v.last] for track in found for v in track]
    hits = []
    for t, (left, top, right, bottom) in zip(film.times.tolist(), driven()[1], strict=True):
        corners = [(x, y) for x in (left, right) for y in (top, bottom)]
        hits.append(any(all(_inside(area, x, y) for x, y in corners) for area in at(told, t)))
    return float(np.mean(hits))


def _inside(area: tuple[float, ...], x: float, y: float) -> bool:
    """In the ellipse."""
    left, top, right, bottom = area
    across, down = (x - (left + right) / 2) / (right - left), (y - (top + bottom) / 2) / (bottom - top)
    return float(np.hypot(across, down)) <= 0.5


def test_a_plate_is_veiled_in_every_frame(film: Film) -> None:
    assert covered(film, plates.over_time(film, reader(), asked("blue"))) == 1.0


@pytest.mark.parametrize("number", [1, 4, 6])
def test_a_plate_that_is_read_once_is_followed_through_all(film: Film, number: int) -> None:
    eye = Once(number)
    (track,) = plates.over_time(film, eye, asked("blue"))
    assert covered(film, (track,)) >= 0.95
    assert eye.asked <= plates.LOOKS + 1


def test_what_was_asked_for_is_not_veiled_in_films(film: Film) -> None:
    assert plates.over_time(film, reader(), asked(driven()[2])) == ()


class Misread(Once):
    """The real reader, that reads one plate as another in one picture."""

    def skim(self, rgb: Pixels, most: int) -> list[Text]:
        self.asked += 1
        read = reader().skim(rgb, most)
        return [replace(text, text="XK19 ZZP") for text in read] if self.asked == self.number else read


@pytest.mark.parametrize("number", [1, 4])
def test_one_misreading_does_not_veil_what_was_asked_for(film: Film, number: int) -> None:
    assert plates.over_time(film, Misread(number), asked("blue")) != ()
    assert plates.over_time(film, Misread(number), asked(driven()[2])) == ()


def test_of_two_plates_beside_each_other_both_are_veiled() -> None:
    one = (0.30, 0.5, 0.40, 0.55)
    assert plates._within(one, one)
    assert plates._within(one, (0.305, 0.5, 0.405, 0.55)), "a pixel or two of drift"
    assert not plates._within(one, (0.36, 0.5, 0.46, 0.55)), (
        "it shares a letter or two with the other's ellipse"
    )
    assert not plates._within(one, (0.32, 0.51, 0.38, 0.54)), "nor is it in a smaller one"


def test_a_film_without_plates_has_no_veil(decoder: Decoder) -> None:
    assert plates.over_time(watch(decoder, reels.honest()), reader(), asked("blue")) == ()


@pytest.fixture(scope="module")
def report(decoder: Decoder) -> Report:
    tools = replace(stage.tools(decoder), engine=engine(), reader=reader())
    return examine(asked("blue"), tools, [check for check in registered() if check.name == "decode"])


def test_nobody_can_read_it_in_what_is_delivered(report: Report) -> None:
    copy, facts = delivered(report)
    assert facts["plates"] == facts["veiled"] >= 1
    before, after = driven()[0], frames_of(copy.data)
    assert len(before) == len(after)
    chosen = range(0, len(before), 6)
    read = [k for k in chosen if plates.plates(reader().skim(before[k], 40))]
    assert len(read) >= len(chosen) / 2, "else the test would prove little"
    assert [k for k in chosen if plates.plates(reader().skim(after[k], 40))] == []
