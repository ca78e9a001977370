"""The simulated camera: legible code, honest motion, a phone's picture, a clip that Chromium takes."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from rapidocr import RapidOCR
from skimage import data
from sklearn.datasets import load_sample_images

from core.geo import Spot
from market.simulator import camera, motion, scene
from market.simulator.camera import mjpeg, render
from market.simulator.sensor import Exif, expose, to_light
from market.simulator.sheet import jostled, make_sheet
from market.simulator.view import View

ALPHABET = list("ACDEFGHJKLMNPQRTUVWXY34679")
SMALL = (640, 480)
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def photos() -> list[NDArray[np.uint8]]:
    bundled: Any = data  # scikit-image's loaders are untyped
    more = [bundled.coffee(), bundled.chelsea(), bundled.astronaut(), bundled.rocket()]
    return [*load_sample_images().images, *more]


def read(reader: Any, jpeg: bytes) -> list[str]:
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)))[..., ::-1]
    texts = reader(pixels, use_cls=False).txts or ()
    return [text.replace(" ", "").upper() for text in texts]


@pytest.fixture(scope="module")
def reader() -> Any:
    quick = {"Det.limit_type": "max", "Det.limit_side_len": 384}
    one_thread = {"EngineConfig.onnxruntime.intra_op_num_threads": 1}
    return RapidOCR(params={"Global.log_level": "error", **quick, **one_thread})


@pytest.mark.parametrize("batch", range(4))
def test_the_code_is_read_back(photos: list[NDArray[np.uint8]], reader: Any, batch: int) -> None:
    rng = np.random.default_rng(batch)
    missed = []
    for seed in range(10 * batch, 10 * batch + 10):
        code = "".join(rng.choice(ALPHABET, 6))
        shot = render(photos[seed % len(photos)], code=code, seed=seed, size=SMALL, held=seed % 3 > 0)
        if not any(code in text for text in read(reader, shot.jpeg)):
            missed.append((seed, code))
    assert missed == []  # 40 of 40 over the batches; at 1280x960 it was 60 of 60


def test_without_a_code_there_is_no_sheet(photos: list[NDArray[np.uint8]], reader: Any) -> None:
    for photo in photos[:3]:
        shot = render(photo, code=None, seed=3, size=SMALL)
        assert shot.sheet is None
        assert not [text for text in read(reader, shot.jpeg) if len(text) > 3]


def test_same_arguments_same_bytes(photos: list[NDArray[np.uint8]]) -> None:
    one, two, other = (
        render(photos[0], code="K7P3QX", seed=seed, size=(160, 120), frames=2) for seed in (5, 5, 6)
    )
    assert one.jpeg == two.jpeg
    assert (one.frames[1] == two.frames[1]).all()
    assert (one.gyro == two.gyro).all()
    assert one.jpeg != other.jpeg
    assert one.simulated


def turned(before: NDArray[np.uint8], after: NDArray[np.uint8], focal: float) -> list[float]:
    """What the upper, far half says of the camera's rotation between two frames: radians about x, y, z."""
    grey, later = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after))
    corners = cv2.goodFeaturesToTrack(grey[: len(grey) // 2], 200, 0.01, 5)
    assert corners is not None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(grey, later, corners, np.zeros_like(corners))
    kept = found[:, 0] > 0
    affine, _ = cv2.estimateAffinePartial2D(corners[kept], moved[kept])
    middle = np.array([(grey.shape[1] - 1) / 2, (grey.shape[0] - 1) / 2, 1])
    right, down = (affine @ middle - middle[:2]) / focal
    # Turning right (+y) moves the scene left; turning up (+x) moves it down.
    return [down, -right, -np.arctan2(affine[1, 0], affine[0, 0])]


def test_the_gyro_felt_what_the_frames_show(photos: list[NDArray[np.uint8]]) -> None:
    shot = render(photos[1], code=None, seed=8, size=(320, 240), frames=12)
    per_frame = motion.GYRO_HZ / camera.FPS
    pairs = list(pairwise(shot.frames))
    seen = np.array([turned(*pair, focal=0.8 * 320) for pair in pairs])
    starts = [motion.LEAD_S * motion.GYRO_HZ + k * per_frame for k in range(len(pairs))]
    windows = [shot.gyro[round(start) : round(start + per_frame)] for start in starts]
    felt = np.array([window.sum(axis=0) / motion.GYRO_HZ for window in windows])
    for axis in range(3):
        assert np.corrcoef(felt[:, axis], seen[:, axis])[0, 1] > 0.95


def test_near_ground_moves_more_than_the_far_scene() -> None:
    grain = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    ground = scene.relief(grain, (320, 240), 0.8 * 320, (1.14, 1.14))
    views = [View(np.eye(3), np.array([x, 0, 0]), (320, 240), 0.8 * 320) for x in (0, 0.1)]
    still, stepped = (ground.look(view).mean(axis=2) for view in views)
    rows = (slice(60), slice(-40, None))
    far, near = (-cv2.phaseCorrelate(still[part], stepped[part])[0][0] for part in rows)
    assert near > far + 3
    assert abs(far) < 1.5


def test_the_sensor_keeps_colours_and_adds_noise() -> None:
    flat = np.full((120, 160, 3), (200, 90, 40), np.uint8)
    taken = expose(to_light(flat), np.random.default_rng(1))
    middle = taken[40:80, 60:100].reshape(-1, 3).astype(float)
    assert np.abs(middle.mean(axis=0) - (200, 90, 40)).max() < 16
    assert 0.5 < middle[:, 1].std() < 8


def test_exif_says_when_and_where(photos: list[NDArray[np.uint8]]) -> None:
    at, spot = datetime(2026, 11, 23, 9, 30, 5, tzinfo=UTC), Spot(-35.5, 51.25)
    jpeg = render(photos[0], code=None, seed=1, size=(160, 120), exif=Exif(taken_at=at, spot=spot)).jpeg
    tags = Image.open(io.BytesIO(jpeg)).getexif()
    gps = tags.get_ifd(0x8825)
    assert tags.get_ifd(0x8769)[36867] == "2026:11:23 09:30:05"
    assert (gps[1], tuple(float(part) for part in gps[2])) == ("S", (35.0, 30.0, 0.0))
    assert not Image.open(io.BytesIO(render(photos[0], code=None, seed=1, size=(160, 120)).jpeg)).getexif()


@pytest.mark.parametrize(("size", "frames"), [((63, 64), 1), ((65, 64), 1), ((64, 64), 0)])
def test_sizes_and_counts_out_of_range_are_refused(size: tuple[int, int], frames: int) -> None:
    with pytest.raises(ValueError, match=r"size|frames"):
        render(np.zeros((80, 80, 3), np.uint8), code=None, seed=0, size=size, frames=frames)


def test_characters_nobody_can_write_are_refused() -> None:
    with pytest.raises(ValueError, match="no strokes"):
        render(np.zeros((80, 80, 3), np.uint8), code="A?", seed=0, size=(64, 64))


def test_a_clip_has_chromiums_name(tmp_path: Path) -> None:
    shot = render(np.zeros((80, 80, 3), np.uint8), code=None, seed=0, size=(64, 64))
    with pytest.raises(ValueError, match="mjpeg"):
        mjpeg(shot, tmp_path / "clip.mjpg")


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
def test_chromium_films_the_clip(photos: list[NDArray[np.uint8]], tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    shot = render(photos[0], code="K7P3QX", seed=3, size=SMALL, frames=3)
    clip = tmp_path / "scene.mjpeg"
    mjpeg(shot, clip)
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[*flags, f"--use-file-for-fake-video-capture={clip}", "--no-sandbox"],
        )
        page = browser.new_page()
        page.route(
            "https://phone.test/",
            lambda route: route.fulfill(body="<video muted></video>", content_type="text/html"),
        )
        page.goto("https://phone.test/")
        filmed = page.evaluate(
            """async () => {
                const video = document.querySelector("video");
                const wanted = {video: {width: 640, height: 480}};
                video.srcObject = await navigator.mediaDevices.getUserMedia(wanted);
                await video.play();
                const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
                canvas.getContext("2d").drawImage(video, 0, 0);
                const bytes = await (await canvas.convertToBlob({type: "image/png"})).bytes();
                return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
            }"""
        )
        browser.close()
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(filmed))).convert("RGB")).astype(float)
    assert seen.shape == shot.frames[0].shape
    # Video range and colour matrix cost contrast on the way, so likeness and not equality.
    alike = [np.corrcoef(seen.ravel(), frame.ravel())[0, 1] for frame in shot.frames]
    stranger = render(photos[2], code="K7P3QX", seed=3, size=SMALL).frames[0]
    assert max(alike) > 0.98 > np.corrcoef(seen.ravel(), stranger.ravel())[0, 1]


def test_a_sheet_goes_the_way_it_is_moved() -> None:
    """Held in a hand or lying, beside its trembling."""
    way = np.linspace(0, 1, 8)[:, None] * np.array([0.1, 0, 0])
    for lying in (False, True):
        still = make_sheet("K7M4XP", lying, 900.0, (1280, 960), np.random.default_rng(1))
        moved = jostled(replace(still, way=way), 8, np.random.default_rng(2))
        there = np.array([sheet.corners.mean(axis=0) for sheet in moved]) - still.corners.mean(axis=0)
        assert np.abs(there - way).max() < (1e-9 if lying else 0.015)
