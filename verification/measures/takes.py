"""What the thumbnails of a film say of its making: cuts, dissolves, stops, and parts shown again.

Works on grey thumbnails uint8[n, 36, 64] of every frame and their times. Brightness and contrast are taken
out of each first, so that a torch and an automatic exposure are no cuts.

A cut is a frame that is unlike the one before it wherever it is laid over it (a few pixels each way), and
much more unlike than its neighbours are: the adaptive threshold of PySceneDetect's AdaptiveDetector, on a
correlation instead of its HSV difference. At a jump (two takes of one view) the picture stays alike, but it
changes several times as much as at any frame just before and after; a hand's jerk takes more frames than one.
In a dissolve a frame is the mean of what was before and what comes after, and these two are unlike; a moving
camera never shows the mean of two views. A loop is a stretch that follows an earlier one frame by frame,
forwards or backwards, much closer than the film stays to itself for a fifth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

REACH = (3, 6)  # pixels of a thumbnail that a frame may be moved by, down and across
UNLIKE = 0.35  # largest distance (1 - correlation) of two views that may be one
TIMES = 4.0  # how much farther than its neighbours a cut is
NEIGHBOURS = 5  # frames to each side
LEAP = 0.015  # smallest distance, unmoved, of two takes of one view
SAME = 0.995  # share of equal grey levels of two thumbnails of one picture
BLEND = 0.25  # largest share of a dissolve's middle that is not the mean of its ends
SPANS = (0.12, 0.25, 0.5)  # seconds from the middle of a dissolve to its ends
LOOP_SECONDS = 1.2
STEP_SECONDS = 0.2
LOOPED = 0.15  # largest distance of a repeat, in distances of frames STEP_SECONDS apart
MOVING = 0.03  # smallest such distance of a film that says anything


@dataclass(frozen=True, slots=True)
class Takes:
    """What was found.

    Attributes:
        cuts / jumps / dissolves: seconds.
        stopped: seconds of the longest run of frames that are one and the same.
        gap: seconds of the longest wait between two frames.
        loop: (begin, begin of the repeat, seconds) of the longest stretch shown again; None without one.
        backwards: whether it is shown again backwards.
    """

    cuts: tuple[float, ...]
    jumps: tuple[float, ...]
    dissolves: tuple[float, ...]
    stopped: float
    gap: float
    loop: tuple[float, float, float] | None
    backwards: bool


def takes(times: Doubles, thumbs: npt.NDArray[np.uint8]) -> Takes:
    """Reads a film's thumbnails."""
    flat = normal(thumbs)
    cuts, jumps = _cuts(times, flat)
    loop, backwards = _loop(times, flat)
    return Takes(
        tuple(round(float(times[k]), 3) for k in cuts),
        tuple(round(float(times[k]), 3) for k in jumps),
        tuple(round(t, 3) for t in _dissolves(times, flat, cuts)),
        _stopped(times, thumbs),
        float(np.diff(times).max()),
        loop,
        backwards,
    )


