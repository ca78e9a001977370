"""Is this the same picture, or another picture of the same place?

Two honest photographs of one place show the same things; a copy shows the same *exposure*. Local
features and RANSAC find how one picture lies in the other (a homography); then the pixels decide:

1. after fine alignment, nearly every textured block of the overlap must correlate (parallax, moved
   leaves, another light break that; JPEG, scaling, brightness and noise do not);
2. distant scenes have no parallax, so a camera turned on the spot also passes 1. But it shows what lay
   beyond the first frame, and the pictures then differ by a perspective term (a turn that moves the
   centre by s pixels bends the rest by about s * x^2 / f^2). Crops, scalings, rotations and borders of
   one picture differ by an affine map. So a copy is affine to a third of a pixel (to a whole one where
   even fine detail agrees). That nothing new is shown is no proof: who photographs a poster from nearer by
   than the one before shows nothing new either;
3. a zoom lens on a distant scene shows nothing new and is affine: beyond a magnification of 1.5 the
   answer is "same exposure, perhaps", never "copy".

Everything here works on pictures scaled to a long side of 640 pixels. Figures: bench/duplicates.py.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from verification.matching import pdq
from verification.matching.comparison import COPY_SHARE, MIN_BLOCKS, MIN_INLIERS, Comparison
from verification.matching.flat_maps import affine, similar
from verification.matching.residue import Residue

Pixels: TypeAlias = npt.NDArray[np.uint8]
Pairs: TypeAlias = npt.NDArray[np.int64]
Matrix: TypeAlias = npt.NDArray[np.float64]
Floats: TypeAlias = npt.NDArray[np.float32]

LONG_SIDE = 640
BLOCK = 24  # pixels: side of the squares that are correlated
TEXTURE = 9.0  # grey levels squared: smallest band-pass variance of a block that says anything
FAINT = 1.0  # the same where too few blocks have more: night, fog, bare walls
MIN_MATCHES = 16  # fewer mutual matches are not worth a RANSAC
ALIKE = 0.8  # correlation from which a block counts as the same
FRAMED_PX = 1.5  # how far corners may lie apart that lie on each other
USUAL = 1024  # features of a picture
PLENTY = 2048  # of a Look: a quarter of a soft picture has too few of the usual number
FINE = 1.2  # pixels: blur that takes away noise and the errors of alignment
COARSEST = 4.0  # the most of it
AGREES = 3.0  # pixels within which a match agrees with a map
_STEPS = 127  # of a stored descriptor to 1


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Local features of a picture.

    Attributes:
        xy: float32[n, 2], pixels, strongest first.
        descriptors: float32[n, 64], unit length.
        width / height: of the picture they were found in.
    """

    xy: Floats
    descriptors: Floats
    width: int
    height: int

    def strongest(self, most: int) -> Features:
        """The first of them."""
        return Features(self.xy[:most], self.descriptors[:most], self.width, self.height)


