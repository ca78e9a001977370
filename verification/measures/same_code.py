"""Whether the letters of the code in the photo are the letters in a frame of the burst.

The photo's writing is laid over the frame by the map of the whole (`measures.placing`), sought about that
place (a sheet is nearer than the scene and is held by a hand), fitted by an affine map (ECC, Evangelidis &
Psarakis 2008), and correlated without what changes slowly: paper and light are left out, strokes stay.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from verification.measures.flow import mapped
from verification.measures.placing import grown

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

RESOLVED = 12  # pixels in the frame: writing's box less tall than this shows no letters
AROUND = 0.12  # of the frame's long side: how far the sheet may be from where the scene's map puts it
INK = 6.0  # grey levels (standard deviation): fainter writing says nothing
_UNTIL = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-3)


def likeness(photo: Pixels, frame: Pixels, matrix: Doubles, box: Doubles) -> float | None:
    """Correlation of the letters, -1..1; None where they are too small, too faint or out of the frame.

    Args:
        photo, frame: uint8[h, w, 3]. matrix: float64[3, 3], pixels of the photo to the frame's.
        box: of the writing in the photo, float64[4, 2].
    """
    found = seated(photo, frame, matrix, box)
    return None if found is None else found[0]


def seated(photo: Pixels, frame: Pixels, matrix: Doubles, box: Doubles) -> tuple[float, Doubles] | None:
    """As `likeness`, and where the writing was found in the frame, float64[4, 2] pixels."""
    there = mapped(matrix, box)
    tall = float(np.linalg.norm(there[3] - there[0]) + np.linalg.norm(there[2] - there[1])) / 2
    edge = grown(there, 1.05, 1.25)
    low, high = np.floor(edge.min(axis=0)).astype(int), np.ceil(edge.max(axis=0)).astype(int)
    size, limit = high - low, np.array(frame.shape[1::-1])
    if tall < RESOLVED or (size >= limit).any() or (high <= 0).any() or (low >= limit).any():
        return None
    reach = round(AROUND * max(frame.shape))
    begin, end = np.maximum(low - reach, 0), np.minimum(high + reach, limit)
    if (end - begin <= size).any():
        return None
    strokes = _strokes(_writing(photo, matrix, low, size), tall)
    field = _strokes(_grey(frame[begin[1] : end[1], begin[0] : end[0]]), tall)
    inner = np.zeros(strokes.shape, np.uint8)
    cv2.fillConvexPoly(inner, np.round(grown(there, 1.0, 1.1) - low).astype(np.int32), 255)
    if strokes[inner > 0].std() < INK:
        return None
    like, fit = _correlated(strokes, field, inner)
    return like, cv2.transform((there - low)[None], fit.astype(np.float64))[0] + begin


def _correlated(strokes: Floats, field: Floats, inner: npt.NDArray[np.uint8]) -> tuple[float, Floats]:
    """The best correlation by a shift, or by an affine map that begins there, and that map, float32[2, 3]."""
    _, shifted, _, at = cv2.minMaxLoc(cv2.matchTemplate(field, strokes, cv2.TM_CCOEFF_NORMED))
    begin = np.array([[1, 0, at[0]], [0, 1, at[1]]], np.float32)
    try:
        _, fit = cv2.findTransformECC(strokes, field, begin.copy(), cv2.MOTION_AFFINE, _UNTIL, inner, 1)
    except cv2.error:  # it did not converge
        return float(shifted), begin
    size = (strokes.shape[1], strokes.shape[0])
    laid = cv2.warpAffine(field, fit, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    one, two = strokes[inner > 0], laid[inner > 0]
    if min(one.std(), two.std()) < 1e-3:
        return float(shifted), begin
    fitted = float(np.corrcoef(one, two)[0, 1])
    return (fitted, np.asarray(fit, np.float32)) if fitted >= shifted else (float(shifted), begin)


def _writing(
    photo: Pixels, matrix: Doubles, low: npt.NDArray[np.int64], size: npt.NDArray[np.int64]
) -> Floats:
    """The photo's writing in the frame's pixels; softened first where that shrinks it."""
    scale = abs(float(np.linalg.det(matrix[:2, :2]))) ** 0.5
    blur = max(0.3, 0.4 / scale) if scale < 1 else 0.0
    edge = low + size * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    corners = mapped(np.asarray(np.linalg.inv(matrix), np.float64), edge)
    room, limit = 4 * blur + 4, np.array(photo.shape[1::-1])  # what lies farther off does not show
    left, top = np.clip(np.floor(corners.min(axis=0) - room), 0, limit - 1).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0) + room), 1, limit).astype(int)
    grey = _grey(photo[top:bottom, left:right])
    if blur:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), blur), np.float32)
    move = _moved(-low[0], -low[1]) @ matrix @ _moved(left, top)
    return np.asarray(cv2.warpPerspective(grey, move, size.tolist()), np.float32)


def _moved(x: float, y: float) -> Doubles:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _strokes(grey: Floats, tall: float) -> Floats:
    """Without noise, and without what changes slowly beside a letter."""
    soft = cv2.GaussianBlur(grey, (0, 0), 0.7)
    return np.asarray(soft - cv2.GaussianBlur(soft, (0, 0), tall / 2), np.float32)


def _grey(rgb: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
