"""How long the shutter stood open, told by how much a turning phone blurs what it sees.

A phone that turns at a known rate draws every point out into a line: rate x focal length x exposure time.
Along the way of the turn the frame has less detail, across it as much as before. How much less a line of
which length leaves is tried on the frames that were taken at rest; so each fast frame gives a length
and, over its rate, a time. The longer ones are believed: scenes differ from side to side.
Limits: a stabilised lens takes up a degree or two, less than a turn that was asked for; compression takes
detail along and across alike. Nothing is told without turns, without detail, or before the motion is known.
Source: the blur of a known motion, Joshi et al., Image Deblurring using Inertial Measurement Sensors,
SIGGRAPH 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.flow import FOCAL

if TYPE_CHECKING:
    from verification.case import Doubles, Frame, Sensed

Floats = npt.NDArray[np.float32]

SIDE = 640  # long side at which frames are looked at
SOFT = 1.0  # pixels of that: against noise
LINES = (1, 3, 5, 7, 9, 13, 17, 23, 31)  # lengths tried, pixels
FAST, SLOW = 200.0, 90.0  # pixels a second
LEVEL = 0.45  # how far a turn may be off an axis of the picture: the other axis' share
AT_REST = 2  # frames
LEAST = 4  # fast frames, without which nothing is told
DETAIL = 0.6  # grey levels a pixel, without which there is nothing to blur
CAREFUL = 0.7  # quantile of what the fast frames tell: a scene that is plainer aside seems blurred less
AROUND_S = 0.01  # the turning is averaged over so long, to either side


def exposure_s(frames: Sequence[Frame], sensed: Sensed) -> float | None:
    """Seconds the shutter stood open in the frames taken while the phone turned; None where it cannot be
    told."""
    if len(frames) < LEAST + AT_REST:
        return None
    speeds = _speeds(np.array([frame.t for frame in frames]), sensed) * FOCAL * SIDE
    total = np.hypot(speeds[:, 0], speeds[:, 1])
    rest = [int(k) for k in np.argsort(total)[:AT_REST] if total[k] <= SLOW]
    found = []
    for axis in (0, 1):
        fast = [int(k) for k in np.flatnonzero(total >= FAST) if abs(speeds[k, 1 - axis]) <= LEVEL * total[k]]
        if not rest or not fast:
            continue
        lines = _lines([_grey(frames[k]) for k in rest], axis)
        if lines is not None:
            seen = [(_balance(_grey(frames[k]), axis), float(total[k])) for k in fast]
            found += [_length(balance, lines) / speed for balance, speed in seen if np.isfinite(balance)]
    return float(np.quantile(found, CAREFUL)) if len(found) >= LEAST else None


def _speeds(times: Doubles, sensed: Sensed) -> Doubles:
    """By how much the picture moves across and down a second, in focal lengths, float64[n, 2]."""
    found = np.zeros((len(times), 2))
    for k, t in enumerate(times):
        near = np.abs(sensed.t - t) <= AROUND_S
        rate = sensed.gyro[near].mean(axis=0) if near.any() else sensed.gyro[np.abs(sensed.t - t).argmin()]
        found[k] = abs(rate[1]), abs(rate[0])
    return found


def _grey(frame: Frame) -> Floats:
    scale = min(1.0, SIDE / max(frame.rgb.shape[:2]))
    size = (round(frame.rgb.shape[1] * scale), round(frame.rgb.shape[0] * scale))
    small = cv2.resize(frame.rgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def _balance(grey: Floats, axis: int) -> float:
    """Detail along an axis (0 across, 1 down) over that of the other, a logarithm; NaN without any."""
    soft = cv2.GaussianBlur(grey, (0, 0), SOFT)
    across, down = np.diff(soft, axis=1), np.diff(soft, axis=0)
    along, other = (across, down) if axis == 0 else (down, across)
    least = DETAIL**2
    energy = float((other * other).mean())
    return (
        float(np.log(max(float((along * along).mean()), 1e-6) / energy)) if energy > least else float("nan")
    )


def _lines(resting: list[Floats], axis: int) -> Doubles | None:
    """The balance of frames at rest once they are drawn out by each of LINES; None where it tells nothing."""
    rows = []
    for length in LINES:
        size = (length, 1) if axis == 0 else (1, length)
        rows.append(np.mean([_balance(np.asarray(cv2.blur(g, size), np.float32), axis) for g in resting]))
    curve = np.minimum.accumulate(np.array(rows, np.float64))
    return curve if np.isfinite(curve).all() and curve[0] - curve[-1] > 1 else None


def _length(balance: float, lines: Doubles) -> float:
    """The length of line that leaves such a balance, pixels."""
    return float(np.interp(-balance, -lines, np.array(LINES) - 1.0))
