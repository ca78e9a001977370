"""How the camera turned through a burst as its gyroscope felt it, and what is left of the pictures' motion
once that is taken away: the shift of points by the camera's own travel, which is as large as they are near.

In pictures alone a step before a near scene looks like a turn; a gyroscope feels no step. So the turn from
frame to frame is the gyroscope's (at the lag and in the axes that `measures.turning` found), and the focal
length is the one at which what is left of wide turns lies on epipolar lines (Hartley & Zisserman 2004,
chapter 9): a wrong focal length leaves a bent remainder that no travel explains.

Lengths are pixels at a long side of 480. A point at distance z is shifted by focal * travel / z.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from verification.measures.flow import FOCAL, rays
from verification.measures.placing import code_in_frame, grown, inside, place
from verification.measures.same_code import seated
from verification.measures.seeking import Seen, found_leaning, found_near, half_found
from verification.measures.turning import CONVENTIONS, agreement, in_radians

if TYPE_CHECKING:
    from verification.case import Case, Doubles, Sensed
    from verification.measures.flow import Grey, Mask, Tracks
    from verification.measures.nearness import Floats, Nearness

AGREES = 0.6  # of felt with seen turns, or the gyroscope is another's
FOCALS = np.linspace(0.6, 1.3, 15)  # long sides
SWING = 0.12  # radians from which a pair of frames tells of the focal length
UNUSUAL_PX = 0.15  # what a focal length 28 % off the usual must better the fit by: few points tell of none
PAIRS, FEW = 6, 30  # of frames, and of points in one
AROUND = (1.8, 6.0)  # the sheet and its edge, in lengths and heights of the writing
RENEWED = 0.7  # least correlation of the sheet's picture from which it is taken anew
CREPT = 14.0  # pixels by which it may have crept
LAID = 0.5  # least correlation of the photo's letters with a frame's, and
SEEDS = 4  # frames asked for them, where the photo's own does not show the whole sheet
OFF_MIDDLE = 1.0  # pixels by which a picture cut at the edge may be off its middle


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """How the camera turned.

    Attributes:
        rotations: float64[n, 3, 3], each frame's camera axes to the first's.
        felt: float64[n - 1, 3] radians, the turn from each frame to the next.
        focal: in long sides, as lines in the pictures fit it best.
        lens: how long the lens is by the size of the turns in the pictures, in usual ones (FOCAL).
        value: agreement of the frames with the gyroscope, -1..1.
        clock: float64[n] seconds, when each frame was taken by the motion's clock.
        axes: float64[3, 3], the motion's axes to the camera's.
    """

    rotations: Doubles
    felt: Doubles
    focal: float
    lens: float
    value: float
    clock: Doubles
    axes: Doubles

    def between(self, i: int, j: int) -> Doubles:
        """float64[3, 3]: camera axes of frame j to those of frame i."""
        return np.asarray(self.rotations[i].T @ self.rotations[j])

    def angle(self, i: int, j: int) -> float:
        """Radians turned from frame i to frame j."""
        return float(np.linalg.norm(cv2.Rodrigues(self.between(i, j))[0]))

    def roll(self, i: int, j: int) -> float:
        """Degrees by which pictures turn counter-clockwise from frame i to frame j."""
        turn = self.between(i, j)
        return float(np.degrees(np.arctan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1])))

    def still(self, tracks: Tracks, i: int, j: int, there: Doubles) -> Doubles:
        """Where pixels float64[k, 2] of frame j would be seen had the camera not turned since frame i."""
        return _pixels(rays(there, *tracks.size, self.focal) @ self.between(i, j).T, tracks, self.focal)

    def guess(self, tracks: Tracks, i: int, j: int, here: Doubles) -> Doubles:
        """Where far pixels of frame i are seen in frame j."""
        return self.still(tracks, j, i, here)


@dataclass(slots=True, eq=False)
class Stepping:
    """What a burst's gyroscope and sheet tell of its camera's way.

    Attributes:
        course: None without a gyroscope that agrees with the frames.
        sheet: None where there is no course, or no code was seen.
        pairs, fine: what `measures.nearness` found of two frames and made of one, once that was asked.
    """

    course: Course | None
    sheet: Sheet | None
    pairs: dict[tuple[int, int], Nearness | None] = field(default_factory=dict)
    fine: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)


def stepping_of(case: Case, tracks: Tracks) -> Stepping:
    """Found at the first call and kept on the case."""
    if case.stepping is None:
        one_clock = not case.evidence.session.outside
        course = None if case.sensed is None else _course(case.sensed, tracks, one_clock)
        sheet = None if course is None else _sheet(case, tracks, course)
        case.stepping = Stepping(course, sheet)
    return case.stepping


def _course(sensed: Sensed, tracks: Tracks, one_clock: bool) -> Course | None:
    found = agreement(tracks, sensed, in_radians(sensed), one_clock=one_clock)
    if found is None or found.value < AGREES:
        return None
    clock, axes = tracks.t + found.lag, CONVENTIONS[found.convention]
    felt = _turns(sensed, clock) @ axes.T
    rotations = [np.eye(3)]
    for turn in felt:
        rotations.append(rotations[-1] @ cv2.Rodrigues(turn)[0])
    lens = found.scale
    rough = Course(np.array(rotations), felt, FOCAL * lens, lens, found.value, clock, axes)
    return replace(rough, focal=_focal(tracks, rough))


def _turns(sensed: Sensed, at: Doubles) -> Doubles:
    """float64[n - 1, 3] radians in the motion's own axes: the turn between times, none where it is silent."""
    gyro = in_radians(sensed)
    steps = np.diff(sensed.t)[:, None] * (gyro[1:] + gyro[:-1]) / 2
    turned = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    return np.diff(np.column_stack([np.interp(at, sensed.t, turned[:, k]) for k in range(3)]), axis=0)


