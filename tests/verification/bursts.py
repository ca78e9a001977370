"""A small stage for bursts: flat things at a few distances, a hand that moves a phone, what the phone felt.

Everything is simulated: the scene is a handful of planes facing the start pose, each a piece of a
photograph; one plane alone is a screen or a still, two close ones a two-layer screen, a near one before
far ones a scene. Motion is in camera axes and handed over in the device's (W3C), with a gyro's noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from market.simulator.sensor import expose, to_light
from tests.verification import stage
from tests.verification.eyes import picture, sample
from verification.case import Case, Frame, Sensed, Tools
from verification.evidence import Evidence
from verification.picture import Pixels
from verification.statement import parse_statement

Doubles = npt.NDArray[np.float64]
HZ = 200
TO_DEVICE = np.diag([1.0, -1.0, -1.0])
WAYS = {"L": (0.0, -1.0), "R": (0.0, 1.0), "U": (1.0, 0.0), "D": (-1.0, 0.0)}  # of turning about x and y


@dataclass(frozen=True, eq=False)
class Plane:
    """A flat thing facing the start pose: its picture, how far, where its middle is and how wide (metres);
    `shines` for a screen, which answers no lamp."""

    rgb: Pixels
    z: float
    middle: tuple[float, float] = (0.0, 0.0)
    width: float = 0.0  # 0: it fills the view with room to spare
    shines: bool = False


@dataclass(frozen=True)
class Path:
    """Poses at HZ: camera-to-world rotations [m, 3, 3], positions [m, 3], what was felt; camera axes."""

    rotations: Doubles
    shifts: Doubles
    gyro: Doubles
    acceleration: Doubles


def smooth(samples: int, spread: float, rng: np.random.Generator, width: float = 0.09) -> Doubles:
    """Smooth noise [samples, 3] of a standard deviation."""
    reach = int(3 * width * HZ)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (width * HZ)) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    white = rng.normal(0, spread, (samples + 2 * reach, 3))
    return np.stack([np.convolve(white[:, axis], kernel, "valid") for axis in range(3)], axis=1)


def bell(samples: int, begin: float, end: float) -> Doubles:
    """A speed profile from rest to rest between two times (seconds) that covers 1."""
    t = np.arange(samples) / HZ
    inside = (t >= begin) & (t <= end)
    return np.where(inside, (1 - np.cos(2 * np.pi * (t - begin) / (end - begin))) / (end - begin), 0.0)


def path(
    seconds: float,
    seed: int,
    *,
    pan: str = "",
    degrees: float = 14.0,
    back: bool = False,
    sidestep: float = 0.0,
    step_s: float = 0.0,
    tremor: float = 0.05,
    drift: float = 0.035,
) -> Path:
    """A hand's motion: tremor (rad/s), drift (m/s), turns in the order `pan` (each there, or there and
    `back`), a sidestep (m) over the whole burst, or in its last `step_s` seconds, after the turns."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * HZ) + 1
    rate, speed = smooth(samples, tremor, rng), smooth(samples, drift, rng)
    strokes = [(letter, 1.0) for letter in pan]
    if back:
        strokes = [(letter, sign) for letter in pan for sign in (1.0, -1.0)]
    turning = seconds - step_s
    each = turning / max(1, len(strokes))
    for k, (letter, sign) in enumerate(strokes):
        about = np.array([*WAYS[letter], 0.0]) * np.radians(degrees) * sign
        rate += bell(samples, (k + 0.1) * each, (k + 0.85) * each)[:, None] * about
    speed[:, 0] += sidestep * bell(samples, turning if step_s else 0.0, seconds)
    rotations, turn = [], np.eye(3)
    for k in range(samples):
        rotations.append(turn)
        turn = turn @ cv2.Rodrigues(rate[k] / HZ)[0]
    shifts = np.cumsum(speed, axis=0) / HZ
    pull = np.gradient(speed, 1 / HZ, axis=0) + np.array([0.0, -9.81, 0.0])
    felt = np.einsum("nij,ni->nj", np.array(rotations), pull) + rng.normal(0, 0.03, (samples, 3))
    gyro = rate + rng.normal(0, 0.0015, rate.shape) + rng.normal(0, 0.003, 3)
    return Path(np.array(rotations), shifts, gyro, felt)


