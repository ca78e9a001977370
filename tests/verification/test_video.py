"""Videos in one file, judged whole: as honest ones, as copies of earlier ones, and as what is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from market.simulator.camera import render
from market.simulator.motion import hold, motion_csv
from tests.assets import build
from tests.verification import reels
from tests.verification.eyes import paper, put, sample
from verification.context import load
from verification.evidence import Json, Report
from verification.picture import Pixels
from verification.standalone import Standalone

SIZE = (640, 480)


@pytest.fixture(scope="module")
def standalone() -> Iterator[Standalone]:
    with Standalone(device="cpu", copies=True) as running:
        yield running


@lru_cache(maxsize=4)
def take(name: str = "coffee", seed: int = 5) -> tuple[Pixels, ...]:
    return tuple(reels.wander(name, seconds=6.0, seed=seed, size=SIZE))


def judged(standalone: Standalone, folder: Path, files: dict[str, bytes], **said: Json) -> Report:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    value = {"kind": "video", "file": "clip", "memory": [{"path": n} for n in files if n != "clip"], **said}
    (folder / "context.json").write_text(json.dumps(value))
    return standalone.examine(load(folder / "context.json"))


def reasons(report: Report) -> dict[str, str]:
    return {finding.check: finding.reason for finding in report.findings}


COPIES = {
    "trimmed": lambda f: reels.film(f[17:70], bits=700_000),
    "small, as WebM": lambda f: reels.film(
        [cv2.resize(x, (320, 240), interpolation=cv2.INTER_AREA) for x in f], codec="vp8", bits=400_000
    ),
    "mirrored": lambda f: reels.film([np.ascontiguousarray(x[:, ::-1]) for x in f]),
    "cut in": lambda f: reels.film([cv2.resize(x[24:-24, 32:-32], SIZE) for x in f]),
    "half the frames": lambda f: reels.film(f[::2], fps=reels.FPS / 2),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_an_earlier_video_is_found(standalone: Standalone, tmp_path: Path, name: str) -> None:
    other = reels.film(take("chelsea", 2))
    files = {"other": other, "earlier": reels.film(take()), "clip": COPIES[name](list(take()))}
    report = judged(standalone, tmp_path, files)
    assert reasons(report)["duplicate"] == "copy_of_earlier"
    assert [neighbour.capture for neighbour in report.neighbours] == ["memory/2"]


def test_a_photo_out_of_a_video_and_a_video_of_a_photo(standalone: Standalone, tmp_path: Path) -> None:
    still = cv2.imencode(".jpg", take()[44][..., ::-1])[1].tobytes()
    film = reels.film(take())
    report = judged(standalone, tmp_path, {"p": still, "clip": film})
    assert reasons(report)["duplicate"] == "maybe_same_exposure"
    report = judged(standalone, tmp_path, {"v": film, "clip": still}, kind="photo")
    assert reasons(report)["duplicate"] == "maybe_same_exposure"


def test_another_video_is_no_copy(standalone: Standalone, tmp_path: Path) -> None:
    files = {"earlier": reels.film(take()), "clip": reels.film(take("chelsea", 2))}
    report = judged(standalone, tmp_path, files)
    assert reasons(report)["duplicate"] == "no_copy_found"
    assert report.neighbours == ()


def test_the_same_file_again(standalone: Standalone, tmp_path: Path) -> None:
    film = reels.film(take())
    assert reasons(judged(standalone, tmp_path, {"earlier": film, "clip": film}))["duplicate"] == "same_bytes"


def test_every_check_of_bursts_sees_its_frames(standalone: Standalone, tmp_path: Path) -> None:
    """A simulated phone held before a scene: gyroscope and frames of the film agree."""
    shot = render(sample("coffee"), code=None, seed=3, size=SIZE, frames=45, fps=15.0, motion=hold)
    film = reels.film(shot.frames, bits=3_000_000)
    report = judged(standalone, tmp_path, {"clip": film}, motion=motion_csv(shot.motion, "native"))
    found = reasons(report)
    assert (found["decode"], found["burst"], found["cuts"]) == ("decoded", "no_frames", "one_take")
    assert found["motion"] in {"motion_agrees", "too_still"}
    assert found["derivative"] == "derivative_made"
    (copy,) = report.derivatives
    assert copy.media_type == "video/mp4"


def test_a_code_seen_in_a_part_of_the_video_is_found(standalone: Standalone, tmp_path: Path) -> None:
    plain = cv2.resize(sample("coffee"), (960, 640))
    shown = cv2.resize(put(sample("coffee"), paper("K7M4XP")), (960, 640))
    noise = np.random.default_rng(0)
    frames = [
        np.clip((shown if k < 18 else plain) + noise.normal(0, 2, (640, 960, 1)), 0, 255).astype(np.uint8)
        for k in range(75)
    ]
    film = reels.film(frames, bits=4_000_000)
    asked: Json = {"challenge": {"type": "qr", "expected": "K7M4XP"}}
    assert reasons(judged(standalone, tmp_path, {"clip": film}, claim=asked))["challenge"] == "code_seen"
    other: Json = {"challenge": {"type": "qr", "expected": "9WRTNH"}}
    assert reasons(judged(standalone, tmp_path, {"clip": film}, claim=other))["challenge"] == "code_unclear"


def test_the_first_second_of_the_motion_is_the_films(standalone: Standalone, tmp_path: Path) -> None:
    """A motion file on a clock of its own (seconds since the phone was started) begins with the film."""
    shot = render(sample("coffee"), code=None, seed=3, size=SIZE, frames=45, fps=15.0, motion=hold)
    film = reels.film(shot.frames, bits=3_000_000)
    rows = motion_csv(shot.motion, "native").splitlines()
    late = [rows[0], *(f"{float(r.split(',')[0]) + 7000:.4f},{r.split(',', 1)[1]}" for r in rows[1:])]
    first = judged(standalone, tmp_path, {"clip": film}, motion="\n".join(rows))
    moved = judged(standalone, tmp_path, {"clip": film}, motion="\n".join(late))
    assert reasons(first)["motion"] == reasons(moved)["motion"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"text", "unknown_format"),
        (build.make("honest.jpg"), "unknown_format"),
        (reels.honest()[:9_000], "truncated"),
    ],
)
def test_what_is_no_video_is_rejected(
    standalone: Standalone, tmp_path: Path, data: bytes, reason: str
) -> None:
    report = judged(standalone, tmp_path, {"clip": data})
    assert (report.verdict.value, reason in report.reasons) == ("reject", True)
    assert report.derivatives == ()


def test_a_video_handed_in_as_a_photo_is_refused(standalone: Standalone, tmp_path: Path) -> None:
    report = judged(standalone, tmp_path, {"clip": reels.honest()}, kind="photo")
    assert report.reasons == ("unknown_format",)


def test_nothing_but_the_session_is_missing(standalone: Standalone, tmp_path: Path) -> None:
    report = judged(standalone, tmp_path, {"clip": reels.honest()})
    assert report.verdict.value == "review"
    assert "missing_session" in report.reasons
    assert "missing_integrity" not in report.reasons
    assert all(finding.status.value != "error" for finding in report.findings)


def test_a_film_of_one_colour_raises_nothing(standalone: Standalone, tmp_path: Path) -> None:
    grey = np.asarray(Image.new("RGB", (320, 240), (90, 90, 90)), np.uint8)
    report = judged(standalone, tmp_path, {"clip": reels.film([grey] * 40)})
    assert all(finding.status.value != "error" for finding in report.findings)
