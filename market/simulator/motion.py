"""How a hand holds and moves a phone: poses, and what its gyro and accelerometer felt meanwhile.

Camera axes throughout: x right, y down, z forward; right-handed; radians, metres, seconds. Only
`motion_csv` speaks of the device's own axes (W3C DeviceMotion: x right, y up, z out of the screen
towards the person), with the device held so that its axes are the picture's.

A `Move` is a way to move, chosen before it is known how many pictures are taken: `hold`,
`pan("LRU")`, `pan("LU>")`, `sidestep()`. Turns and steps follow the minimum-jerk course of a reaching arm
(Flash & Hogan, J. Neurosci. 5(7), 1985); tremor and aim-keeping go on all the while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

GYRO_HZ = 200
WEB_HZ = 60  # what a browser's devicemotion event gives
LEAD_S = 0.15  # the sensors run this long before the first picture and after the last
GRAVITY = 9.81
_TREMOR_S = 0.09  # correlation time of the hand's angular velocity
_TURN_RATE = 0.05  # rad/s, standard deviation a axis
_DRIFT_RATE = 0.035  # m/s, standard deviation a axis
_RECOVER_S = 1.2  # how soon a person brings the phone back to where it was aimed
_GYRO_NOISE = 0.0015  # rad/s
_GYRO_BIAS = 0.003  # rad/s
_ACCEL_NOISE = 0.02  # m/s^2
_ACCEL_BIAS = 0.04  # m/s^2
_LAG_S = 0.012  # standard deviation of the constant lag between the camera's clock and the sensors'
_JITTER_S = 0.0015  # of a picture's time stamp
_QUICKEST_S = 0.22  # nobody turns a phone by 15 degrees faster
_SLOWEST_S = 1.1  # and nobody who is asked to turn it dawdles longer
_DEVICE = np.array([1.0, -1.0, -1.0])  # camera axes to W3C device axes
_WAYS = {"L": (0, -1, 0), "R": (0, 1, 0), "U": (1, 0, 0), "D": (-1, 0, 0)}
_SIDES = {"<": -1.0, ">": 1.0}
_ARM_M = 0.5  # where a person who steps aside looks at: the sheet in the other hand


@dataclass(frozen=True, slots=True)
class Motion:
    """Poses and what the sensors said.

    Attributes:
        rotations: float64 [n, 3, 3], camera to start frame, one a picture.
        shifts: float64 [n, 3] metres in the start frame, one a picture.
        rates: float64 [n, 3] rad/s, how the phone truly turned at each picture (camera axes).
        times: float64 [n] seconds, when the phone says each picture was taken, on the clock of
            `sampled`, with a constant lag of some milliseconds and jitter.
        gyro: float64 [m, 3] rad/s in camera axes at GYRO_HZ, with the noise and bias of a phone's
            sensor, from LEAD_S before the first picture to LEAD_S after the last.
        acceleration: float64 [m, 3] m/s^2 in camera axes: what an accelerometer says, so a phone at
            rest feels GRAVITY upwards (-y).
        sampled: float64 [m] seconds, when.
    """

    rotations: Doubles
    shifts: Doubles
    rates: Doubles
    times: Doubles
    gyro: Doubles
    acceleration: Doubles
    sampled: Doubles


Move: TypeAlias = Callable[[int, float, np.random.Generator], Motion]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the person means to do, a sample a row: turning [m, 3] rad/s, moving [m, 3] m/s, and how far
    behind the phone the pivot of a turn lies (m)."""

    turning: Doubles
    moving: Doubles
    lever: float = 0.0


def hold(frames: int, fps: float, rng: np.random.Generator) -> Motion:
    """A person holding a phone as still as people do, for `frames` pictures at `fps`."""
    samples = _samples(frames, fps)
    return _carry_out(_Plan(np.zeros((samples, 3)), np.zeros((samples, 3))), frames, fps, rng)