@lru_cache(maxsize=32)
def _light(plane: Plane, pixels_a_texel: float) -> npt.NDArray[np.float32]:
    light = to_light(plane.rgb)
    if pixels_a_texel < 0.8:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), 0.45 / pixels_a_texel), np.float32)
    return light


def see(
    planes: Sequence[Plane], turn: Doubles, shift: Doubles, size: tuple[int, int], lamp: float = 0.0
) -> npt.NDArray[np.float32]:
    """Linear light [h, w, 3] of the planes, the farthest first, from a pose; `lamp` is the torch's light at
    a metre, in that of the surroundings."""
    width, height = size
    focal = 0.8 * max(size)
    camera = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    seen = np.zeros((height, width, 3), np.float32)
    for plane in sorted(planes, key=lambda one: -one.z):
        shape = plane.rgb.shape
        wide = plane.width or 2.0 * plane.z * max(1.0, shape[1] / shape[0] * 0.75)
        step = wide / shape[1]
        corner = np.array([plane.middle[0] - wide / 2, plane.middle[1] - step * shape[0] / 2, plane.z])
        matrix = camera @ turn.T @ np.column_stack([[step, 0, 0], [0, step, 0], corner - shift])
        light = _light(plane, round(focal * step / plane.z, 2))
        edge = cv2.BORDER_CONSTANT if plane.width else cv2.BORDER_REFLECT
        drawn = cv2.warpPerspective(light, matrix, size, flags=cv2.INTER_LINEAR, borderMode=edge)
        gain = np.float32(1 if plane.shines else 1 + lamp / plane.z**2)
        if plane.width:
            cover = cv2.warpPerspective(np.ones(shape[:2], np.float32), matrix, size)[..., None]
            seen = seen * (1 - cover) + drawn * cover * gain
        else:
            seen = np.asarray(drawn * gain, np.float32)
    return np.asarray(np.maximum(cv2.GaussianBlur(seen, (0, 0), 0.5), 0), np.float32)


def film(
    planes: Sequence[Plane],
    way: Path,
    *,
    fps: float = 12.0,
    size: tuple[int, int] = (480, 360),
    seed: int = 0,
    noisy: bool = True,
    lamps: Sequence[float] = (),
    gains: Sequence[float] = (),
) -> tuple[Frame, ...]:
    """Frames of the planes along a path; without noise they are a paint program's, not a sensor's."""
    rng = np.random.default_rng(seed)
    count = int((len(way.shifts) - 1) / HZ * fps) + 1
    frames = []
    for k in range(count):
        at = round(k / fps * HZ)
        light = see(planes, way.rotations[at], way.shifts[at], size, lamps[k] if lamps else 0.0)
        light = light * np.float32(gains[k] if gains else 1)
        quiet = np.asarray(np.clip(light, 0, 1) ** (1 / 2.2) * 255, np.uint8)
        frames.append(Frame(k / fps, expose(light, rng) if noisy else quiet))
    return tuple(frames)


def felt(way: Path, axes: Doubles = TO_DEVICE) -> Sensed:
    """What the phone felt, in the device's axes unless told."""
    return Sensed(np.arange(len(way.gyro)) / HZ, way.gyro @ axes.T, way.acceleration @ axes.T)


def scene(name: str = "coffee") -> list[Plane]:
    """A room: a far wall, a thing in the middle, a near one."""
    rgb = sample(name)
    height, width = rgb.shape[:2]
    middle = np.ascontiguousarray(rgb[height // 5 : -height // 5, width // 3 : -width // 4])
    return [
        Plane(rgb, 4.0),
        Plane(sample("chelsea"), 1.6, (0.5, 0.1), 0.9),
        Plane(middle, 0.9, (-0.25, 0.2), 0.35),
    ]


def case_of(
    frames: Sequence[Frame],
    sensed: Sensed | None,
    tools: Tools,
    *,
    photo: Pixels | None = None,
    evidence: Evidence | None = None,
    **session: object,
) -> Case:
    """A case with an opened burst; the photo is the first frame unless told."""
    given = evidence or stage.photo(b"x")
    given = replace(given, session=replace(given.session, **session))  # type: ignore[arg-type]
    shown = photo if photo is not None else frames[0].rgb if frames else np.zeros((64, 64, 3), np.uint8)
    statement = parse_statement(given.session.statement)
    return Case(given, tools, picture(shown), statement, tuple(frames), sensed)
