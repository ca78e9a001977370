"""Bystanders are veiled in what a buyer receives, and nothing else is."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.verification import stage
from tests.verification.eyes import engine, sample
from verification import bystanders
from verification.decoding.veil import veiled
from verification.picture import Decoder, Pixels
from verification.pipeline import examine
from verification.tracks import Area


def jpeg(rgb: Pixels, *, turned: bool = False) -> bytes:
    """At quality 95; `turned`: stored on its side, with an EXIF orientation that shows it upright."""
    image, out, exif = Image.fromarray(rgb), io.BytesIO(), Image.Exif()
    if turned:
        image, exif[0x0112] = image.transpose(Image.Transpose.ROTATE_90), 6
    image.save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def shown(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.uint8)


def large(name: str) -> Pixels:
    return np.asarray(Image.fromarray(sample(name)).resize((1024, 1024)), np.uint8)


@pytest.mark.parametrize("turned", [False, True])
def test_no_face_can_be_found_in_what_the_buyer_gets(decoder: Decoder, turned: bool) -> None:
    photo = jpeg(large("astronaut"), turned=turned)
    assert len(engine().faces(shown(decoder.derive(photo).data))) == 1, "the test would prove nothing"
    report = examine(stage.photo(photo), replace(stage.tools(decoder), engine=engine()))
    (copy,) = report.derivatives
    assert len(engine().faces(shown(copy.data))) == 0
    (said,) = (finding for finding in report.findings if finding.check == "derivative")
    assert said.facts["veiled"] == 1
    assert report.models["centerface"] == engine().models["centerface"]


def test_what_lies_beside_is_as_it_was(decoder: Decoder) -> None:
    photo = jpeg(large("astronaut"))
    (area,) = bystanders.areas(shown(photo), engine())
    plain, veiled = (shown(decoder.derive(photo, veil).data).astype(int) for veil in ((), (area,)))
    left, top, right, bottom = (round(edge * 1024) for edge in area)
    differs = np.abs(plain - veiled).max(axis=2) > 12
    assert differs[top:bottom, left:right].mean() > 0.3
    differs[top - 8 : bottom + 8, left - 8 : right + 8] = False
    assert not differs.any()


def test_nothing_of_a_face_is_left_but_five_colours_a_side(decoder: Decoder) -> None:
    """Two faces of the same averages, however unlike, become one."""
    cells = np.random.default_rng(4).uniform(40, 200, (5, 5, 3)).repeat(60, 0).repeat(60, 1)
    fine = np.random.default_rng(5).uniform(-40, 40, (5, 5, 60, 60, 3))
    fine -= fine.mean(axis=(2, 3), keepdims=True)
    detailed = cells + fine.transpose(0, 2, 1, 3, 4).reshape(300, 300, 3)
    seen = [decoder.derive(png(each), [(0.0, 0.0, 1.0, 1.0)]).data for each in (cells, detailed)]
    one, other = (shown(data)[60:240, 60:240].astype(int) for data in seen)
    assert np.abs(one - other).max() <= 6  # rounding, and what JPEG makes of the corners


def png(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb.round().astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "area", [(-0.5, -0.5, 0.1, 0.1), (0.9, 0.9, 1.7, 1.4), (0.5, 0.5, 0.5, 0.5), (2, 2, 3, 3), (-9, -9, 9, 9)]
)
def test_areas_at_the_rim_are_cut_off(decoder: Decoder, area: Area) -> None:
    copy = decoder.derive(jpeg(sample("coffee")), [area])
    assert (copy.width, copy.height) == (600, 400)


def test_half_a_face_at_the_rim_is_veiled_up_to_the_rim() -> None:
    """An ellipse squeezed into what the picture holds of it would narrow towards it, and show a cheek."""
    stripes = np.repeat(np.tile(np.array([0, 255], np.uint8), 100)[None], 200, 0)
    seen = np.asarray(veiled(Image.fromarray(stripes), [(-0.25, 0.25, 0.25, 0.75)], 1))
    assert (seen[55:145, 0] == seen[100, 0]).all()
    assert (seen[:45] == stripes[:45]).all()


def test_one_face_is_one_area() -> None:
    class Twice:
        def faces(self, rgb: Pixels) -> np.ndarray:
            return np.array([[10, 10, 50, 60, 0.9], [10.3, 10, 50, 60, 0.9], [90, 10, 130, 60, 0.5]])

    found = bystanders.areas(np.zeros((100, 200, 3), np.uint8), Twice())  # type: ignore[arg-type]
    assert len(found) == 2
    assert found[0] == pytest.approx((0.0, -0.025, 0.3, 0.725))


def test_pictures_without_people_are_left_alone() -> None:
    for name in ("coffee", "rocket", "chelsea"):
        assert bystanders.areas(sample(name), engine()) == (), name
