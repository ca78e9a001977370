"""The real nets, opened once for all tests, and pictures with writing to show them."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFont

from verification.engine import Engine
from verification.picture import Picture, Pixels
from verification.reading import Reader


@lru_cache(maxsize=1)
def engine() -> Engine:
    return Engine("cpu")


@lru_cache(maxsize=1)
def reader() -> Reader:
    return Reader(engine())


def sample(name: str) -> Pixels:
    """A photograph that ships in scikit-image."""
    return np.asarray(getattr(skimage.data, name)(), np.uint8)


def picture(rgb: Pixels) -> Picture:
    return Picture("JPEG", rgb.shape[1], rgb.shape[0], np.ascontiguousarray(rgb), {}, 0)


def paper(text: str, size: int = 90) -> Pixels:
    """A white sheet with `text` on it in PIL's own (DejaVu-like) typeface."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    sheet = Image.new("RGB", (right - left + 2 * size, bottom - top + 2 * size), (238, 236, 230))
    ImageDraw.Draw(sheet).text((size - left, size - top), text, font=font, fill=(25, 28, 60))
    return np.asarray(sheet, np.uint8)


def put(scene: Pixels, sheet: Pixels, *, width: float = 0.4, tilt: float = 6.0) -> Pixels:
    """The sheet in the middle of the scene at 1280 pixels, leaning back and turned by `tilt` degrees."""
    scale = 1280 / max(scene.shape[:2])
    onto = cv2.resize(scene, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    wide = onto.shape[1] * width
    tall = wide * sheet.shape[0] / sheet.shape[1]
    corners = np.array([[-0.96, -1], [0.96, -1], [1, 1], [-1, 1]]) * [wide / 2, tall / 2]
    cosine, sine = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    corners = corners @ np.array([[cosine, sine], [-sine, cosine]]) + [onto.shape[1] / 2, onto.shape[0] / 2]
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [sheet.shape[1], sheet.shape[0]]
    matrix = cv2.getPerspectiveTransform(flat.astype(np.float32), corners.astype(np.float32))
    size = (onto.shape[1], onto.shape[0])
    shown = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.ones(sheet.shape[:2], np.float32), matrix, size)[..., None]
    mixed = onto * (1 - cover) + shown * cover
    return np.asarray(cv2.GaussianBlur(mixed, (0, 0), 0.7), np.float32).clip(0, 255).astype(np.uint8)
