"""motion: the frames turn as the gyroscope says, and the pictures are a sensor's.

Stops: replayed or generated clips and stills fed to the camera by software while the phone lies still,
shakes otherwise, or sends no motion; a still moved about by a program.
How: the camera's turn between frames, seen in tracked points, against the gyroscope's, over eight
conventions of axes and lags up to half a second (`measures.turning`). How far above a fit by chance
the fit stands weighs it. Frames that are bit for bit one picture while the gyroscope turns are proof;
grain that travels with the picture (`measures.grain`) is the mark of a still that is moved about.
Figures (simulated hand, 1 s at 15 frames/s, 640 x 480; no rolling shutter, no lens distortion): agreement
of honest bursts .82 to 1.00, 14 of 15 above .9; another burst's gyroscope .48 to .67 (n = 14), its own
shifted by half the burst .55 to .85 (n = 15). Before a near plane with a drifting hand .87 to 1.00 (n = 20),
another's gyroscope .41 to .83 (n = 19). Read as turns of a far scene only: honest .82 to 1.00, 38 of 40
above .9, another's .36 to .75 (n = 39).
Limits: a screen filmed by hand has true motion, and passes; so does motion computed from the clip. A
near scene of several depths and a shifting hand blur the comparison: a poor fit is only evidence.
Both still says nothing.
Source: Movee (Rahman, Topkara & Carbunar, ACSAC 2013): 8 % equal error rate for people's phones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verification.case import Case, Doubles, Frame, Sensed
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.measures.flow import Tracks, tracks_of
from verification.measures.grain import Grain, grain
from verification.measures.turning import Agreement, agreement, in_radians
from verification.registry import check

STILL = 0.012  # rad/s, root mean square: less than a hand at rest
TURNED = 0.05  # rad in all: a gyroscope that felt this much was not lying on a table
FROZEN_GRAIN = 0.8  # correlation of grain brought into register
EVEN = 0.86  # agreement that speaks neither way
SLOPE = 12.0  # nats a unit of agreement
SURELY_FITTED = 0.75  # above this chance fit, agreement says less and less


@check("motion", family=Family.MOTION, version="2", cost=1, kinds={"photo", "video"}, bounds=(-4.0, 1.5))
def motion(case: Case) -> Outcome:
    """OK "motion_agrees", "motion_disagrees", "sensors_silent" or "frames_frozen"; hard-fails
    "frames_frozen" where the gyroscope turned; abstains "no_burst", "no_motion", "too_still" or
    "motion_unclear"."""
    tracks = tracks_of(case)
    if tracks is None:
        return abstain("no_burst")
    if one_picture(case.frames):
        return _frozen(case)
    travelling = grain(case.frames, tracks)
    if travelling is not None and travelling.moved >= FROZEN_GRAIN:
        return ok(-2.5, "frames_frozen", **_grain(travelling))
    if case.sensed is None:
        return abstain("no_motion")
    return _compared(case.sensed, tracks, _grain(travelling))


def _frozen(case: Case) -> Outcome:
    """All frames are one picture: proof where the gyroscope turned meanwhile."""
    count = len(case.frames)
    angle = 0.0 if case.sensed is None else _turned(case.sensed.t, in_radians(case.sensed))
    if angle >= TURNED and count >= 3:
        return hard_fail("frames_frozen", frames=count, turned_rad=round(angle, 3))
    return ok(-2.0, "frames_frozen", frames=count)


def _compared(sensed: Sensed, tracks: Tracks, facts: dict[str, Json]) -> Outcome:
    """Frames that move against the gyroscope."""
    gyro = in_radians(sensed)
    seen = _pace(tracks)
    felt = float(np.sqrt(((gyro - gyro.mean(axis=0)) ** 2).mean()))
    facts |= {"frames": len(tracks.t), "seconds": round(float(tracks.t[-1] - tracks.t[0]), 2)}
    facts |= {"seen_rad_s": None if seen is None else round(seen, 4), "felt_rad_s": round(felt, 4)}
    if silent(gyro):
        return ok(-1.5 if seen is None or seen < STILL else -3.0, "sensors_silent", **facts)
    if seen is not None and max(seen, felt) < STILL:
        return abstain("too_still", **facts)
    found = None if seen is None else agreement(tracks, sensed, gyro)
    if found is None:
        return abstain("motion_unclear", **facts)
    llr = weight(found)
    return ok(llr, "motion_agrees" if llr > 0 else "motion_disagrees", **facts, **_fit(found))


def weight(found: Agreement) -> float:
    """Nats of a fit: rising in the agreement; worth less where chance fits as well."""
    raw = SLOPE * (found.value - EVEN)
    if raw <= 0:
        return max(-3.5, raw)
    room = (1 - found.chance) / (1 - SURELY_FITTED)
    return min(1.5, raw) * float(np.clip(room, 0.1, 1.0))


def one_picture(frames: Sequence[Frame]) -> bool:
    """All frames are bit for bit the same."""
    return all(np.array_equal(frames[0].rgb, frame.rgb) for frame in frames[1:])


def silent(gyro: Doubles) -> bool:
    """A gyroscope that no phone has: one value throughout, or a stretch repeated to the last digit."""
    if (gyro == gyro[0]).all():
        return True
    count = len(gyro)
    periods = range(4, count // 2 + 1)
    return any((gyro[p:] == gyro[:-p]).all() for p in periods if (gyro[p] == gyro[0]).all())


def _pace(tracks: Tracks) -> float | None:
    """Root mean square of the turning seen, rad/s an axis; None where too little could be followed."""
    known = np.isfinite(tracks.turns[:, 0])
    if known.sum() < max(4, len(known) // 2):
        return None
    rates = tracks.turns[known] / np.diff(tracks.t)[known, None]
    return float(np.sqrt((rates**2).mean()))


def _turned(t: Doubles, gyro: Doubles) -> float:
    """Path length of the turning, radians, beyond a constant bias and noise."""
    rate = np.linalg.norm(gyro - np.median(gyro, axis=0), axis=1)
    return float((np.diff(t) * np.maximum(rate[1:] - STILL, 0)).sum())


def _grain(found: Grain | None) -> dict[str, Json]:
    if found is None:
        return {}
    return {"grain": round(found.moved, 3), "grain_fixed": round(found.fixed, 3)}


def _fit(found: Agreement) -> dict[str, Json]:
    axes: list[Json] = [None if np.isnan(value) else round(float(value), 2) for value in found.axes]
    return {
        "agreement": round(found.value, 3),
        "by_chance": round(found.chance, 3),
        "lag_s": round(found.lag, 2),
        "axes": found.convention,
        "scale": round(found.scale, 2),
        "near": found.near,
        "correlation": axes,
    }
