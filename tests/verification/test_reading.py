"""The reader on rendered writing: offline, pinned, once for each picture."""

from __future__ import annotations

import cv2
import numpy as np
import zxingcpp

from tests.verification.eyes import paper, put, reader, sample
from verification.picture import Pixels
from verification.reading import Text
from verification.writing import joined


def qr(text: str) -> Pixels:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    grey = np.asarray(code.to_image(scale=8), np.uint8)
    return np.repeat(np.pad(grey, 40, constant_values=255)[..., None], 3, axis=2)


def test_writing_is_read_where_it_stands() -> None:
    found = reader().read(put(sample("coffee"), paper("K7M4XP")))
    (text,) = [text for text in found if text.text.replace(" ", "") == "K7M4XP"]
    assert text.kind == "text"
    assert text.confidence > 0.8
    assert text.box.dtype == np.float32
    middle = text.box.mean(axis=0)
    assert abs(middle[0] - 640) < 60
    assert abs(middle[1] - 427) < 60


def test_a_code_is_read() -> None:
    found = reader().read(put(sample("chelsea"), qr("K7M4XP"), width=0.3))
    assert [text.text for text in found if text.kind == "code"] == ["K7M4XP"]


def test_of_a_wall_of_small_print_the_largest_is_read() -> None:
    """Each piece costs time: a picture full of them must not hold a worker up."""
    wall = np.full((1000, 1400, 3), 235, np.uint8)
    for k in range(80):
        at = (20 + k % 8 * 170, 40 + k // 8 * 60)
        cv2.putText(wall, f"WORD {k}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
    cv2.putText(wall, "K7M4XP", (300, 850), cv2.FONT_HERSHEY_SIMPLEX, 4, (20, 20, 20), 9)
    found = reader().read(wall, quick=True)
    assert 10 < len(found) <= 40
    assert "K7M4XP" in {text.text for text in found}


def test_nothing_is_read_off_a_blank_wall() -> None:
    assert reader().read(np.full((600, 800, 3), 128, np.uint8)) == []


def test_the_same_picture_is_read_once() -> None:
    rgb = put(sample("coffee"), paper("EXIT"))
    first = reader().read(rgb)
    again = reader().read(rgb)
    assert [id(text) for text in first] == [id(text) for text in again]
    again.clear()
    assert reader().read(rgb), "the caller's list is its own"


def piece(text: str, x: float, y: float, width: float = 60, height: float = 40) -> Text:
    box = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    return Text(text, 0.9, box)


def test_torn_writing_joins_along_its_line_and_no_other() -> None:
    torn = [piece("TE", 100, 100), piece("FR", 190, 108), piece("PT", 270, 116), piece("WALL", 100, 400)]
    assert [text.text for text in joined(torn)] == ["TEFR", "TEFRPT", "FRPT"]
    whole = joined(torn)[1]
    assert whole.box[0].tolist() == [100, 100]
    assert whole.box[2].tolist() == [330, 156]


def test_pieces_far_apart_or_of_another_size_do_not_join() -> None:
    assert joined([piece("TE", 100, 100), piece("FR", 400, 100)]) == []
    assert joined([piece("TE", 100, 100), piece("FR", 170, 60, 400, 130)]) == []
    assert joined([]) == []