def _focal(tracks: Tracks, course: Course) -> float:
    """The focal length at which the wide turns leave least off epipolar lines; that of the turns' sizes
    where there are none."""
    n = len(tracks.t)
    angles = {(i, j): course.angle(i, j) for i in range(n) for j in range(i + 2, n)}
    held = np.isfinite(tracks.xy[:, :, 0]).astype(np.float64)
    shared = held @ held.T
    wide = [pair for pair, angle in angles.items() if SWING <= angle <= 4 * SWING]
    wide.sort(key=lambda pair: -shared[pair] * angles[pair])
    chosen: list[tuple[int, int]] = []
    for i, j in wide:
        if shared[i, j] >= FEW and all(abs(i - a) + abs(j - b) > 3 for a, b in chosen):
            chosen.append((i, j))
        if len(chosen) == PAIRS:
            break
    points = [tracks.common(i, j)[:2] for i, j in chosen]
    if not points:
        return course.focal
    costs = len(points) * UNUSUAL_PX * (np.log(FOCALS / FOCAL) / 0.25) ** 2
    for (i, j), (here, there) in zip(chosen, points, strict=True):
        costs = costs + _off_lines(tracks, course.between(i, j), here, there)
    return float(FOCALS[int(np.argmin(costs))])


def _off_lines(tracks: Tracks, turn: Doubles, here: Doubles, there: Doubles) -> Doubles:
    """Root mean square distance (pixels) of the better part of points off the lines of the best travel, one
    for each of FOCALS, float64[k]; arrays are [k, points, 3]."""
    (x, y), b = _flat(tracks, here), np.stack([*_flat(tracks, there), np.ones((len(FOCALS), len(there)))])
    b = np.tensordot(turn, b, axes=1)
    b = np.moveaxis(b[:2] / b[2], 0, -1)
    right, down = b[..., 0] - x, b[..., 1] - y
    normals = np.stack([-down, right, x * down - y * right], axis=2)  # a x b
    kept = np.ones(x.shape, bool)
    off = np.zeros(x.shape)
    for _ in range(3):
        held = normals * kept[..., None]
        travel = np.linalg.eigh(held.transpose(0, 2, 1) @ held)[1][:, :, 0]  # most nearly square to them all
        steep = np.hypot(travel[:, :1] - x * travel[:, 2:], travel[:, 1:2] - y * travel[:, 2:])
        off = np.abs(normals @ travel[:, :, None])[..., 0] / np.maximum(steep, 0.05)
        kept = off <= np.quantile(off, 0.8, axis=1, keepdims=True)
    mean = (off**2 * kept).sum(axis=1) / kept.sum(axis=1)
    return np.asarray(np.sqrt(mean) * FOCALS * max(tracks.size))


def _flat(tracks: Tracks, xy: Doubles) -> tuple[Doubles, Doubles]:
    """x / z and y / z of pixels float64[m, 2] for each of FOCALS, float64[k, m] each."""
    x, y = ((xy - (np.array(tracks.size) - 1) / 2) / max(tracks.size)).T
    return x / FOCALS[:, None], y / FOCALS[:, None]


def _pixels(directions: Doubles, tracks: Tracks, focal: float) -> Doubles:
    width, height = tracks.size
    flat = directions[:, :2] / np.maximum(directions[:, 2:], 0.05)
    return np.asarray(flat * focal * max(width, height) + np.array([(width - 1) / 2, (height - 1) / 2]))


def background(
    tracks: Tracks, course: Course, sheet: Sheet | None, i: int, j: int
) -> tuple[Doubles, Doubles]:
    """Points of frame i off the sheet and their shift by frame j, the turn taken away, float64[m, 2] each."""
    here, there, _ = tracks.exact(i, j)
    if sheet is not None:
        free = ~(sheet.covers(i, here) | sheet.covers(j, there))
        here, there = here[free], there[free]
    return here, course.still(tracks, i, j, there) - here


