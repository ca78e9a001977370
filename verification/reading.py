"""Reading: what stands written in a picture, and the codes (QR and other) in it.

Writing is found by PP-OCRv6's small detector, which the engine runs (`nets.text_finder`), and read by its
small recogniser (Apache-2.0, shipped in the package rapidocr, run by onnxruntime on the processor); codes are
read by zxing-cpp. All run offline. The recogniser's SHA-256 is pinned and checked when a reader is made; it
is loaded at the first picture.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_det import TextDetector
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from core.errors import Unavailable
from verification.picture import Pixels
from verification.weights import checked
from verification.writing import Text

__all__ = ["MODELS", "Reader", "Text"]

Floats = npt.NDArray[np.float32]

MOST = 40  # pieces of writing read in one pass, the tallest: each costs some 25 ms
DETECT_SIDES = (
    608,
    960,
)  # long sides text is looked for at: large writing is lost at the larger one, small at
# the smaller (36 of 36 rendered codes found at 608, 33 at 960). It is then read at full size.
_BOXES = DBPostProcess(thresh=0.3, box_thresh=0.5, unclip_ratio=1.6, use_dilation=True)  # as PP-OCR sets it
MODELS: Mapping[str, str] = {
    "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}


class Finder(Protocol):
    """What finds writing: `verification.engine.Engine`."""

    def writing(self, rgb: Pixels, side: int) -> Floats:
        """Where writing is in uint8[h, w, 3]: probability float32[h', w'], at about that long side."""


class Reader:
    """Reads pictures. Safe between threads (they take turns).

    Args:
        finder: says where writing is.
        threads: of onnxruntime; see `Engine` for why one is the default.
        folder: where the weights are; default: in the package rapidocr.

    Raises:
        Unavailable: the weights are missing or are not the pinned ones.
    """

    models: Mapping[str, str] = MODELS

    def __init__(self, finder: Finder, threads: int = 1, *, folder: Path | None = None) -> None:
        self._finder = finder
        self._threads = threads
        self._folder = check_weights(folder)
        self._ocr: list[RapidOCR] = []  # none or one
        self._lock = threading.Lock()
        self._picture: Pixels | None = None
        self._passes: list[list[Text]] = []  # over that picture: the codes, then a size each

    def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
        """What stands written in uint8[h, w, 3], and the codes in it.

        Several checks ask about one picture: what was read of the last array is kept.

        Args:
            quick: only codes and large writing; half the time.
        """
        with self._lock:
            if self._picture is not rgb:
                self._picture, self._passes = rgb, [_codes(rgb)]
            wanted = 1 if quick else len(DETECT_SIDES)
            for side in DETECT_SIDES[len(self._passes) - 1 : wanted]:
                known = [text for texts in self._passes for text in texts]
                self._passes.append(self._found(rgb, side, known))
            return [text for texts in self._passes for text in texts]

    def skim(self, rgb: Pixels, most: int) -> list[Text]:
        """What stands written in uint8[h, w, 3], sought at the finer size alone, and of it the `most` tallest
        pieces; no codes. Nothing is kept."""
        with self._lock:
            return self._found(rgb, DETECT_SIDES[-1], [], most)

    def _found(self, rgb: Pixels, side: int, known: list[Text], most: int = MOST) -> list[Text]:
        """What is found at this long side, but for what is known."""
        if not self._ocr:
            self._ocr.append(_load(self._threads, self._folder))
        return _texts(self._ocr[0], rgb, _lines(self._finder.writing(rgb, side), rgb.shape), known, most)


def _lines(probability: Floats, shape: tuple[int, ...]) -> Floats:
    """The corners of each piece of writing, float32[n, 4, 2], as pixels of a picture of that shape."""
    boxes, _ = _BOXES(probability[None, None], (shape[0], shape[1]))
    return np.asarray(TextDetector.sorted_boxes(boxes), np.float32).reshape(-1, 4, 2)


def _texts(ocr: RapidOCR, rgb: Pixels, boxes: Floats, known: list[Text], most: int) -> list[Text]:
    """What stands in these boxes, float32[n, 4, 2], at full size, but for what is known already."""
    new = np.array([box for box in boxes if not _covered(box, known)], np.float32)
    if not len(new):
        return []
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    tall = np.linalg.norm(new[:, 3] - new[:, 0], axis=1)
    new = new[np.sort(np.argsort(-tall, kind="stable")[:most])]
    read = ocr.recognize_txt(ocr.crop_text_regions(bgr, new))
    rows = zip(read.txts or (), read.scores or (), new, strict=True)
    return [
        Text(text, float(score), box) for text, score, box in rows if text.strip() and score >= ocr.text_score
    ]


def _covered(box: Floats, others: list[Text]) -> bool:
    """Whether the middle of a box lies in a text that was read already."""
    x, y = (float(value) for value in box.mean(axis=0))
    return any(cv2.pointPolygonTest(other.box, (x, y), False) >= 0 for other in others)


def _codes(rgb: Pixels) -> list[Text]:
    texts = []
    for code in zxingcpp.read_barcodes(np.ascontiguousarray(rgb)):
        at = code.position
        corners = [at.top_left, at.top_right, at.bottom_right, at.bottom_left]
        box = np.array([[corner.x, corner.y] for corner in corners], dtype=np.float32)
        texts.append(Text(code.text, 1.0, box, "code"))
    return texts


def packaged() -> Path:
    """The folder of weights inside the package rapidocr.

    Raises:
        Unavailable: the package is missing.
    """
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise Unavailable("the package rapidocr is missing", hint="Run make setup.")
    return Path(spec.origin).parent / "models"


def check_weights(folder: Path | None = None) -> Path:
    """The folder of weights (default: the packaged one), when the pinned ones are in it; no net is made.

    Raises:
        Unavailable: one is missing or is not the pinned one.
    """
    found = folder or packaged()
    hint = "Run make setup, which installs the pinned rapidocr; another version needs new measurements."
    for name, expected in MODELS.items():
        checked(found / name, expected, hint)
    return found


def _load(threads: int, folder: Path) -> RapidOCR:
    """PP-OCR's recogniser, loaded when it is first asked."""
    [recognition] = (str(folder / name) for name in MODELS)
    return RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            # With it reading takes a fifth less time and 215 MB more, and a worker over 1 GiB.
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
            "Global.log_level": "error",
            "Global.use_cls": False,  # pictures are upright by EXIF; text on its head is not read
            "Rec.model_path": recognition,
        }
    )
