"""motion: the frames turn as the gyroscope says, and the pictures are a sensor's.

Stops: replayed or generated clips and stills fed to the camera by software while the phone lies still,
shakes otherwise, or sends no motion; a clip with another's sensors or its own at another time; a still
moved about by a program.
How: the camera's turn between frames, seen in tracked points, against the gyroscope's, pair by pair, so
that tremor counts as well as strokes (`measures.turning`). In the market one device states both clocks and
the axes, so a lag of -0.2 to 0.12 s and the phone's own axes are all that is fitted; outside, eight
conventions and lags to half a second, and a fit that needs them is believed less. What is missing of full
agreement weighs it, by its logarithm, less where a fit by chance stands high. Frames that are bit for bit
one picture while the gyroscope turns are proof; grain that travels with the picture (`measures.grain`) is
the mark of a still that is moved about.
Figures (simulated, calibration photographs, two turns there and back in 2.5 s at 8 frames/s): honest bursts
above 0 in 79 of 80, in 60 of 60 with a step aside after the turns, in 20 of 24 with a step aside and no
turn; with the gyroscope of another who made the same turns at or below -2 nats in 226 of 240, above 0 in
3; with its own 0.2 to 0.8 s late at or below -2 nats in 320 of 320. 20 ms a burst.
Limits: a screen filmed by hand has true motion, and passes; so does motion computed from the clip. Who
turns within a tenth of a second as the clip does is told by tremor alone. A near scene of several depths
and a shifting hand blur the comparison: a poor fit is only evidence. Outside the market a clip's own
sensors up to 0.5 s late are forgiven. Both still says nothing, nor does a lens of more than 1.4 long sides.
The figures are the fifth version's, which called such a lens's turns another's.
Source: Movee (Rahman, Topkara & Carbunar, ACSAC 2013): 8 % equal error rate for people's phones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verification.case import Case, Doubles, Frame, Sensed
from verification.evidence import Family, Json, Outcome, abstain, hard_fail, ok
from verification.measures.flow import Tracks, tracks_of
from verification.measures.grain import Grain, grain
from verification.measures.strokes import asked_strokes, parted, strokes
from verification.measures.turning import SCALES, Agreement, agreement, felt_turns, in_radians
from verification.registry import check

STILL = 0.012  # rad/s, root mean square: less than a hand at rest
TURNED = 0.05  # rad in all: a gyroscope that felt this much was not lying on a table
FROZEN_GRAIN = 0.9  # correlation of grain brought into register; honest bursts reach .85 (simulated, n = 137)
EVEN = -1.9  # logarithm of what is missing of full agreement that speaks neither way
SLOPE, LOWEST = 5.0, -5.0  # nats a unit of that logarithm, and in all;
DULL_SLOPE, DULL_LOWEST = (
    2.5,
    -3.5,
)  # where clocks and axes are searched, or a held phone's shift weighs as much
STROKES = 0.15  # rad/s, root mean square, seen or felt: the phone was turned, not held
SURELY_FITTED = 0.75  # above this chance fit, agreement says less and less
SAME = 0.9  # least correlation of turns that differ in size alone
LOOSE_S = 0.6  # two clocks that differ by so much would say nothing
ODD_AXES = 0.5  # of what is said for a fit in camera axes, which no phone sends


@check("motion", family=Family.MOTION, version="6", cost=1, kinds={"photo", "video"}, bounds=(-5.0, 1.5))
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
    session = case.evidence.session
    pairs = _turning_pairs(session.pan, case.sensed, tracks)
    return _compared(case.sensed, tracks, _grain(travelling), one_clock=not session.outside, pairs=pairs)


def _turning_pairs(asked: str, sensed: Sensed, tracks: Tracks) -> int | None:
    """How many pairs of frames the turns asked for take by the gyroscope, where a step comes after them.

    Before a soft background only the sheet can be followed, and who steps aside turns to keep it in view:
    the sheet then stays where it is in the picture while the phone turns. None: no step, or other turns.
    """
    turns, side = parted(asked)
    if not side:
        return None
    felt = felt_turns(sensed, tracks.t)
    read = strokes(felt, tracks.t)
    used = asked_strokes(turns, [stroke.way for stroke in read], stepped=True)
    return read[used - 1].end if used else None


def _frozen(case: Case) -> Outcome:
    """All frames are one picture: proof where the gyroscope turned meanwhile."""
    count = len(case.frames)
    angle = 0.0 if case.sensed is None else _turned(case.sensed.t, in_radians(case.sensed))
    if angle >= TURNED and count >= 3:
        return hard_fail("frames_frozen", frames=count, turned_rad=round(angle, 3))
    return ok(-2.0, "frames_frozen", frames=count)


def _compared(
    sensed: Sensed, tracks: Tracks, facts: dict[str, Json], *, one_clock: bool, pairs: int | None
) -> Outcome:
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
    found = None if seen is None else agreement(tracks, sensed, gyro, one_clock=one_clock, pairs=pairs)
    if found is None:
        return abstain("motion_unclear", **facts)
    turned = seen is not None and max(seen, felt) >= STROKES
    llr = weight(found, one_clock=one_clock, turned=turned)
    if llr <= 0 and _by_long_lens(found):
        return abstain("motion_unclear", **facts, **_fit(found))
    return ok(llr, "motion_agrees" if llr > 0 else "motion_disagrees", **facts, **_fit(found))


def _by_long_lens(found: Agreement) -> bool:
    """The same turns, shown larger than by any lens that is compared; another's would not be alike."""
    alike = found.axes[:2][np.isfinite(found.axes[:2])]
    return found.scale >= SCALES[1] and bool(len(alike)) and float(alike.min()) >= SAME


def weight(found: Agreement, *, one_clock: bool, turned: bool) -> float:
    """Nats of a fit: rising in the agreement; worth less where chance fits as well, and where the fit
    needed clocks that differ or odd axes."""
    missing = np.log(np.maximum([1 - found.value, found.typical], 1e-6)).mean()  # in all, and of most pairs
    slope, lowest = (SLOPE, LOWEST) if one_clock and turned else (DULL_SLOPE, DULL_LOWEST)
    raw = float(slope * (EVEN - missing))
    if raw <= 0:
        return max(lowest, raw)
    worth = float(np.clip((1 - found.chance) / (1 - SURELY_FITTED), 0.1, 1.0))
    if not one_clock:
        worth *= (1 - abs(found.lag) / LOOSE_S) * (ODD_AXES if found.convention.startswith("camera") else 1.0)
    return min(1.5, raw) * worth


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
        "typical": round(found.typical, 4),
        "by_chance": round(found.chance, 3),
        "lag_s": round(found.lag, 2),
        "axes": found.convention,
        "scale": round(found.scale, 2),
        "near": found.near,
        "correlation": axes,
    }