class Eyes(Protocol):
    """What finds and matches features: `verification.engine.Engine`."""

    def features(self, rgb: Pixels, most: int = USUAL) -> Features:
        """The strongest features of uint8[h, w, 3]."""

    def match(self, a: Features, b: Features) -> Pairs:
        """Mutual nearest neighbours int64[m, 2]."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A picture as the duplicate search sees it.

    Attributes:
        rgb: uint8[h, w, 3], long side 640.
        features: of its brightness, PLENTY at most.
        source: long side in pixels of what it was scaled from: detail finer than that is not in it.
        residue: the noise of its smoothest squares; None where it was not kept.
    """

    rgb: Pixels
    features: Features
    source: int
    residue: Residue | None = None

    @property
    def grey(self) -> Pixels:
        """Its brightness uint8[h, w]."""
        return np.rint(pdq.luma(self.rgb)).astype(np.uint8)

    @property
    def landmarks(self) -> Features:
        """The USUAL features: what a place is known again by."""
        return self.features.strongest(USUAL)

    def pack(self) -> bytes:
        """As bytes for the storage (about 250 KB): the picture as JPEG, descriptors in steps of 1 / 127."""
        done, jpeg = cv2.imencode(".jpg", self.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        if not done:
            raise ValueError("a picture could not be encoded")
        file = io.BytesIO()
        xy, descriptors = self.features.xy, np.rint(self.features.descriptors * _STEPS).astype(np.int8)
        source = np.array(self.source)
        kept = np.frombuffer(self.residue.pack() if self.residue else b"", np.uint8)
        np.savez(file, rgb=jpeg.ravel(), xy=xy, descriptors=descriptors, source=source, residue=kept)
        return file.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> Look:
        """The inverse of `pack`."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            bgr = cv2.imdecode(file["rgb"], cv2.IMREAD_COLOR)
            xy, descriptors = file["xy"], file["descriptors"].astype(np.float32) / np.float32(_STEPS)
            source, kept = int(file["source"]), file["residue"].tobytes()
        if bgr is None:
            raise ValueError("a stored look holds no picture")
        rgb = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8)
        noise = Residue.unpack(kept) if kept else None
        return cls(rgb, Features(xy, descriptors, rgb.shape[1], rgb.shape[0]), source, noise)


def look(rgb: Pixels, eyes: Eyes, way: int = 0) -> Look:
    """The Look of uint8[h, w, 3], turned by `way` (see `pdq.turn`) first."""
    height, width = rgb.shape[:2]
    scale = LONG_SIDE / max(height, width)
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    turned = np.ascontiguousarray(pdq.turn(small.astype(np.uint8), way))
    return Look(turned, eyes.features(_as_seen(turned), PLENTY), max(height, width))


def _as_seen(rgb: Pixels) -> Pixels:
    """What the net is shown of a picture: its brightness, uint8[h, w, 3]."""
    return np.repeat(np.rint(pdq.luma(rgb)).astype(np.uint8)[..., None], 3, axis=2)


def halved(seen: Look, eyes: Eyes) -> Features:
    """The features of a Look at half its size, in pixels of that: a part of a picture, cut out and shown as
    large as the whole, has there the features that the whole had."""
    size = (max(32, seen.rgb.shape[1] // 2), max(32, seen.rgb.shape[0] // 2))
    small = cv2.resize(seen.rgb, size, interpolation=cv2.INTER_AREA)
    return eyes.features(_as_seen(small.astype(np.uint8)), PLENTY)


def closer(seen: Look, small: Features) -> Look:
    """The Look with its features of half size beside its own."""
    own = seen.features
    scale = np.array([own.width / small.width, own.height / small.height], dtype=np.float32)
    xy = np.concatenate([own.xy, ((small.xy + 0.5) * scale - 0.5).astype(np.float32)])
    both = Features(xy, np.concatenate([own.descriptors, small.descriptors]), own.width, own.height)
    return replace(seen, features=both)


def compare(picture: Look, earlier: Look, eyes: Eyes) -> Comparison:
    """How `picture` lies in `earlier`."""
    pairs = eyes.match(picture.features, earlier.features)
    if len(pairs) < MIN_MATCHES:
        return Comparison(matches=len(pairs))
    here, there = picture.features.xy[pairs[:, 0]], earlier.features.xy[pairs[:, 1]]
    alike, flat = similar(here, there), affine(here, there)
    inliers, starts = _starts(here, there, alike)
    shapes = picture.rgb.shape, earlier.rgb.shape
    if not starts:
        few = Comparison(matches=len(pairs), inliers=inliers)
        return few if alike is None else placed(few, alike, *shapes)
    matrix, seen = _laid(picture, earlier, starts, flat)
    maps = tuple(tuple(each.ravel().tolist()) for each in (alike, flat) if each is not None)
    said = Comparison(len(pairs), inliers, seen.blocks, seen.share, seen.correlation, seen.beyond, flat=maps)
    return placed(said, matrix, *shapes)


def _starts(here: Floats, there: Floats, alike: Matrix | None) -> tuple[int, list[Matrix]]:
    """The most pairs float32[n, 2] that agree, and the maps on which MIN_INLIERS do: homography, similarity.

    Where few of many pairs are true, the four that make a homography are seldom drawn together.
    """
    found, mask = cv2.findHomography(here, there, cv2.USAC_MAGSAC, AGREES, None, 2000, 0.999)
    tried = [(int(mask.sum()), np.asarray(found, np.float64))] if found is not None else []
    if alike is not None:
        away = np.linalg.norm(here @ alike[:2, :2].T + alike[:2, 2] - there, axis=1)
        tried.append((int((away < AGREES).sum()), alike))
    most = max((count for count, _ in tried), default=0)
    return most, [matrix for count, matrix in tried if count >= MIN_INLIERS]


def _laid(
    picture: Look, earlier: Look, starts: Sequence[Matrix], flat: Matrix | None
) -> tuple[Matrix, Blocks]:
    """The map under which the most is alike, refined, and what the blocks then say."""
    grey, before = picture.grey, earlier.grey
    blurs = [_blur(matrix, picture, earlier) for matrix in starts]
    seen = [_blocks(grey, before, matrix, blur) for matrix, blur in zip(starts, blurs, strict=True)]
    order = sorted(range(len(starts)), key=lambda k: (seen[k].blocks < MIN_BLOCKS, -seen[k].share))
    matrix, best, blur = starts[order[0]], seen[order[0]], blurs[order[0]]
    if best.share < 0.1 or best.blocks < MIN_BLOCKS:
        return matrix, best  # no fine alignment mends it
    sharp = FINE * max(1.0, LONG_SIDE / min(picture.source, earlier.source))
    for start in (*(starts[k] for k in order), flat):
        if start is None:
            break
        fine = aligned(grey, before, start, sharp)
        better = _blocks(grey, before, fine, blur)
        matrix, best = (fine, better) if better.share >= best.share else (matrix, best)
        if best.share >= COPY_SHARE:
            break
    return matrix, best


def _blur(matrix: Matrix, picture: Look, earlier: Look) -> float:
    """Pixels of `picture` below which one of them has no detail, only noise: it may show a part enlarged."""
    _, zoom = shape_of(matrix, picture.rgb.shape, earlier.rgb.shape)
    coarse = max(LONG_SIDE / picture.source, zoom * max(1.0, LONG_SIDE / earlier.source))
    return min(FINE * max(1.0, coarse), COARSEST)


def placed(found: Comparison, matrix: Matrix, here: tuple[int, ...], there: tuple[int, ...]) -> Comparison:
    """The comparison with what its map (here -> there) says."""
    bend, zoom = shape_of(matrix, here, there)
    corners = np.array([[x, y] for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
    own, others = ((corners * [shape[1], shape[0]] + [shape[1] / 2, shape[0] / 2]) for shape in (here, there))
    mapped = np.column_stack([own, np.ones(4)]) @ matrix.T
    away = np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - others, axis=1)
    framed = bool(away.max() <= FRAMED_PX)
    return replace(found, bend_px=bend, zoom=zoom, matrix=tuple(matrix.ravel().tolist()), framed=framed)


@dataclass(frozen=True, slots=True)
class Blocks:
    """What the correlated blocks say; as in `Comparison`."""

    blocks: int
    share: float
    correlation: float
    beyond: float


def _band(grey: Pixels | Floats, blur: float) -> Floats:
    """Detail between `blur` and four times that, in pixels: slow light is gone, so is most noise."""
    values = grey.astype(np.float32)
    fine = cv2.GaussianBlur(values, (0, 0), blur) - cv2.GaussianBlur(values, (0, 0), 4 * blur)
    return fine.astype(np.float32)


def detail(rgb: Pixels) -> float:
    """How much detail uint8[h, w, 3] has at the size of a Look: standard deviation, grey levels."""
    scale = min(1.0, LONG_SIDE / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(_band(np.asarray(pdq.luma(small.astype(np.uint8)), np.float32), FINE).std())


def _mean(values: Floats) -> Floats:
    """Means over the squares of a grid: float32[h // BLOCK, w // BLOCK]."""
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cut = values[: rows * BLOCK, : columns * BLOCK]
    means: Floats = cut.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3), dtype=np.float32)
    return means