def camera(tracks: Tracks, focal: float) -> Doubles:
    """The camera's matrix float64[3, 3]."""
    width, height = tracks.size
    long = focal * max(width, height)
    return np.array([[long, 0, (width - 1) / 2], [0, long, (height - 1) / 2], [0, 0, 1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The sheet with the code, as it is found again in the frames of a burst.

    Attributes:
        frame: the frame the photo is of; box: float64[4, 2], the writing's place in it, pixels.
        places: frame -> float64[4, 2], the writing's place in it, where it was found.
    """

    frame: int
    box: Doubles
    places: dict[int, Doubles]

    def shift(self, tracks: Tracks, course: Course, i: int, j: int) -> Doubles | None:
        """How far its middle is shifted from frame i to frame j, the turn taken away, float64[2] pixels."""
        if i not in self.places or j not in self.places:
            return None
        here, there = (self.places[k].mean(axis=0, keepdims=True) for k in (i, j))
        return np.asarray((course.still(tracks, i, j, there) - here)[0])

    def covers(self, k: int, xy: Doubles) -> Mask:
        """Which pixels float64[m, 2] of frame k lie on the sheet, its edge or the hand below it, bool[m]."""
        if k not in self.places:
            return np.zeros(len(xy), bool)
        held = grown(self.places[k], *AROUND)
        held[held[:, 1] > self.places[k][:, 1].mean(), 1] = 10_000.0
        return inside(held, xy)


def _sheet(case: Case, tracks: Tracks, course: Course) -> Sheet | None:
    """The sheet, followed from its own frame through the burst; None where no code was seen.

    Each frame is searched about where the turn puts the last place, for the picture it had when it was last
    found well (so that it may slowly change), turned by the phone's roll since; out of the picture it waits
    at its place in space.
    """
    code = _whole_in_frame(case, tracks, course)
    if code is None:
        return None
    frame, box = code
    places, first = {frame: box}, _cut(tracks.greys[frame], box)
    for way in (range(frame + 1, len(tracks.t)), range(frame - 1, -1, -1)):
        last, picture, taken, since = frame, first, box, frame
        for k in way:
            if picture is None or first is None:
                break
            middle = places[last].mean(axis=0, keepdims=True)
            aim = course.guess(tracks, last, k, middle)[0]
            roll, whole = course.roll(since, k), course.roll(frame, k)
            seen = Seen(tracks.greys[k], tracks.halves[k])
            found, of = found_leaning(seen, picture, aim, roll), taken
            if found is None:
                found, of = found_near(seen, first, aim, max(tracks.size), lean=whole), box
            if found is None:
                found, of = half_found(seen, picture, aim, roll), taken
            if found is None:
                continue
            places[k] = found.placed(of)
            if of is taken and found.whole:  # what crept from picture to picture is mended
                size = float(np.ptp(places[k], axis=0).max() / np.ptp(box, axis=0).max())
                exact = found_near(seen, first, found.at, CREPT, size, whole)
                if exact is not None:
                    places[k] = places[k] - found.at + exact.at
            last = k
            fresh = _cut(tracks.greys[k], places[k]) if found.likeness >= RENEWED else None
            if fresh is not None:
                picture, taken, since = fresh, places[k], k
    return Sheet(frame, box, places)


def _whole_in_frame(case: Case, tracks: Tracks, course: Course) -> tuple[int, Doubles] | None:
    """As `code_in_frame`; where the sheet is not whole in that frame, in another that the photo's letters are
    found in."""
    code = code_in_frame(case, tracks)
    if code is None or case.picture is None or case.code_box is None:
        return None
    if _cut(tracks.greys[code[0]], code[1]) is not None:
        return code
    photo, frames = case.picture.rgb, [frame.rgb for frame in case.frames]
    shown = [k for k in range(len(frames)) if _within(tracks, course.guess(tracks, code[0], k, code[1]))]
    for k in sorted(shown, key=lambda k: abs(k - code[0]))[:SEEDS]:
        where = place(photo, [frames[k]])
        if not where.found or where.matrix is None:
            continue
        laid = seated(photo, frames[k], where.matrix, case.code_box)
        if laid is None or laid[0] < LAID:
            continue
        if _cut(tracks.greys[k], laid[1] * tracks.scale) is not None:
            return k, laid[1] * tracks.scale
    return code


def _within(tracks: Tracks, box: Doubles) -> bool:
    """Whether the writing and a little paper about it lie in the picture."""
    whole = grown(box, 1.1, 1.4)
    return bool((whole > 0).all() and (whole < np.array(tracks.size) - 1).all())


def _cut(grey: Grey, box: Doubles) -> Grey | None:
    """The picture of the writing and a little paper about it, its middle that of the box; None where it is
    not whole or has no contrast."""
    half = np.abs(grown(box, 1.1, 1.4) - box.mean(axis=0)).max(axis=0)
    low, high = (
        np.round(box.mean(axis=0) - half).astype(int),
        np.round(box.mean(axis=0) + half).astype(int) + 1,
    )
    low, high = np.maximum(low, 0), np.minimum(high, grey.shape[::-1])
    if (np.abs((low + high - 1) / 2 - box.mean(axis=0)) > OFF_MIDDLE).any():
        return None
    patch = grey[low[1] : high[1], low[0] : high[0]]
    return patch if min(patch.shape) >= 8 and patch.std() >= 4 else None
