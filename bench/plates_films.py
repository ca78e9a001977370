"""Films for `bench.plates`: tails of vehicles with plates, parked or driving by, and what of these is veiled.

Simulated: a tail is seen squarely and drives at an even pace, growing or shrinking on its way, and may hide
another; a parked one stays where it is in the photograph, while the hand that films wanders. The film is
encoded, watched and looked at as in a verdict; how much of each plate is covered is worked out from the
veils. Plates are of the layouts of `bench.plates_drawn.MEASURED`; what nobody could read counts, too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench import plates_drawn
from bench.cover import covered_in, of_hits, of_shares
from bench.veil_films import FPS, SECONDS, SIZE, drawn, wandered
from core.figures import Row, of_samples
from market.simulator.recorder import record
from verification import plates
from verification.case import Reader
from verification.evidence import Evidence
from verification.film import Film, watch
from verification.picture import Decoder, Pixels
from verification.tracks import Area

WIDTHS = ((35, 55), (55, 75), (75, 110), (110, 160))  # pixels of a plate, of a picture's 960
VEHICLES = 3  # a film


@dataclass(frozen=True)
class Ride:
    """One tail's way through a film; all in shares of the picture.

    Attributes:
        rgb: the tail; `share` of its width and height, in its middle, is the plate.
        places: where the tail is in every frame, None where it is not.
    """

    rgb: Pixels
    share: tuple[float, float]
    places: tuple[Area | None, ...]
    round = False

    def place(self, t: float) -> Area | None:
        """Where the tail is at `t` seconds."""
        number = round(t * FPS)
        return self.places[number] if number < len(self.places) else None

    def plate(self, t: float) -> Area | None:
        """Where its plate is; None where it is not whole in the picture."""
        place = self.place(t)
        if place is None:
            return None
        x, y = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2
        wide, tall = (place[2] - place[0]) * self.share[0] / 2, (place[3] - place[1]) * self.share[1] / 2
        whole = wide <= x <= 1 - wide and tall <= y <= 1 - tall
        return (x - wide, y - tall, x + wide, y + tall) if whole else None


def _seen(
    source: random.Random, wide: tuple[float, float], ways: Sequence[tuple[int, int]], slot: int | None
) -> Ride:
    """A tail with a plate of some layout that is as wide (pixels) in the middle of its way; parked in a slot
    of the picture's width, or driving."""
    sheet, _ = plates_drawn.plate(source.choice(plates_drawn.MEASURED), source)
    body, share = plates_drawn.tail(sheet, source)
    rgb = np.asarray(body.clip(0, 255), np.uint8)
    across = source.uniform(*wide) / share[0] / SIZE[0]
    high = across * rgb.shape[0] / rgb.shape[1] * SIZE[0] / SIZE[1]
    y = source.uniform(0.2, 0.8) * (1 - high)
    if slot is None:
        places = _driven(source, across, high, y, ways)
    else:
        places = _standing(source, slot, across, high, y, ways)
    return Ride(rgb, (float(share[0]), float(share[1])), tuple(places))


def _driven(
    source: random.Random, wide: float, high: float, y: float, ways: Sequence[tuple[int, int]]
) -> Iterator[Area | None]:
    lasts = source.uniform(2, 10)
    begins = source.uniform(0, SECONDS - lasts)
    way, grows = source.choice((-1, 1)), source.uniform(0.7, 1.4)
    for number in range(len(ways)):
        share = (number / FPS - begins) / lasts
        if not 0 <= share <= 1:
            yield None
            continue
        x, middle = (1 - wide) * (share if way > 0 else 1 - share) + wide / 2, y + high / 2
        across, down = (grows ** (share - 0.5) * side / 2 for side in (wide, high))
        yield x - across, middle - down, x + across, middle + down


def _standing(
    source: random.Random, slot: int, wide: float, high: float, y: float, ways: Sequence[tuple[int, int]]
) -> Iterator[Area | None]:
    x, (left, top) = (slot + 0.5) / VEHICLES - wide / 2 + source.uniform(-0.03, 0.03), ways[0]
    for across, down in ways:
        right, lower = x - (across - left) / SIZE[0], y - (down - top) / SIZE[1]
        yield right, lower, right + wide, lower + high


def rows(
    scenes: Sequence[Pixels], reader: Reader, evidence: Evidence, films: int, seed: int
) -> Iterator[Row]:
    """Shares of plates covered in `films` films of each width and kind; false veils; what looking costs."""
    source, cost = random.Random(seed), []
    with Decoder() as decoder:
        for wide in WIDTHS:
            for drives in (False, True):
                shares = []
                for number in range(films):
                    scene = scenes[number % len(scenes)]
                    slots = [None if drives else slot for slot in range(VEHICLES)]
                    film, rides = _made(decoder, scene, source, slots, wide)
                    began = time.process_time()
                    tracks = plates.over_time(film, reader, evidence)
                    cost.append(time.process_time() - began)
                    shares.append(covered_in(film, [ride.plate for ride in rides], tracks))
                kind = "driving" if drives else "parked"
                yield of_shares(
                    f"frames of {kind} plates of {wide[0]} to {wide[1]} pixels covered by 80 %, a film",
                    shares,
                )
        spent, anew = [], []
        for number in range(films * len(WIDTHS)):
            film, _ = _made(decoder, scenes[-1 - number % len(scenes)], source, [], (0, 0))
            began = time.process_time()
            anew.append(bool(plates.over_time(film, reader, evidence)))
            spent.append(time.process_time() - began)
    yield of_hits("films without vehicles that are encoded anew for a plate", anew)
    yield of_samples("processor time of looking, a film of 20 s with plates", cost, unit="s")
    yield of_samples("the same, without", spent, unit="s")


def _made(
    decoder: Decoder,
    scene: Pixels,
    source: random.Random,
    slots: Sequence[int | None],
    wide: tuple[float, float],
) -> tuple[Film, list[Ride]]:
    rng = np.random.default_rng(source.randrange(1 << 30))
    whole, ways = wandered(scene, rng)
    rides = [_seen(source, wide, ways, slot) for slot in slots]
    return watch(decoder, record(drawn(whole, ways, rides, rng), fps=FPS)), rides
