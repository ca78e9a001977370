"""Films for `bench.veil`: heads cut out of photographs pass before other photographs; what of them is veiled.

Simulated: a head keeps its face to the camera, is not hidden by anything, and goes its way at an even pace,
up and down as it walks, while the hand that films wanders. The film is encoded, watched and looked at as in a
verdict; how much of each face is covered is worked out from the veils, not from pixels.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from bench.cover import covered_in, of_hits, of_shares
from bench.video import timed
from core.figures import Row, of_samples
from market.simulator.recorder import record
from verification import bystanders
from verification.engine import Engine
from verification.film import veiled, watch
from verification.picture import Decoder, Pixels
from verification.tracks import Area, Veil

SIZE, FPS, SECONDS = (960, 540), 8.0, 20.0  # looked at in the same sizes as larger films
HEAD = 2.2  # times as wide and high as its face's box
SIZES = {"large": (0.12, 0.35), "small": (0.05, 0.12)}  # a face's height, of the picture's


@dataclass(frozen=True)
class Head:
    """A head that was cut out: uint8[h, w, 3], and where its face is, 0..1 of it."""

    rgb: Pixels
    face: Area


def cut(rgb: Pixels, face: Sequence[float]) -> Head:
    """The head around a face (0..1 of the picture)."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = (edge * side for edge, side in zip(face, (width, height) * 2, strict=True))
    x, y = (HEAD - 1) / 2 * (right - left), (HEAD - 1) / 2 * (bottom - top)
    a, b = max(0, round(left - x)), max(0, round(top - y))
    c, d = min(width, round(right + x)), min(height, round(bottom + y))
    place = ((left - a) / (c - a), (top - b) / (d - b), (right - a) / (c - a), (bottom - b) / (d - b))
    return Head(np.ascontiguousarray(rgb[b:d, a:c]), place)


class Passing(Protocol):
    """What passes through a film: a picture, whether it is rounded off, and where it is when."""

    @property
    def rgb(self) -> Pixels:
        """uint8[h, w, 3]."""
        ...

    @property
    def round(self) -> bool:
        """In an ellipse, or whole."""
        ...

    def place(self, t: float) -> Area | None:
        """Left, top, right and bottom at `t` seconds, 0..1 of the picture; None: it is not there."""
        ...


@dataclass
class Walk:
    """One head's way through a film, drawn once; all in shares of the picture."""

    head: Head
    high: float  # the face's height
    begins: float  # seconds
    lasts: float
    way: int  # 1 from left to right, -1 back
    y: float
    round = True

    @property
    def rgb(self) -> Pixels:
        """The head's picture."""
        return self.head.rgb

    def place(self, t: float) -> Area | None:
        """Where the head is at `t` seconds: left, top, right, bottom."""
        share = (t - self.begins) / self.lasts
        if not 0 <= share <= 1:
            return None
        face = self.head.face
        tall = self.high / (face[3] - face[1])
        wide = tall * self.head.rgb.shape[1] / self.head.rgb.shape[0] * SIZE[1] / SIZE[0]
        x = (1 - wide) * (share if self.way > 0 else 1 - share)
        y = self.y * (1 - tall) + 0.02 * np.sin(2 * np.pi * 1.8 * t) * tall
        return x, y, x + wide, y + tall

    def face(self, t: float) -> Area | None:
        """Where its face is."""
        place = self.place(t)
        if place is None:
            return None
        wide, tall = place[2] - place[0], place[3] - place[1]
        left, top, right, bottom = self.head.face
        return (
            place[0] + left * wide,
            place[1] + top * tall,
            place[0] + right * wide,
            place[1] + bottom * tall,
        )


def wandered(scene: Pixels, rng: np.random.Generator) -> tuple[Pixels, list[tuple[int, int]]]:
    """The scene, somewhat larger than the film's SIZE, and where a wandering hand cuts each frame from it."""
    wide, tall = SIZE
    scale = max(wide * 1.1 / scene.shape[1], tall * 1.1 / scene.shape[0])
    whole = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    room = np.array([whole.shape[1] - wide, whole.shape[0] - tall])
    drift = np.cumsum(rng.normal(0, 1.5, (round(SECONDS * FPS), 2)), axis=0)
    ways = np.clip(room / 2 + drift, 0, room - 1).astype(int)
    return np.asarray(whole, np.uint8), [(int(x), int(y)) for x, y in ways]


def drawn(
    whole: Pixels, ways: Sequence[tuple[int, int]], passing: Sequence[Passing], rng: np.random.Generator
) -> Iterator[Pixels]:
    """The film's frames."""
    wide, tall = SIZE
    noise = rng.normal(0, 2, (4, tall, wide, 1)).astype(np.int16)
    for k, (x, y) in enumerate(ways):
        frame = whole[y : y + tall, x : x + wide].astype(np.int16)
        for each in passing:
            place = each.place(k / FPS)
            if place is not None:
                _paste(frame, each.rgb, place, round_off=each.round)
        yield np.asarray(np.clip(frame + noise[k % 4], 0, 255), np.uint8)


