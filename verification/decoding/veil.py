"""Making a part of a picture unknowable, inside the sandbox.

A part is filled with what is left of it once it is averaged to CELLS colours a side: mosaics of 16 cells
and blurs of a few pixels are undone by a net that has seen enough of them (McPherson, Shokri & Shmatikov,
Defeating Image Obfuscation with Deep Learning, 2016), 5 x 5 averages of a whole head hold little but skin
and hair, those of a number plate no letter, and they are drawn without edges, so that a picture stays calm to
look at. A head is an ellipse; a plate is veiled to its corners. Of a film one average is left: each frame
would tell other 5 x 5 of one face, and many coarse pictures that are shifted a little make a fine one
(Farsiu, Robinson, Elad & Milanfar, Fast and Robust Multiframe Super Resolution, 2004).
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

CELLS, CELLS_OF_FILMS = 5, 1
_FINE, _SMALL = 4, 512  # a shape is drawn so much finer, for smooth edges, in boxes of that side (pixels)


def veiled(picture: Image.Image, areas: Sequence[Sequence[float]], cells: int = CELLS) -> Image.Image:
    """The same picture, changed in place.

    Args:
        picture: RGB, or one plane of a film's frame.
        areas: shares of the picture's width and height: four are left, top, right and bottom of an ellipse,
            eight the corners of a quadrilateral, x and y in turn. What lies outside the picture is cut off.
        cells: averages a side that are left of an area.
    """
    width, height = picture.size
    for area in areas:
        xs, ys = [x * width for x in area[::2]], [y * height for y in area[1::2]]
        box = (
            max(0, int(min(xs))),
            max(0, int(min(ys))),
            min(width, int(max(xs)) + 1),
            min(height, int(max(ys)) + 1),
        )
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) > 0:
            blank = picture.crop(box).resize((cells, cells), Image.Resampling.BOX)
            picture.paste(blank.resize(size, Image.Resampling.BICUBIC), box, _shape(xs, ys, box))
    return picture


def at(veils: Sequence[Sequence[float]], t: float) -> list[tuple[float, ...]]:
    """The areas that are veiled at `t` seconds.

    Args:
        veils: start and end (seconds, both included), the area at the start, the area at the end; in between
            it goes in a straight line.
    """
    areas = []
    for start, end, *edges in veils:
        if start <= t <= end:
            share = (t - start) / (end - start) if end > start else 0.0
            areas.append(tuple(a + share * (b - a) for a, b in zip(edges[:4], edges[4:], strict=True)))
    return areas


def _shape(xs: Sequence[float], ys: Sequence[float], box: tuple[int, int, int, int]) -> Image.Image:
    """What of a box (pixels) is veiled, 0..255; `xs` and `ys` as in `veiled`, in pixels."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    fine = _FINE if max(wide, tall) <= _SMALL else 1
    drawn = Image.new("L", (wide * fine, tall * fine))
    pen = ImageDraw.Draw(drawn)
    if len(xs) == 2:
        edges = ((xs[0] - left) * fine, (ys[0] - top) * fine, (xs[1] - left) * fine, (ys[1] - top) * fine)
        pen.ellipse(edges, fill=255)  # of the whole area: at a picture's edge it is cut, not made smaller
    else:
        pen.polygon([((x - left) * fine, (y - top) * fine) for x, y in zip(xs, ys, strict=True)], fill=255)
    return drawn.reduce(fine)
