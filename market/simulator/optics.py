"""What a picture is made of when a second camera looks at it: a screen's sub-pixels, or ink on paper.

A periodic grid is treated as its Fourier series. Lens and pixel aperture damp each harmonic before the
sensor samples it (a Gaussian and a box in frequency), so the beat between grid, sensor and
colour filter (moire) comes out of true sampling, at no cost in oversampling. See J. W. Goodman,
Introduction to Fourier Optics, on apertures, and Amidror, The Theory of the Moire Phenomenon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np

from market.simulator.sensor import Floats
from market.simulator.view import Doubles, View

_HARMONICS = 3
_HALFTONE_DEGREES = (15.0, 75.0, 45.0)  # of cyan, magenta, yellow (black is left out)
_TILE = 512
_DROPS = 3  # of ink along a cell, in a print of scattered dots


@dataclass(frozen=True, slots=True)
class Lit:
    """How a surface is seen and lit: the view, (u, v) a pixel, the foot of the camera on the plane in
    (u, v), the plane's width and its middle's distance in metres."""

    view: View
    step: float
    foot: Doubles
    width_m: float
    distance_m: float

    @property
    def torch(self) -> float:
        """What the torch adds to a white thing there."""
        return self.view.torch / self.distance_m**2


class Surface(Protocol):
    """What a flat picture is made of. Places `at` on it are (u, v), float32 [2, h, w]."""

    def pixelated(self, at: Floats) -> Floats:
        """Where in the picture the light at (u, v) is taken from."""
        ...

    def shine(self, content: Floats, at: Floats, lit: Lit) -> Floats:
        """Light float32 [h, w, 3] from the surface that shows `content` at (u, v) = `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of square pixels, each of three upright stripes, red, green, blue.

    Attributes:
        columns: of pixels across the picture.
        aperture: share of a stripe and of a row that shines; the rest is the black matrix.
        gamma / white: exponent on the linear picture, and float [3] gains: how the screen is set.
        level: of its white in the camera's linear light. black: light that leaks where it shows black.
        glare: of a lamp or window mirrored in it, at (u, v) `lamp`, `spread` wide.
        flicker / hz: depth and frequency of the backlight's dimming.
    """

    columns: float = 1280.0
    aperture: tuple[float, float] = (0.8, 0.75)
    gamma: float = 1.0
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    level: float = 0.9
    black: float = 0.006
    glare: float = 0.05
    lamp: tuple[float, float] = (0.3, 0.2)
    spread: float = 0.2
    flicker: float = 0.0
    hz: float = 240.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Screen:
        """Somebody's screen."""
        cold = float(rng.normal(0, 0.05))
        return cls(
            aperture=(float(rng.uniform(0.65, 0.95)), float(rng.uniform(0.6, 0.9))),
            gamma=float(rng.uniform(0.88, 1.15)),
            white=(1 - cold, 1.0, 1 + cold),
            level=float(rng.uniform(0.75, 1.0)),
            black=float(np.exp(rng.uniform(np.log(0.001), np.log(0.02)))),
            glare=float(max(0.0, rng.normal(0.03, 0.05))),
            lamp=(float(rng.uniform(0, 1)), float(rng.uniform(0, 1))),
            spread=float(rng.uniform(0.06, 0.35)),
            flicker=float(rng.choice((0.0, 0.0, rng.uniform(0.01, 0.15)))),
            hz=float(rng.uniform(120, 480)),
        )

    def at(self, columns: float) -> Screen:
        """The same screen with so many pixels across."""
        return replace(self, columns=columns)

    def pixelated(self, at: Floats) -> Floats:
        """A pixel shows one colour: that of its middle."""
        n = np.float32(self.columns)
        middles = np.floor(at * n)
        middles += np.float32(0.5)
        middles /= n
        return np.asarray(middles, np.float32)

    def shine(self, content: Floats, at: Floats, lit: Lit) -> Floats:
        """Stripes, rows, backlight and what the glass mirrors."""
        columns, frequency = np.float32(self.columns), self.columns * lit.step  # screen pixels a sensor pixel
        rows = _wave(at[1] * columns * _aspect(lit), (0.0,), self.aperture[1], frequency, lit)[0]
        lines = rows * self._backlight(lit)
        stripes = _wave(at[0] * columns, (-1 / 3, 0.0, 1 / 3), self.aperture[0] / 3, frequency, lit)
        shown = cv2.pow(content, self.gamma) if self.gamma != 1 else content
        mirrored = self._mirrored(at, lit)
        bright = [
            (plane + np.float32(self.black)) * (np.float32(self.level * gain) * stripe * lines) + mirrored
            for plane, gain, stripe in zip(cv2.split(shown), self.white, stripes, strict=True)
        ]
        return np.asarray(cv2.merge(bright), np.float32)

    def _backlight(self, lit: Lit) -> Floats:
        """Bands of a dimmed backlight as a rolling shutter sees it, float32 [h, 1]."""
        row_s = np.linspace(0, lit.view.readout_s, lit.view.size[1]) + lit.view.time
        wave = 1 + self.flicker * np.sin(2 * np.pi * self.hz * row_s)
        return wave.astype(np.float32)[:, None]

    def _mirrored(self, at: Floats, lit: Lit) -> Floats:
        """A lamp's reflection, the torch's own, and a little light scattered back by the glass."""
        haze = np.float32(0.012 * lit.torch)
        lamp = np.float32(self.glare) * _blob(at, np.array(self.lamp), self.spread)
        torch = min(30.0, 4 * lit.view.torch) * _blob(at, lit.foot, 0.018 / lit.width_m) if lit.torch else 0
        return np.asarray(lamp + torch + haze, np.float32)


@dataclass(frozen=True, slots=True)
class Paper:
    """A print.

    Attributes:
        cells: of its screen (or ink dots) across the picture.
        kind: "halftone" (cyan, magenta and yellow dots at three angles) or "inkjet" (scattered dots).
        light: falling on it, linear. lean: how that light falls off across it, (u, v).
        white / ink: reflectance of bare paper and of full ink. texture: of its fibres.
        gloss: of a lamp mirrored in it.
    """

    cells: float = 500.0
    kind: str = "halftone"
    light: float = 0.85
    lean: tuple[float, float] = (0.0, 0.0)
    white: float = 0.88
    ink: float = 0.035
    texture: float = 0.02
    gloss: float = 0.0
    lamp: tuple[float, float] = (0.6, 0.3)
    phase: int = 0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Paper:
        """Somebody's print."""
        return cls(
            kind=str(rng.choice(("halftone", "inkjet"))),
            lean=(float(rng.normal(0, 0.12)), float(rng.normal(0, 0.12))),
            white=float(rng.uniform(0.8, 0.93)),
            ink=float(rng.uniform(0.02, 0.06)),
            texture=float(rng.uniform(0.008, 0.04)),
            gloss=float(max(0.0, rng.normal(0.0, 0.06))),
            lamp=(float(rng.uniform(0, 1)), float(rng.uniform(0, 1))),
            phase=int(rng.integers(1000)),
        )

    def at(self, cells: float, light: float) -> Paper:
        """The same print with so many cells across, in that light."""
        return replace(self, cells=cells, light=light)

    def pixelated(self, at: Floats) -> Floats:
        """Ink is finer than a cell: the picture is taken as it is."""
        return at

    def shine(self, content: Floats, at: Floats, lit: Lit) -> Floats:
        """Light that ink and paper send back (Murray-Davies: by the share of paper that ink covers)."""
        covered = np.clip(1 - content, 0, 1)
        finest = self.cells * (1 if self.kind == "halftone" else _DROPS / 2)
        damped = np.float32(_damped(finest * lit.step, 1, lit))
        where = at * np.float32(self.cells)
        where[1] *= _aspect(lit)
        if damped > 0.01:
            covered = covered + damped * (self._dots(covered, where) - covered)
        sheen = np.float32(self.gloss) * _blob(at, np.array(self.lamp), 0.2)
        fibres = 1 + np.float32(self.texture) * _laid(_tile(self.phase, "fibres"), where * np.float32(0.7))
        reflected = np.float32(self.white) + covered * np.float32(self.ink - self.white)
        lean = [
            np.float32(slope) * (axis - np.float32(0.5)) for slope, axis in zip(self.lean, at, strict=True)
        ]
        falling = np.float32(self.light) * (1 + lean[0] + lean[1]) + np.float32(lit.torch)
        return np.asarray(reflected * cv2.merge([falling * fibres] * 3) + cv2.merge([sheen] * 3), np.float32)

    def _dots(self, covered: Floats, where: Floats) -> Floats:
        """1 where there is ink, 0 where there is none, a little soft, float32 [h, w, 3]."""
        inked = []
        for channel, degrees in enumerate(_HALFTONE_DEGREES):
            if self.kind == "halftone":
                c, s = 2 * np.pi * np.cos(np.radians(degrees)), 2 * np.pi * np.sin(np.radians(degrees))
                across = np.float32(c) * where[0] + np.float32(s) * where[1]
                along = np.float32(c) * where[1] - np.float32(s) * where[0]
                threshold = np.float32(0.5) + np.float32(0.27) * (np.cos(across) + np.cos(along))
            else:
                threshold = _laid(_tile(self.phase + channel, "dots"), where * np.float32(_DROPS))
            inked.append(np.clip((covered[..., channel] - threshold) * 4 + np.float32(0.5), 0, 1))
        return np.asarray(cv2.merge(inked), np.float32)


def _aspect(lit: Lit) -> np.float32:
    """Height of the picture over its width: pixels and cells are square."""
    width, height = lit.view.size
    return np.float32(height / width)


def _damped(frequency: float, harmonic: int, lit: Lit) -> float:
    """What lens and pixel aperture leave of a grid's harmonic; `frequency` in periods a sensor pixel."""
    f = frequency * harmonic
    return float(np.exp(-2 * (np.pi * f * lit.view.blur) ** 2) * np.sinc(f))


def _wave(at: Floats, places: tuple[float, ...], duty: float, frequency: float, lit: Lit) -> list[Floats]:
    """For each place, a bar of `duty` a period about every whole number of `at` + 1/2 + place, seen through
    the lens; mean 1. Harmonics and places come from one sine and cosine by the addition theorems."""
    turn = (at - np.float32(0.5)) * np.float32(2 * np.pi)
    once = even, odd = np.cos(turn), np.sin(turn)
    waves = [np.ones_like(at) for _ in places]
    for harmonic in range(1, _HARMONICS + 1):
        weight = 2 * float(np.sinc(harmonic * duty)) * _damped(frequency, harmonic, lit)
        if abs(weight) > 1e-3:
            for k, place in enumerate(places):
                late = 2 * np.pi * harmonic * place
                waves[k] += np.float32(weight * np.cos(late)) * even
                if place:
                    waves[k] += np.float32(weight * np.sin(late)) * odd
        even, odd = even * once[0] - odd * once[1], odd * once[0] + even * once[1]
    return [np.maximum(wave, 0, out=wave) for wave in waves]


def _blob(at: Floats, middle: Doubles, spread: float) -> Floats:
    u, v = (axis - np.float32(place) for axis, place in zip(at, middle, strict=True))
    away = (u * u + v * v) * np.float32(-1 / (2 * spread**2))
    return np.asarray(np.exp(np.maximum(away, np.float32(-60))), np.float32)


def _laid(tile: Floats, where: Floats) -> Floats:
    """The tile laid side by side, at places float32 [2, h, w] in its pixels."""
    x, y = (np.floor(axis).astype(np.int32) % _TILE for axis in where)
    return np.asarray(tile.ravel().take(y * _TILE + x), np.float32)


@lru_cache(maxsize=8)
def _tile(seed: int, what: str) -> Floats:
    """Noise to be laid side by side, float32 [_TILE, _TILE]: 0..1 ("dots") or N(0, 1) ("fibres")."""
    rng = np.random.default_rng((seed, len(what)))
    noise = rng.random((_TILE, _TILE)) if what == "dots" else rng.standard_normal((_TILE, _TILE))
    return noise.astype(np.float32)
