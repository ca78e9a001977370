"""Recapture: the pixel grid of a screen shows, honest detail and JPEG's own grid do not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.assets.build import encoded, make, scene
from tests.verification import screens, stage
from tests.verification.eyes import sample
from verification.case import Case
from verification.checks.recapture import recapture
from verification.evidence import Outcome, Status
from verification.forensics import spectrum
from verification.picture import Decoder

PHOTOS = ("astronaut", "coffee", "chelsea")


def judged(decoder: Decoder, media: bytes) -> Outcome:
    return recapture(Case(stage.photo(media), stage.tools(decoder)))


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("pitch", [1.7, 3.2])
def test_a_sharp_screen_is_seen(decoder: Decoder, name: str, pitch: float) -> None:
    seen = screens.of_screen(sample(name), np.random.default_rng(3), pitch, 0.3, 512)
    outcome = judged(decoder, screens.jpeg(seen))
    assert outcome.reason == "screen_grid", outcome
    assert outcome.llr < -1.5


@pytest.mark.parametrize("name", PHOTOS)
def test_the_same_camera_on_the_thing_itself(decoder: Decoder, name: str) -> None:
    seen = screens.of_scene(sample(name), np.random.default_rng(3), 0.5, 512)
    outcome = judged(decoder, screens.jpeg(seen, 80))
    assert (outcome.status, outcome.reason) == (Status.OK, "no_screen_grid"), outcome


def test_jpegs_own_grid_is_no_screen(decoder: Decoder) -> None:
    outcome = judged(decoder, encoded(Image.fromarray(sample("coffee")), quality=25))
    assert outcome.reason == "no_screen_grid", outcome


def test_a_fence_peaks_one_way_only(decoder: Decoder) -> None:
    """The same stripes crossed count for more: a screen's grid is square."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    noise = rng.normal(110, 3, (512, 512)).astype(np.float32)
    along, across = (np.sin(2 * np.pi * t / 5.3) for t in (x * 0.9 + y * 0.3, y * 0.9 - x * 0.3))
    fence = spectrum.peaks((noise + 1.4 * along).astype(np.float32))
    grid = spectrum.peaks((noise + along + across).astype(np.float32))
    assert fence is not None
    assert grid is not None
    assert grid > fence + 0.4
    rgb = np.clip(noise + 0.7 * along, 0, 255).astype(np.uint8)
    outcome = judged(decoder, encoded(Image.fromarray(np.dstack([rgb] * 3)), "PNG"))
    assert outcome.reason in {"periodic_detail", "screen_grid"}
    assert outcome.status is Status.OK, "a texture is never proof"


def test_some_periodic_detail_is_doubted_a_little(decoder: Decoder) -> None:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    wave = np.sin(2 * np.pi * (x * 0.9 + y * 0.3) / 5.3)
    reasons = {}
    for strength in (0.0, 0.25, 0.3, 0.35, 0.4, 0.5, 3.0):
        plane = np.clip(rng.normal(110, 3, x.shape) + strength * wave, 0, 255).astype(np.uint8)
        outcome = judged(decoder, encoded(Image.fromarray(np.dstack([plane] * 3)), "PNG"))
        reasons[strength] = outcome.reason
    assert "periodic_detail" in reasons.values(), reasons
    assert reasons[0.0] == "no_screen_grid"


def test_nothing_to_judge(decoder: Decoder) -> None:
    assert judged(decoder, encoded(scene(200, 160))).reason == "nothing_to_see"
    assert judged(decoder, encoded(Image.new("RGB", (600, 600), (90, 90, 90)))).reason == "nothing_to_see"
    assert judged(decoder, make("text.jpg")).reason == "no_picture"