def pan(
    order: str,
    *,
    degrees: tuple[float, float] = (12.0, 20.0),
    returns: bool = True,
    lever: bool = True,
    metres: tuple[float, float] = (0.10, 0.20),
) -> Move:
    """Turns the phone as asked, one letter a turn: left, right, up, down; then steps aside, "<" or ">".

    After each turn the person comes back to the middle, so that any order can be asked for and the
    scene never leaves the camera. With `returns=False` the turns add up. From a step nobody comes back, and
    the phone is turned a part of the way towards what is near, so that it stays in view.

    Args:
        degrees: the range of one turn. metres: that of the step.
        lever: the phone swings about a wrist or a body behind it; False: about its own lens.

    Raises:
        ValueError: another letter, no letter, a step before a turn, turns that add up to over 40 degrees;
            and by the Move, when there is too little time for a person to do it.
    """
    turns, side = (order[:-1], order[-1]) if order[-1:] in _SIDES else (order, "")
    steps = np.array([_WAYS.get(letter, (0, 0, 9)) for letter in turns], dtype=np.float64).reshape(-1, 3)
    if not order or steps[:, 2].any():
        raise ValueError(f"an order is letters of LRUD and, at its end, < or >, not {order!r}")
    reach = 1.0 if returns else float(np.abs(np.cumsum(steps, axis=0)).max(initial=0.0))
    if reach * degrees[1] > 40:
        raise ValueError(f"{order} without returns turns by {reach * degrees[1]:.0f} degrees, over 40")

    def move(frames: int, fps: float, rng: np.random.Generator) -> Motion:
        samples = _samples(frames, fps)
        turning, moving = np.zeros((samples, 3)), np.zeros((samples, 3))
        parts = _schedule(len(steps) * (2 if returns else 1) + len(side), samples, rng)
        for k, step in enumerate(steps):
            angle = np.radians(rng.uniform(*degrees)) * step
            leak = rng.normal(0, (0.08, 0.08, 0.05)) * np.linalg.norm(angle) * (step == 0)
            there, *back = parts[2 * k : 2 * k + 2] if returns else parts[k : k + 1]
            _add(turning, there, angle + leak)
            for part in back:
                _add(turning, part, -(angle + leak) * rng.normal(1, 0.05))
        pivot = float(rng.uniform(0.05, 0.35)) if lever else 0.0
        if side:
            far = _SIDES[side] * rng.uniform(*metres)
            _add(moving, parts[-1], far * np.array([1.0, *rng.normal(0, 0.1, 2)]))
            towards = np.array([0.0, -np.arctan(far / _ARM_M) * rng.uniform(0.3, 0.9), 0.0])
            _add(turning, parts[-1], towards + np.radians(rng.normal(0, (0.8, 1.6, 0.8))))
        return _carry_out(_Plan(turning, moving, pivot), frames, fps, rng)

    return move


def sidestep(*, metres: tuple[float, float] = (0.08, 0.20), to: str = "") -> Move:
    """Moves the phone sideways, as a person does who is asked to: to the left ("L"), right ("R") or either.

    Raises:
        ValueError: another side; and by the Move, when there is too little time for a person to do it.
    """
    if to not in {"", "L", "R"}:
        raise ValueError(f"a side is L or R, not {to!r}")

    def move(frames: int, fps: float, rng: np.random.Generator) -> Motion:
        samples = _samples(frames, fps)
        moving, turning = np.zeros((samples, 3)), np.zeros((samples, 3))
        side = {"L": -1.0, "R": 1.0}.get(to) or float(rng.choice((-1.0, 1.0)))
        far = rng.uniform(*metres)
        (part,) = _schedule(1, samples, rng)
        _add(moving, part, far * np.array([side, *rng.normal(0, 0.1, 2)]))
        _add(turning, part, np.radians(rng.normal(0, (0.8, 1.6, 0.8))))
        return _carry_out(_Plan(turning, moving), frames, fps, rng)

    return move


def motion_csv(motion: Motion, mode: str = "native") -> str:
    """What the phone hands in: CSV as `verification.evidence.Burst.motion` has it, in device axes.

    Args:
        mode: "native" gives every sample; "web" what a browser's devicemotion event tells: WEB_HZ, rounded
            to 0.1 degrees/s and 0.1 m/s^2, as Chromium does it (its platform sensors round on purpose).

    Raises:
        ValueError: another mode.
    """
    if mode not in {"native", "web"}:
        raise ValueError(f"mode is native or web, not {mode!r}")
    gyro, felt, t = motion.gyro * _DEVICE, motion.acceleration * _DEVICE, motion.sampled
    if mode == "web":
        kept = np.unique(np.round(np.arange(0, len(t), GYRO_HZ / WEB_HZ)).astype(int))
        kept = kept[kept < len(t)]
        t, felt = t[kept], np.round(felt[kept], 1)
        gyro = np.radians(np.round(np.degrees(gyro[kept]), 1))
    rows = np.column_stack([t, gyro, felt])
    lines = (",".join([f"{row[0]:.4f}", *(f"{value:.5f}" for value in row[1:])]) for row in rows)
    return "t,gx,gy,gz,ax,ay,az\n" + "".join(f"{line}\n" for line in lines)


def _samples(frames: int, fps: float) -> int:
    return round(((frames - 1) / fps + 2 * LEAD_S) * GYRO_HZ)