def normal(thumbs: npt.NDArray[np.uint8]) -> Floats:
    """Each with mean 0 and length 1 (a flat one stays 0): float32[n, 36, 64]."""
    values = thumbs.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((values**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(values / np.maximum(length, 40.0), np.float32)  # under one grey level: noise


def _cuts(times: Doubles, flat: Floats) -> tuple[list[int], list[int]]:
    """Frames that begin a take: unlike the one before, or only moved by far too much."""
    apart, raw = _steps(flat)
    waits = np.r_[1.0, np.diff(times) / np.median(np.diff(times))].clip(
        1
    )  # a longer wait excuses a longer step
    cuts, jumps = [], []
    for k in range(1, len(flat)):
        near = np.r_[max(1, k - NEIGHBOURS) : k, k + 1 : min(len(flat), k + NEIGHBOURS + 1)]
        if len(near) and apart[k] >= UNLIKE and apart[k] >= TIMES * np.median(apart[near]):
            cuts.append(k)
        elif len(near) and raw[k] >= LEAP and raw[k] >= TIMES * waits[k] ** 2 * raw[near].max():
            jumps.append(k)
    return cuts, jumps


def _steps(flat: Floats) -> tuple[Doubles, Doubles]:
    """Of each frame: 1 - its best correlation with the one before, moved or not, and the same unmoved."""
    down, across = REACH
    size = flat.shape[1:]
    inner = flat[1:, down:-down, across:-across]
    inner = inner - inner.mean(axis=(1, 2), keepdims=True)
    own = np.sqrt((inner**2).sum(axis=(1, 2))) + 1e-4
    best = np.full(len(inner), -1.0)
    for y in range(2 * down + 1):
        for x in range(2 * across + 1):
            other = flat[:-1, y : size[0] - 2 * down + y, x : size[1] - 2 * across + x]
            other = other - other.mean(axis=(1, 2), keepdims=True)
            length = np.sqrt((other**2).sum(axis=(1, 2))) + 1e-4
            best = np.maximum(best, (inner * other).sum(axis=(1, 2)) / (own * length))
    dark = own < 0.05  # nothing to see in the later one
    raw = 1 - (flat[1:] * flat[:-1]).sum(axis=(1, 2))
    return np.r_[0.0, np.where(dark, 0.0, 1 - best)], np.r_[0.0, np.where(dark, 0.0, raw)]


def _dissolves(times: Doubles, flat: Floats, cuts: list[int]) -> list[float]:
    """Middles of dissolves, those closer than half a second to a cut or to one another left out."""
    found: list[float] = []
    for span in SPANS:
        before = np.searchsorted(times, times - span)
        after = np.minimum(np.searchsorted(times, times + span), len(times) - 1)
        inside = (times - span >= 0) & (times + span <= times[-1])
        ends = flat[after] - flat[before]
        apart = (ends**2).sum(axis=(1, 2))
        rest = ((flat - _mean_of(flat[before], flat[after])) ** 2).sum(axis=(1, 2))
        for k in np.flatnonzero(inside & (apart / 2 >= UNLIKE) & (rest <= BLEND**2 * apart)):
            t = float(times[k])
            if all(abs(t - other) >= 0.5 for other in (*found, *times[cuts])):
                found.append(t)
    return sorted(found)


def _mean_of(a: Floats, b: Floats) -> Floats:
    mean = (a + b) / 2
    return np.asarray(mean / np.maximum(np.sqrt((mean**2).sum(axis=(1, 2), keepdims=True)), 1e-3), np.float32)


def _stopped(times: Doubles, thumbs: npt.NDArray[np.uint8]) -> float:
    """Seconds of the longest run of repeats."""
    longest, run = 0.0, 0.0
    same = (thumbs[1:] == thumbs[:-1]).mean(axis=(1, 2)) >= SAME
    for wait, still in zip(np.diff(times).tolist(), same.tolist(), strict=True):
        run = run + wait if still else 0.0
        longest = max(longest, run)
    return longest


def _loop(times: Doubles, flat: Floats) -> tuple[tuple[float, float, float] | None, bool]:
    """The longest stretch shown again, and whether backwards."""
    fps = (len(times) - 1) / float(times[-1])
    need, stride = max(8, round(LOOP_SECONDS * fps)), max(1, round(STEP_SECONDS * fps))
    if len(times) < 2 * need:
        return None, False
    count = len(flat)
    coarse = flat.reshape(count, flat.shape[1] // 2, 2, -1, 2).mean(axis=(2, 4)).reshape(count, -1)
    coarse = coarse / np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-3)
    apart = np.maximum(0, 2 * (1 - coarse @ coarse.T))
    noise = float(np.percentile(np.diagonal(apart, 1), 5))  # of the quietest frames: what is no motion
    apart = np.sqrt(np.maximum(0, apart - noise))
    steps = np.diagonal(apart, stride)
    moving = np.convolve(np.r_[steps, np.repeat(steps[-1:], stride)], np.ones(need) / need, "same")[:, None]
    close = (apart <= LOOPED * moving) & (moving >= MOVING)
    forwards, backwards = _longest(close, need, turned=False), _longest(close[:, ::-1], need, turned=True)
    length, begin, again = max(forwards, backwards)
    if length < need:
        return None, False
    turned = backwards > forwards
    again = count - 1 - again if turned else again
    return (round(float(times[begin]), 2), round(float(times[again]), 2), round(length / fps, 2)), turned


def _longest(close: npt.NDArray[np.bool_], need: int, *, turned: bool) -> tuple[int, int, int]:
    """(length, row, column) of the longest run along a diagonal; runs that meet the middle do not count."""
    count, best = len(close), (0, 0, 0)
    for offset in range(need if not turned else -count + 2 * need, count - need):
        line = np.diagonal(close, offset)
        rows = np.arange(len(line)) + max(0, -offset)
        columns = rows + offset
        other = count - 1 - columns if turned else columns
        line = line & (np.abs(other - rows) >= need) & (other > rows)
        edges = np.flatnonzero(np.diff(np.r_[0, line.astype(np.int8), 0]))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            best = max(best, (int(end - begin), int(rows[begin]), int(columns[begin])))
    return best
