"""Pictures that no second camera saw: pasted, composited, relit, made up, and a camera that is software.

All work on finished sRGB pictures and give sRGB pictures; `sensor.finish` writes them as it writes honest
ones, and `virtual_camera` makes a whole capture of one, with a burst that follows a true gyro.

    forged = composited(photo, "K7P3QX", rng, care=0.8)
    shot = virtual_camera(forged, hold(16, 10, rng), rng, care=0.5, still=(1280, 960), mode="web")

`care` is 0 (a minute's work) to 1 (everything that can be matched is matched), and only ever a blend of
physical quantities: light, blur, noise, perspective.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from market.simulator.camera import Shot
from market.simulator.isp import Phone
from market.simulator.motion import Motion
from market.simulator.scene import sample
from market.simulator.sensor import (
    Exif,
    Floats,
    Picture,
    encode,
    expose,
    finish,
    normal,
    pattern,
    to_light,
    to_srgb,
)
from market.simulator.sheet import Sheet, draw_sheet, focused, light_on_paper, make_sheet
from market.simulator.view import View


def virtual_camera(
    picture: Picture,
    motion: Motion,
    rng: np.random.Generator,
    *,
    care: float,
    size: tuple[int, int] = (640, 480),
    still: tuple[int, int] | None = None,
    margin: float = 1.12,
    away_m: float = float("inf"),
    phone: Phone | None = None,
    mode: str = "web",
    exif: Exif | None = None,
) -> Shot:
    """A flat picture fed to the page as if it were the camera, turned as the true gyro says.

    Args:
        picture: sRGB uint8 [h, w, 3]; it is cut to the frames' shape.
        care: under 1/3 frames without noise of their own; under 2/3 fresh Gaussian noise a frame; above,
            each frame goes through a simulated sensor (noise, colour filter, PRNU of `phone`).
        margin: how much larger than a frame the picture is; beyond its edge it is mirrored.
        away_m: how far the program pretends the picture to stand, so that it follows a step too.
    """
    phone = phone or Phone()
    sources = {one: _Source.of(picture, one, margin) for one in (size, *([still] if still else []))}

    def fed(k: int, size: tuple[int, int]) -> Picture:
        view = View(motion.rotations[k], motion.shifts[k] / away_m, size, phone.focal * size[0])
        return _noisy(sources[size].turned(view), phone, care, rng)

    frames = [fed(k, size) for k in range(len(motion.rotations))]
    photograph = fed(0, still) if still else frames[0]
    return Shot(finish(photograph, mode, rng, exif), frames, motion, None)


def composited(
    picture: Picture, code: str, rng: np.random.Generator, *, care: float, held: bool = True
) -> Picture:
    """A finished picture with a sheet drawn into it by software: true perspective, more or less wrong light.

    With less care the sheet is lit evenly and white, has no hand and casts no shadow, is sharper or
    softer than the picture and free of its noise.
    """
    height, width = picture.shape[:2]
    focal = 0.8 * width
    light = to_light(picture)
    sheet = make_sheet(code, not held, focal, (width, height), rng)
    if rng.random() > care:
        sheet = replace(sheet, skin=np.zeros_like(sheet.skin))
    view = View(np.eye(3), np.zeros(3), (width, height), focal)
    pixels = view.project(sheet.corners)
    lit = light_on_paper(light, rng)
    level = np.float32(rng.uniform(0.85, 1.15) if care > 0.5 else rng.uniform(0.7, 1.6))
    falling = lit * np.float32(care) + np.float32(1 - care) * np.float32(lit.mean()) * level
    done = draw_sheet(focused(sheet, pixels), light, pixels, np.asarray(falling, np.float32))
    changed = _changed(done, light, sheet, pixels, shadow=rng.random() < care)
    tone = to_srgb(np.clip(done, 0, 1)).astype(np.float32)
    blur = abs(float(rng.normal(0.3, 0.9))) * (1 - care) + 0.6 * care
    tone = np.asarray(cv2.GaussianBlur(tone, (0, 0), max(blur, 0.05)), np.float32)
    grain = _grain(picture) * care * rng.uniform(0.7, 1.2)
    tone += np.float32(grain / 0.4) * cv2.GaussianBlur(normal(tone.shape, rng), (0, 0), 0.7)
    return _quantised(picture + cv2.merge([changed] * 3) * (tone - picture))


def spliced(
    host: Picture, donor: Picture, rng: np.random.Generator, *, feather: float = 2.0, quality: int = 80
) -> Picture:
    """Part of another photograph (an oval of a quarter to a half of the width) in this one.

    The donor was a JPEG of `quality` and is scaled and turned on the way; its edge is feathered over
    `feather` pixels (sigma). The caller writes the result as JPEG once more.
    """
    height, width = host.shape[:2]
    piece = np.asarray(Image.open(io.BytesIO(encode(donor, quality=quality))), np.uint8)
    span = width * rng.uniform(0.25, 0.5)
    scale = max(width, height) / min(piece.shape[:2]) * rng.uniform(0.6, 1.1)
    middle = np.array([rng.uniform(0.3, 0.7) * width, rng.uniform(0.35, 0.75) * height])
    turn = cv2.getRotationMatrix2D((piece.shape[1] / 2, piece.shape[0] / 2), float(rng.normal(0, 4)), scale)
    turn[:, 2] += middle - np.array([piece.shape[1] / 2, piece.shape[0] / 2])
    laid = cv2.warpAffine(piece, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    mask = np.zeros((height, width), np.float32)
    axes = (int(span / 2), int(span / 2 * rng.uniform(0.6, 1.3)))
    cv2.ellipse(mask, (int(middle[0]), int(middle[1])), axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), max(feather, 0.1))
    return _quantised(host + cv2.merge([soft] * 3) * (laid.astype(np.float32) - host))


def retouched(picture: Picture, rng: np.random.Generator) -> Picture:
    """Something taken away: an oval of a tenth to a quarter of the width filled in from around it."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    middle = (int(rng.uniform(0.3, 0.7) * width), int(rng.uniform(0.35, 0.75) * height))
    axes = tuple(int(width * rng.uniform(0.05, 0.125)) for _ in range(2))
    cv2.ellipse(mask, middle, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    return np.asarray(cv2.inpaint(picture, mask, 5, cv2.INPAINT_TELEA), np.uint8)


def made_night(picture: Picture, rng: np.random.Generator) -> Picture:
    """A day picture darkened and cooled, with a few lamps lit in it: night by software."""
    light = to_light(picture) ** np.float32(rng.uniform(1.1, 1.4))
    light = light * np.float32(rng.uniform(0.04, 0.12)) * np.array([0.75, 0.9, 1.25], np.float32)
    height, width = light.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(int(rng.integers(2, 6))):
        across, down = rng.uniform(0, width), rng.uniform(0.2, 0.7) * height
        away = np.hypot(x - np.float32(across), y - np.float32(down)) / width
        glow = 0.35 * np.exp(-away / 0.03) + 0.08 * np.exp(-away / 0.15)
        light += glow[..., None] * np.array([1.0, 0.75, 0.45], np.float32)
    return to_srgb(np.clip(light, 0, 1))


def made_day(picture: Picture, rng: np.random.Generator) -> Picture:
    """A night picture brightened, its noise smoothed away and its sky made blue: day by software."""
    calm = np.asarray(cv2.bilateralFilter(picture, 7, 30, 5), np.uint8)
    light = to_light(calm)
    bright = max(float(np.quantile(light, 0.97)), 1e-3)
    light = np.clip(light / np.float32(bright), 0, 1) ** np.float32(rng.uniform(0.4, 0.6))
    height = light.shape[0]
    sky = np.clip(1 - np.arange(height, dtype=np.float32) / (0.45 * height), 0, 1)[:, None, None]
    light = light + np.float32(0.5) * sky * (np.array([0.45, 0.65, 0.95], np.float32) - light)
    return to_srgb(np.clip(light, 0, 1))


def ai_like(picture: Picture, rng: np.random.Generator, *, factor: int = 4) -> Picture:
    """What a generator's decoder leaves, without a generator: a photograph through a latent bottleneck.

    It is shrunk by `factor` (2, 4 or 8), enlarged by strided transposed convolutions whose uneven overlap
    leaves a checkerboard (Odena et al., Distill 2016), given made-up detail with their spectrum, and
    blended with inpainted patches. The marks are those detectors look for; the content is a photograph's.
    """
    height, width = (side // factor * factor for side in picture.shape[:2])
    whole = picture[:height, :width].astype(np.float32)
    latent = np.asarray(
        cv2.resize(whole, (width // factor, height // factor), interpolation=cv2.INTER_AREA), np.float32
    )
    latent += rng.normal(0, 1.5, latent.shape).astype(np.float32)
    for _ in range(int(np.log2(factor))):
        latent = _upconvolved(latent, rng)
    edges = np.abs(latent - cv2.GaussianBlur(latent, (0, 0), 2)).mean(axis=2, keepdims=True)
    grid = np.repeat(np.repeat(rng.standard_normal((height // 2, width // 2, 1)), 2, 0), 2, 1)
    latent = latent + (0.35 * edges * grid).astype(np.float32)
    made = _quantised(cv2.resize(latent, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_CUBIC))
    for _ in range(int(rng.integers(0, 3))):
        made = retouched(made, rng)
    return made


def fingerprint(pictures: list[Picture]) -> Floats:
    """A camera's pattern as a thief estimates it from public pictures of one size, float32 [h, w].

    About 0: the maximum-likelihood estimate from noise residuals, with a Gaussian for the denoiser
    (Chen, Fridrich, Goljan & Lukas, IEEE TIFS 3(1), 2008).
    """
    above, below = (
        np.zeros(pictures[0].shape[:2], np.float32),
        np.full(pictures[0].shape[:2], 1e-3, np.float32),
    )
    for picture in pictures:
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
        above += (grey - cv2.GaussianBlur(grey, (0, 0), 1.0)) * grey
        below += grey * grey
    return np.asarray(above / below, np.float32)


def with_fingerprint(picture: Picture, stolen: Floats, *, strength: float = 1.0) -> Picture:
    """A picture that claims another camera: its pixels times 1 + the stolen pattern."""
    return _quantised(picture * (1 + np.float32(strength) * stolen[..., None]))


def true_pattern(phone: Phone, size: tuple[int, int]) -> Floats:
    """The phone's own pattern about 0, to judge estimates by, float32 [h, w]."""
    return pattern(phone, size) - 1


@dataclass(frozen=True, slots=True)
class _Source:
    """A picture as a virtual camera sees it that gives frames of one size; it stands at a distance of 1.

    Attributes:
        picture: float32 [h, w, 3], as soft as the frames need it. scale: its pixels a frame's pixel.
    """

    picture: Floats
    scale: float

    @classmethod
    def of(cls, picture: Picture, size: tuple[int, int], margin: float) -> _Source:
        scale = min(picture.shape[1] / size[0], picture.shape[0] / size[1]) / margin
        source = picture.astype(np.float32)
        if scale > 1.3:
            source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.4 * scale), np.float32)
        return cls(source, scale)

    def turned(self, view: View) -> Floats:
        """One frame: a homography of the picture."""
        height, width = self.picture.shape[:2]
        focal, shift = view.focal * self.scale, view.shift.astype(np.float32)
        at = view.flat_rays(focal)
        at *= 1 - shift[2]
        at += shift[:2] * np.float32(focal) + np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
        return sample(self.picture, at)


def _noisy(seen: Floats, phone: Phone, care: float, rng: np.random.Generator) -> Picture:
    """The frame with as much of a camera's noise as the care is worth."""
    if care >= 2 / 3:
        return expose(to_light(_quantised(seen)), rng, replace(phone, contrast=0.0, sharpen=0.2))
    if care >= 1 / 3:
        seen = seen + np.float32(1.6) * normal(seen.shape, rng)
    return _quantised(seen)


def _changed(
    done: Floats, before: Floats, sheet: Sheet, pixels: NDArray[np.float64], *, shadow: bool
) -> Floats:
    """Where the paste goes, float32 [h, w] 0..1: all that changed, or without its shadow the sheet alone."""
    if shadow:
        planes = cv2.split(cv2.absdiff(done, before))
        touched = (np.maximum.reduce(planes) > 0.002).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(touched, (0, 0), 1.0), np.float32)
    mask = np.zeros(before.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.round(pixels * 16).astype(np.int32), 1.0, cv2.LINE_AA, 4)
    if sheet.skin.any():
        darker = (done.sum(axis=2) < before.sum(axis=2) * 0.7).astype(np.float32)
        brighter = (done.sum(axis=2) > before.sum(axis=2) * 1.1).astype(np.float32)
        mask = np.maximum(mask, np.maximum(darker, brighter))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.7), np.float32)


def _grain(picture: Picture) -> float:
    """Standard deviation of the finest noise, grey levels (median of a Laplacian: Immerkaer, 1996)."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.median(np.abs(cv2.filter2D(grey, -1, kernel))) / 0.6745 / 6)


def _upconvolved(picture: Floats, rng: np.random.Generator) -> Floats:
    """A transposed convolution of stride 2 with a 3 x 3 kernel: its overlap differs from pixel to pixel."""
    height, width = picture.shape[:2]
    spread = np.zeros((2 * height, 2 * width, picture.shape[2]), np.float32)
    spread[::2, ::2] = picture
    side = np.array([0.5, 1.0, 0.5]) * (1 + rng.normal(0, 0.012, 3))
    return np.asarray(
        cv2.filter2D(spread, -1, np.outer(side, side), borderType=cv2.BORDER_REFLECT_101), np.float32
    )


def _quantised(picture: NDArray[np.floating] | cv2.typing.MatLike) -> Picture:
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)