def _schedule(count: int, samples: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """When each of `count` movements starts and ends (samples), with pauses of uneven length between."""
    lead = LEAD_S * GYRO_HZ
    spare = samples - 2 * lead
    shares = np.column_stack([rng.uniform(0.1, 0.5, count), rng.uniform(0.7, 1.3, count)])
    scale = min((spare - 1) / (shares.sum() + 0.2), _SLOWEST_S * GYRO_HZ)
    spans = shares * scale
    if spans[:, 1].min() < _QUICKEST_S * GYRO_HZ:
        raise ValueError(f"{spare / GYRO_HZ:.1f} s are too short for {count} movements")
    ends = lead + np.cumsum(spans.ravel()).reshape(-1, 2)
    return [(round(start), round(end)) for start, end in ends]


def _add(plan: Doubles, part: tuple[int, int], whole: Doubles) -> None:
    """Adds to a plan of rates a movement that covers `whole` in that time, at minimum jerk."""
    start, end = part
    s = (np.arange(end - start) + 0.5) / (end - start)
    course = 30 * s**2 * (1 - s) ** 2
    plan[start:end] += np.outer(course / course.sum() * GYRO_HZ, whole)


def _carry_out(plan: _Plan, frames: int, fps: float, rng: np.random.Generator) -> Motion:
    """The plan as an unsteady hand carries it out."""
    turning, drifting = (_wander(len(plan.turning), rate, rng) for rate in (_TURN_RATE, _DRIFT_RATE))
    rotation = cv2.Rodrigues(rng.normal(0, (0.02, 0.02, 0.035)))[0]
    start = rng.normal(0, 0.01, 3)
    rotations, aims, felt = [rotation], [rotation], np.zeros_like(turning)
    for k, meant in enumerate(plan.turning):
        away = cv2.Rodrigues(aims[-1].T @ rotation)[0].ravel()
        felt[k] = turning[k] + meant - away / _RECOVER_S
        rotation = rotation @ cv2.Rodrigues(felt[k] / GYRO_HZ)[0]
        rotations.append(rotation)
        aims.append(aims[-1] @ cv2.Rodrigues(meant / GYRO_HZ)[0])
    shifts = _strolled(start, drifting, plan.moving)
    axes = np.array(aims)[:, :, 2]
    shifts = shifts + plan.lever * (axes - axes[0])
    return _witnessed(np.array(rotations), shifts, felt, frames, fps, rng)


def _strolled(start: Doubles, drifting: Doubles, moving: Doubles) -> Doubles:
    """Positions [m + 1, 3] of a hand that drifts, comes back to its aim and moves the aim as planned."""
    away, places = start, [start]
    for drift in drifting:
        away = away + (drift - away / _RECOVER_S) / GYRO_HZ
        places.append(away)
    aim = np.vstack([np.zeros(3), np.cumsum(moving, axis=0) / GYRO_HZ])
    return np.asarray(np.array(places) + aim)


def _witnessed(
    rotations: Doubles, shifts: Doubles, felt: Doubles, frames: int, fps: float, rng: np.random.Generator
) -> Motion:
    """The true course as pictures and sensors see it. The phone is tilted down a little, as people do."""
    tilt = np.radians(rng.normal(6, 4))
    down = np.array([0, np.cos(tilt), np.sin(tilt)])
    speeding = np.diff(shifts, n=2, axis=0, prepend=2 * shifts[:1] - shifts[1:2]) * GYRO_HZ**2
    force = np.einsum("kji,kj->ki", rotations[:-1], speeding - GRAVITY * down)
    taken = LEAD_S + np.arange(frames) / fps
    at = np.minimum((taken * GYRO_HZ).astype(int), len(felt) - 1)
    late = taken - at / GYRO_HZ
    turned = [rotations[k] @ cv2.Rodrigues(felt[k] * s)[0] for k, s in zip(at, late, strict=True)]
    moved = shifts[at] + (shifts[at + 1] - shifts[at]) * (late * GYRO_HZ)[:, None]
    lag = np.clip(rng.normal(0, _LAG_S), -0.03, 0.03)
    said = taken + lag + np.clip(rng.normal(0, _JITTER_S, frames), -0.004, 0.004)
    sampled = (np.arange(len(felt)) + 0.5) / GYRO_HZ
    gyro = felt + rng.normal(0, _GYRO_NOISE, felt.shape) + rng.normal(0, _GYRO_BIAS, 3)
    force = force + rng.normal(0, _ACCEL_NOISE, felt.shape) + rng.normal(0, _ACCEL_BIAS, 3)
    return Motion(np.array(turned), moved, felt[at], said, gyro, force, sampled)


def _wander(samples: int, spread: float, rng: np.random.Generator) -> Doubles:
    """Smooth zero-mean noise float64 [samples, 3] of the given standard deviation."""
    reach = int(3 * _TREMOR_S * GYRO_HZ)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_TREMOR_S * GYRO_HZ)) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    white = rng.normal(0, spread, (samples + 2 * reach, 3))
    return np.stack([np.convolve(white[:, axis], kernel, "valid") for axis in range(3)], axis=1)
