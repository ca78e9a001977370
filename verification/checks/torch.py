"""torch: the scene brightens and darkens with the phone's torch, in the pattern drawn for this claim.

Stops: prepared clips and stills, which answer no pattern, and screens, which hardly answer a torch.
How: the burst is cut into equal steps, one a sign of the pattern. In linear light, the log of brightness
about each followed point, lit less dark, is its answer. Together the answers must exceed their unrest,
and differ: a lamp beside the lens lights near things more (1/r^2). An even gain is the exposure's or a
program's, not a lamp's. Brightness that follows another pattern speaks against.
Limits: by daylight and in wide places a torch is not seen: no answer speaks against only while the sun
is down. Automatic exposure takes part of the answer back. A print answers as paper does.
Source: the inverse-square law; the idea is Face Flashing's (Tang et al., NDSS 2018), made for faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from verification.case import Case, Doubles
from verification.checks.sun import sun_elevation_deg
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.flow import tracks_of
from verification.picture import Pixels
from verification.registry import check
from verification.statement import spot_of

SIGNS = 6  # of the pattern at least: a hand that pans answers every few of shorter ones by chance
GRID = (8, 6)  # blocks across and down
FOLLOWED = 40  # points through the whole burst, enough to use those instead
EDGE = 0.2  # of a step at each end: the torch and the exposure need time
ANSWER = 0.05  # log of brightness; a twentieth more light
UNEVEN = 0.035  # standard deviation of the places' answers
FLICKER = 0.05  # standard deviation of the steps, from which some pattern is being followed
FAINT = 0.03  # standard deviation of the steps under which their common brightness says nothing
FITS = 0.5  # correlation of the steps with the pattern under which that is another pattern
NIGHT_DEG = -4.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How the places answered (natural log of linear brightness, lit less dark).

    Attributes:
        gain: their median.
        uneven: their standard deviation, less what unrest alone would make.
        unrest: standard error of a place's answer.
        steps: standard deviation of the steps' brightness.
        fits: correlation of the steps' brightness with the pattern, -1..1; where an exposure took the
            common answer back (steps under FAINT), of the brightness along the places' own answers.
    """

    gain: float
    uneven: float
    unrest: float
    steps: float
    fits: float


@check("torch", family=Family.LIGHT, version="2", cost=1, kinds={"photo", "video"}, bounds=(-2.0, 1.5))
def torch(case: Case) -> Outcome:
    """OK "torch_answered", "torch_even" or "torch_not_answered".

    Abstains "no_torch_asked", "pattern_too_short", "no_burst" or "daylight".
    """
    pattern = case.evidence.session.torch
    if len(set(pattern)) < 2 or set(pattern) - {"0", "1"}:
        return abstain("no_torch_asked")
    if len(pattern) < SIGNS:
        return abstain("pattern_too_short")
    if len(case.frames) < 2 * len(pattern):
        return abstain("no_burst")
    times = np.array([frame.t for frame in case.frames])
    found = answer(_logs(case), times, pattern)
    if found is None:
        return abstain("no_burst")
    facts: dict[str, Json] = {
        "gain": round(found.gain, 3),
        "uneven": round(found.uneven, 3),
        "unrest": round(found.unrest, 3),
        "fits": round(found.fits, 2),
        "chance": 2.0 ** -len(pattern),
    }
    return _judged(found, facts, night=_is_night(case))


def _judged(found: Answer, facts: dict[str, Json], *, night: bool) -> Outcome:
    """What an answer says."""
    answered = found.gain > max(ANSWER, 3 * found.unrest) or found.uneven > 2 * UNEVEN
    if found.fits >= FITS and answered:
        if found.uneven >= UNEVEN:
            return ok(min(1.5, 0.5 + 4 * found.uneven), "torch_answered", **facts)
        return ok(-1.0, "torch_even", **facts)
    if found.steps >= FLICKER and found.fits < FITS:
        return ok(-2.0, "torch_not_answered", **facts)
    return ok(-1.5, "torch_not_answered", **facts) if night else abstain("daylight", **facts)


def answer(logs: Doubles, times: Doubles, pattern: str) -> Answer | None:
    """How places float64[n, places] (log brightness) answered; None where a step has no frame."""
    whole = (times - times[0]) / ((times[-1] - times[0]) * len(times) / (len(times) - 1)) * len(pattern)
    step, within = whole.astype(int), whole % 1
    used = (within >= EDGE) & (within <= 1 - EDGE + 1e-9)
    signs = np.array([sign == "1" for sign in pattern])
    means = []
    for k in range(len(pattern)):
        mine = (step == k) & (used if (used & (step == k)).any() else step == k)
        if not mine.any():
            return None
        means.append(logs[mine].mean(axis=0))
    table = np.stack(means)
    lit, dark = table[signs], table[~signs]
    answers = lit.mean(axis=0) - dark.mean(axis=0)
    rest = np.sqrt(lit.var(axis=0) / len(lit) + dark.var(axis=0) / len(dark))
    unrest = float(np.median(rest))
    level = np.median(table, axis=1)
    along = answers if level.std() < FAINT else np.ones_like(answers)
    fits = _correlation(table - table.mean(axis=0), signs, along)
    uneven = float(np.sqrt(max(0.0, answers.var() - float((rest**2).mean()))))
    return Answer(float(np.median(answers)), uneven, unrest, float(level.std()), fits)


def _correlation(table: Doubles, signs: npt.NDArray[np.bool_], along: Doubles) -> float:
    """Of the steps float64[steps, places] with the pattern, summed over the places with weights `along`."""
    series = table @ along / max(1e-9, float(np.linalg.norm(along)))
    wanted = signs - signs.mean()
    size = float(np.linalg.norm(series - series.mean()) * np.linalg.norm(wanted))
    return float(((series - series.mean()) * wanted).sum() / size) if size > 1e-9 else 0.0


def _logs(case: Case) -> Doubles:
    """Log of linear brightness float64[n, places]: about points followed through the whole burst, so that
    the hand's motion makes no unrest; in the blocks of a grid where too few are followed."""
    tracks = tracks_of(case)
    steady = np.zeros(0, bool) if tracks is None else np.isfinite(tracks.xy[..., 0]).all(axis=0)
    whole = np.nonzero(steady)[0]
    rows = []
    for k, frame in enumerate(case.frames):
        if tracks is None or len(whole) < FOLLOWED:
            linear = _linear(frame.rgb, (GRID[0] * 12, GRID[1] * 12))
            rows.append(linear.reshape(GRID[1], 12, GRID[0], 12).mean(axis=(1, 3)).ravel())
        else:
            soft = cv2.GaussianBlur(_linear(frame.rgb, tracks.size), (0, 0), 5)
            x, y = np.round(tracks.xy[k, whole]).astype(int).T
            rows.append(soft[y.clip(0, soft.shape[0] - 1), x.clip(0, soft.shape[1] - 1)])
    return np.log(np.stack(rows) + 2e-3)


def _linear(rgb: Pixels, size: tuple[int, int]) -> Doubles:
    """Linear brightness 0..1 at a smaller size (width, height)."""
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(((small.astype(np.float64) / 255) ** 2.2).mean(axis=2))


def _is_night(case: Case) -> bool:
    """The sun is down where and when the capture is said to have been made."""
    spot, at = spot_of(case.statement), case.evidence.session.committed_at
    return spot is not None and at is not None and sun_elevation_deg(spot, at) < NIGHT_DEG
