"""Whether the phone was carried aside or the sheet was: in the pictures the two look alike.

A sheet that hangs in space is shifted in the pictures by focal * way / distance while the phone goes that
way. The phone's way is felt: its accelerometer, turned by its gyroscope into one frame of axes and freed of
its mean over the burst (gravity, and what the sensor is off by: a hand is nearly at rest before and after),
summed twice. What that leaves open is where the phone was and how fast when the step began, a line in time,
so both ways are compared without the line that fits them best, from the end of the turns on. The share of the
sheet's way (its squares) that the phone's explains, at whatever distance of the sheet does most, is near 1
for whoever stepped aside, and small for whoever moved the paper (Groves, Principles of GNSS, Inertial, and
Multisensor Integrated Navigation Systems, 2013, chapter 5, on how such sums go astray).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from verification.measures.stepping import stepping_of
from verification.measures.strokes import parted, read_turns
from verification.measures.turning import in_radians

if TYPE_CHECKING:
    from verification.case import Case, Doubles, Sensed
    from verification.measures.flow import Tracks
    from verification.measures.stepping import Course

FEWEST = 5  # frames in which the sheet was found
UPRIGHT = 3.0  # m/s^2 along the picture's height from which it tells which way the sensor's signs are
SILENT = 0.02  # m/s^2: no hand is so still, nor its sensor
STRAY = 2.5  # of the typical remainder: a frame that is off by more counts less
LEAST_PX = 0.5  # of remainder: pixels are not told better


@dataclass(frozen=True, slots=True)
class Carried:
    """How the sheet's way in the pictures goes with the phone's.

    Attributes:
        explained: share of the squares of the sheet's way that the phone's explains, 0..1; 0 where the sheet
            went as if it were behind the phone.
        away_m: how far the sheet must be for that, metres.
        felt_m: the phone's way without its line, root mean square, metres.
        astray: how far the sheet is, in the last frame it was found in, from where the phone's way puts it,
            as a share of its shift there. Depth is read in that frame, and a hand may jerk the sheet at last.
        frames: in which the sheet was found.
        focal: of the lens, in long sides.
    """

    explained: float
    away_m: float
    felt_m: float
    astray: float
    frames: int
    focal: float


def carried(case: Case, tracks: Tracks) -> Carried | None:
    """From the end of the turns that were asked for (or the first frame, where none can be told) to the last.

    None without a gyroscope that agrees with the frames, where the accelerometer feels nothing but gravity,
    and where the sheet was found in too few frames.
    """
    stepping = stepping_of(case, tracks)
    course, sheet = stepping.course, stepping.sheet
    if course is None or sheet is None or case.sensed is None:
        return None
    if case.sensed.acceleration.std(axis=0).max() < SILENT:
        return None
    since = turned_by(case.evidence.session.pan, course, tracks)
    seen = [k for k in sorted(sheet.places) if k >= since]
    if len(seen) < FEWEST:
        return None
    shifts = [sheet.shift(tracks, course, seen[0], k) for k in seen]
    shown = np.array([np.zeros(2) if shift is None else shift for shift in shifts])
    felt, sure = _way(case.sensed, course, seen)
    return _compared(felt, shown, tracks, seen, sure, course.focal)


def turned_by(asked: str, course: Course, tracks: Tracks) -> int:
    """The frame at which the turns that were asked for ended; 0 where they were not seen."""
    turns, side = parted(asked)
    read, used, _ = read_turns(course.felt, tracks.t, turns, stepped=bool(side))
    return read[used - 1].end if used else 0


def _way(sensed: Sensed, course: Course, seen: list[int]) -> tuple[Doubles, bool]:
    """The phone's way in metres right and down from the first of some frames, in that frame's axes,
    float64[k, 2], but for a line in time; and whether the signs of its sensor are told by gravity."""
    clock, turns = sensed.t, in_radians(sensed) @ course.axes.T
    force = sensed.acceleration @ course.axes.T
    up = -float(force[:, 1].mean())  # in camera axes y is down, and a phone at rest feels upwards
    force = -force if up < 0 else force
    steps = np.diff(clock)[:, None]
    turned = [np.eye(3)]
    for turn in (turns[1:] + turns[:-1]) / 2 * steps:
        turned.append(turned[-1] @ cv2.Rodrigues(turn)[0])
    rotations, at = np.array(turned), course.clock[seen]
    here = rotations[int(np.abs(clock - at[0]).argmin())]
    speeding = np.einsum("nij,nj->ni", rotations, force) @ here
    speed = _summed(speeding - speeding.mean(axis=0), steps)
    way = _summed(speed, steps)
    found = np.column_stack([np.interp(at, clock, way[:, k]) for k in range(2)])
    return found - found[0], abs(up) >= UPRIGHT


def _summed(rates: Doubles, steps: Doubles) -> Doubles:
    """Running sum from 0 by the trapezoidal rule, float64[n, 3]."""
    return np.vstack([np.zeros(3), np.cumsum((rates[1:] + rates[:-1]) / 2 * steps, axis=0)])


def _compared(
    felt: Doubles, shown: Doubles, tracks: Tracks, seen: list[int], sure: bool, focal: float
) -> Carried:
    """Fits shown = -focal * felt / distance + a line in time, frames that stray counting less (reweighted
    least squares); ways float64[k, 2], in metres and in pixels."""
    t, long = tracks.t[seen], focal * max(tracks.size)
    felt = felt * long
    line = np.column_stack([np.ones(len(t)), t - t.mean()])
    weight = np.ones(len(t))
    for _ in range(5):
        root = np.sqrt(weight)[:, None]
        basis = np.linalg.qr(line * root)[0]
        x, y = (way * root - basis @ (basis.T @ (way * root)) for way in (felt, shown))
        nearness = -float((x * y).sum()) / max(float((x * x).sum()), 1e-9)
        left = np.linalg.norm((y + nearness * x) / root, axis=1)
        weight = 1 / (1 + (left / (STRAY * (1.48 * np.median(left) + LEAST_PX))) ** 2)
    explained = 1 - float(((y + nearness * x) ** 2).sum()) / max(float((y * y).sum()), 1e-9)
    nearness = nearness if sure else abs(nearness)
    return Carried(
        explained=explained if nearness > 0 else 0.0,
        away_m=1 / nearness if nearness > 1e-3 else float("inf"),
        felt_m=float(np.sqrt((x * x).sum() / len(t))) / long,
        astray=float(left[-1] / max(np.linalg.norm(shown[-1]), 1.0)),
        frames=len(t),
        focal=focal,
    )