def _paste(frame: npt.NDArray[np.int16], head: Pixels, place: Area, *, round_off: bool) -> None:
    """In a soft ellipse, or whole."""
    left, top, right, bottom = (
        round(edge * side) for edge, side in zip(place, (frame.shape[1], frame.shape[0]) * 2, strict=True)
    )
    small = cv2.resize(head, (right - left, bottom - top), interpolation=cv2.INTER_AREA).astype(np.float32)
    cover = np.zeros(small.shape[:2], np.float32)
    middle = (small.shape[1] // 2, small.shape[0] // 2)
    if round_off:
        cv2.ellipse(cover, middle, (middle[0] - 2, middle[1] - 2), 0, 0, 360, 1.0, -1)
    else:
        cover[2:-2, 2:-2] = 1.0
    cover = cv2.GaussianBlur(cover, (0, 0), 1.5)[..., None]
    onto = frame[max(0, top) : bottom, max(0, left) : right]
    from_y, from_x = max(0, -top), max(0, -left)
    part = (slice(from_y, from_y + onto.shape[0]), slice(from_x, from_x + onto.shape[1]))
    onto[:] = (onto * (1 - cover[part]) + small[part] * cover[part]).astype(np.int16)


def walks(heads: Sequence[Head], sizes: tuple[float, float], rng: np.random.Generator) -> list[Walk]:
    """Four people, each of whom crosses the picture in 2 to 10 s."""
    found = []
    for k in rng.integers(0, len(heads), 4):
        lasts = float(rng.uniform(2, 10))
        begins, high = float(rng.uniform(0, SECONDS - lasts)), float(np.exp(rng.uniform(*np.log(sizes))))
        found.append(
            Walk(heads[k], high, begins, lasts, int(rng.choice([-1, 1])), float(rng.uniform(0.1, 0.6)))
        )
    return found


def rows(
    heads: Sequence[Head],
    scenes: Sequence[Pixels],
    films: int,
    seed: int,
) -> Iterator[Row]:
    """Shares of faces covered in `films` films of each size, and what looking costs."""
    rng, engine, cost = np.random.default_rng(seed), Engine("cpu"), []
    with Decoder() as decoder:
        for name, sizes in SIZES.items():
            shares = []
            for number in range(films):
                going = walks(heads, sizes, rng)
                film = watch(
                    decoder, record(drawn(*wandered(scenes[number % len(scenes)], rng), going, rng), fps=FPS)
                )
                began = time.process_time()
                tracks = bystanders.over_time(film, engine)
                cost.append(time.process_time() - began)
                shares.append(covered_in(film, [walk.face for walk in going], tracks))
            yield of_shares(f"frames of {name} faces covered by 80 %, a film", shares)
        anew = []
        for number in range(films):
            film = watch(
                decoder, record(drawn(*wandered(scenes[-1 - number % len(scenes)], rng), [], rng), fps=FPS)
            )
            anew.append(bool(bystanders.over_time(film, engine)))
        yield of_hits("films without people that are encoded anew", anew)
    yield of_samples("processor time of looking, a film of 20 s", cost, unit="s")


def times(scene: Pixels, rounds: int) -> Iterator[Row]:
    """Veiling 10 s of 1080p at 30 frames a second, beside one pass of the decoder."""
    wide = np.asarray(cv2.resize(scene, (2000, 1160)), np.uint8)
    noise = np.random.default_rng(1).normal(0, 3, (8, 1080, 1920, 1)).astype(np.int16)
    moved = (wide[k % 60 : k % 60 + 1080, k % 70 : k % 70 + 1920] + noise[k % 8] for k in range(300))
    data = record((np.clip(frame, 0, 255).astype(np.uint8) for frame in moved), fps=30.0, bits=10_000_000)
    with Decoder() as decoder:
        film = watch(decoder, data)
    veils = [Veil(0.0, 10.0, (x, 0.2, x + 0.1, 0.4), (x, 0.5, x + 0.1, 0.7)) for x in (0.1, 0.4, 0.7)]

    def idle() -> None:
        with Decoder() as decoder:
            decoder.films()._start()

    def alone() -> None:
        with Decoder() as decoder:
            watch(decoder, data)

    def veil() -> None:
        with Decoder() as decoder:
            veiled(decoder, film, veils)

    spent = [[timed(act)[1] for act in (idle, alone, veil)] for _ in range(rounds)]
    yield of_samples("veiling 10 s of 1080p, processor", [veil - idle for idle, _, veil in spent], unit="s")
    ratios = [(veil - idle) / (alone - idle) for idle, alone, veil in spent]
    yield of_samples("the same / one pass of the decoder alone", ratios)