def _blocks(here: Pixels, there: Pixels, matrix: Matrix, blur: float) -> Blocks:
    """Correlates `here` with `there` brought to its frame by `matrix` (here -> there)."""
    return correlated(here, *brought(there, matrix, here.shape), blur)


def correlated(here: Pixels, warped: Pixels, inside: Pixels, blur: float) -> Blocks:
    """Correlates `here` with another picture in its frame, where that covers it."""
    a, b = _band(here, blur), _band(warped, blur)
    mean_a, mean_b = _mean(a), _mean(b)
    variance_a, variance_b = _mean(a * a) - mean_a**2, _mean(b * b) - mean_b**2
    covered, weaker = _mean(inside.astype(np.float32)) > 0.99, np.minimum(variance_a, variance_b)
    spoken = covered & (weaker > TEXTURE)
    if spoken.sum() < MIN_BLOCKS:
        spoken = covered & (weaker > FAINT)
    outside = cv2.erode((inside == 0).astype(np.uint8), np.ones((17, 17), np.uint8), borderValue=1)
    beyond = float(outside.mean())
    if not spoken.any():
        return Blocks(0, 0.0, 0.0, beyond)
    covariance = _mean(a * b) - mean_a * mean_b
    values = covariance[spoken] / np.sqrt(variance_a[spoken] * variance_b[spoken])
    return Blocks(int(spoken.sum()), float((values >= ALIKE).mean()), float(np.median(values)), beyond)


