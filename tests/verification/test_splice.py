"""Splice: an earlier compression shows, whole or in parts; enlargement shows; an honest save does not."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.assets.build import encoded, make, scene
from tests.verification import screens, stage
from tests.verification.eyes import sample
from verification.case import Case
from verification.checks.splice import splice
from verification.evidence import Outcome, Status
from verification.forensics.blocks import coefficients
from verification.picture import Decoder, Pixels

PHOTOS = ("astronaut", "coffee", "rocket")


def judged(decoder: Decoder, media: bytes) -> Outcome:
    return splice(Case(stage.photo(media), stage.tools(decoder)))


def taken(name: str, seed: int = 1) -> Pixels:
    """A camera's pixels before any compression: the sample pictures have been JPEGs."""
    return screens.of_scene(sample(name), np.random.default_rng(seed), 0.5, 768)


def reopened(rgb: Pixels, quality: int) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(screens.jpeg(rgb, quality))).convert("RGB"), np.uint8)


def pasted(host: Pixels, donor: Pixels) -> Pixels:
    """A soft-edged ellipse of the donor in the host's middle."""
    height, width = host.shape[:2]
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 4, height // 5), 0, 0, 360, 1, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 1.5)[..., None]
    return np.asarray(host * (1 - soft) + donor[:height, :width] * soft, np.uint8)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("quality", [80, 92])
def test_saved_once(decoder: Decoder, name: str, quality: int) -> None:
    outcome = judged(decoder, screens.jpeg(taken(name), quality))
    assert (outcome.status, outcome.reason, outcome.llr) == (Status.OK, "one_piece", 0.1), outcome


@pytest.mark.parametrize("name", PHOTOS)
def test_saved_twice(decoder: Decoder, name: str) -> None:
    outcome = judged(decoder, screens.jpeg(reopened(taken(name), 70), 92))
    assert outcome.reason in {"compressed_before", "pieces_differ"}, outcome
    assert float(str(outcome.facts["strength"])) > 0.4


def test_mostly_even_double_compression(decoder: Decoder) -> None:
    rng = np.random.default_rng(2)
    even = np.asarray(rng.normal(120, 25, (512, 512)).clip(0, 255), np.uint8)
    rgb = cv2.GaussianBlur(np.dstack([even] * 3), (0, 0), 0.8).astype(np.uint8)
    outcome = judged(decoder, screens.jpeg(reopened(rgb, 75), 95))
    assert outcome.reason == "compressed_before", outcome
    assert -1.2 < outcome.llr < -0.3


@pytest.mark.parametrize("name", PHOTOS)
def test_a_piece_from_elsewhere(decoder: Decoder, name: str) -> None:
    spliced = pasted(reopened(taken(name), 70), taken("chelsea", 2))
    outcome = judged(decoder, screens.jpeg(spliced, 93))
    assert outcome.reason == "pieces_differ", outcome
    assert outcome.llr <= -0.6


def test_enlarged(decoder: Decoder) -> None:
    small = taken("coffee")
    large = cv2.resize(small, None, fx=1.3, fy=1.3, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    outcome = judged(decoder, screens.jpeg(large, 95))
    assert outcome.reason == "resampled", outcome
    assert judged(decoder, screens.jpeg(small, 95)).reason == "one_piece"


def test_nothing_to_read(decoder: Decoder) -> None:
    assert judged(decoder, make("text.jpg")).reason == "no_picture"
    assert judged(decoder, encoded(scene(200, 200))).reason == "too_small"
    assert judged(decoder, encoded(scene(600, 600))).reason == "too_little_detail"
    assert judged(decoder, encoded(Image.fromarray(taken("coffee")), "PNG")).reason == "too_little_detail"


def test_stored_coefficients_come_back(decoder: Decoder) -> None:
    """Saved again with the same table, a JPEG's coefficients stay what they were."""
    first = screens.jpeg(taken("coffee"), 60)
    again = screens.jpeg(np.asarray(Image.open(io.BytesIO(first)).convert("RGB"), np.uint8), 60)
    ours, theirs = coefficients(decoder.grain(first)), coefficients(decoder.grain(again))
    assert (ours == theirs).mean() > 0.995
    with pytest.raises(ValueError, match="JPEG"):
        coefficients(decoder.grain(encoded(scene(), "PNG")))