def brought(there: Pixels, matrix: Matrix, shape: tuple[int, ...]) -> tuple[Pixels, Pixels]:
    """`there` in the frame of a picture of `shape` (h, w), and where it covers it (1) or not (0)."""
    size = (shape[1], shape[0])
    flags = cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(
        there, matrix, size, flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpPerspective(
        np.ones(there.shape[:2], np.uint8), matrix, size, flags=flags | cv2.INTER_NEAREST
    )
    return warped.astype(np.uint8), inside.astype(np.uint8)


def aligned(here: Pixels, there: Pixels, matrix: Matrix, blur: float, *, flat: bool = False) -> Matrix:
    """`matrix` refined on the pixels (ECC, Evangelidis & Psarakis 2008), as an affine map where `flat`;
    itself when that diverges."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50 if flat else 15, 1e-5)
    _, inside = brought(there, matrix, here.shape)
    shown = _band(here, blur) * cv2.erode(inside, np.ones((17, 17), np.uint8), borderValue=1)
    motion, start = (cv2.MOTION_AFFINE, matrix[:2]) if flat else (cv2.MOTION_HOMOGRAPHY, matrix)
    try:
        _, fine = cv2.findTransformECC(shown, _band(there, blur), start.astype(np.float32), motion, criteria)
    except cv2.error:  # "the algorithm stopped before its convergence": the images are too unlike
        return matrix
    return np.vstack([fine, [0.0, 0.0, 1.0]] if flat else [fine]).astype(np.float64)


def fitted(matrix: Matrix, here: tuple[int, ...], there: tuple[int, ...]) -> tuple[Matrix, float] | None:
    """The affine map float64[3, 2] nearest to a homography over the overlap, and the largest distance
    between them in pixels; None where the overlap is too small to tell."""
    y, x = np.mgrid[0 : here[0] : 9j, 0 : here[1] : 9j]
    grid = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)
    mapped = grid @ matrix.T
    points = mapped[:, :2] / mapped[:, 2:]
    inside = ((points >= 0) & (points < np.array([there[1], there[0]]))).all(axis=1) & (mapped[:, 2] > 0)
    if inside.sum() < 6:
        return None
    affine, *_ = np.linalg.lstsq(grid[inside], points[inside], rcond=None)
    return affine, float(np.linalg.norm(grid[inside] @ affine - points[inside], axis=1).max())


def shape_of(matrix: Matrix, here: tuple[int, ...], there: tuple[int, ...]) -> tuple[float, float]:
    """How far a homography is from its best affine map over the overlap (pixels), and that map's zoom."""
    held = fitted(matrix, here, there)
    if held is None:
        return float(max(here)), 1.0  # never affine
    flat, bend = held
    return bend, float(abs(np.linalg.det(flat[:2])) ** -0.5)
