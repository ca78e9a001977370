"""Number plates are veiled in what a buyer receives; what was asked for, and what is no plate, is not."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bench import plates_drawn
from core.errors import Unavailable
from tests.fakes.seeing import MuteReader
from tests.verification import stage
from tests.verification.eyes import engine, paper, put, reader, sample
from tests.verification.test_bystanders import jpeg, shown
from verification import plates
from verification.codes import clean
from verification.evidence import Evidence, Json, Verdict
from verification.picture import Decoder, Pixels
from verification.pipeline import examine
from verification.registrations import registration
from verification.writing import Text

PLATES = (
    *("B-MA 1234", "HR GF 144", "AB12 CDE", "AB-123-CD", "1234 BCD", "12-ABC-3", "A-999-AA", "WA 12345"),
    *("ABC 1234", "7ABC123", "ABC1D23", "MH 12 AB 1234", "A123BC 77", "AA 1234 BB", "1A2 3456", "ZH 123456"),
    *("ABC 12D", "1-ABC-234", "34 ABC 123", "AB 123 CD", "12-AB-34", "CA 123-456", "WH-587884", "12-345-67"),
    *("\u4eacA\u00b712345", "\u304512-34", "\u0410123\u0412\u0421 77", "29-A1 123.45"),
)
MISREAD = ("O70 AB12", "AB1Z CDE", "8-MA 1234", "A8 123CD", "7A8C123", "1603PE")
OTHERS = (
    *(
        "",
        "12",
        "OPEN",
        "BAKERY",
        "CLOSED MONDAY",
        "3.90 \u20ac",
        "$12.99",
        "EUR 123",
        "1234 kWh",
        "1234 KWH",
    ),
    *("12.5 L", "500 ML", "1500 W", "9AM-5PM", "MON-FRI 9-18", "08:00-17:30", "24 HRS", "12A", "221B", "N42"),
    *("M29 Hermannplatz", "BUS 100", "LINE 12", "ROOM 204", "Gate B12", "ICE 579", "LH 123", "E 45", "A 12"),
    *(
        "12 NOV 2026",
        "2 FOR 10",
        "10 TO 18",
        "SAT 10AM",
        "BUS 12A",
        "CR2 6XH",
        "DN55 1PT",
        "1017 AB",
        "EXPO 2026",
    ),
    *("ISO 9001", "EN 60529", "COVID19", "H2O", "4X100", "10 X 150", "JAN 2026", "12.03.2026", "555-1234"),
    *(
        "+49 171 23456",
        "00123456",
        "LOT UQ2593",
        "iPhone15",
        "CNK8181G2C",
        "T6667B103",
        "24...230V 8",
        "98,5%",
    ),
)


@pytest.mark.parametrize("text", [*PLATES, *MISREAD])
def test_a_registration_may_be_one(text: str) -> None:
    assert registration(text)


@pytest.mark.parametrize("text", OTHERS)
def test_prices_hours_lines_and_sizes_are_none(text: str) -> None:
    assert not registration(text, sure=True)


@pytest.mark.parametrize("text", ["ABSIDE", "180012", "033CH", "BOOKS 12", "SOLD OUT"])
def test_not_every_word_or_number_is_a_misread_one(text: str) -> None:
    assert not registration(text)


def piece(text: str, x: float, y: float, width: float = 160, height: float = 36) -> Text:
    box = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)
    return Text(text, 0.95, box)


def found(*pieces: Text) -> list[str]:
    return [text.text for text in plates.plates(pieces)]


def test_a_plate_in_two_rows_or_torn_is_found() -> None:
    assert found(piece("MH 12 A", 100, 100, 90), piece("4567", 102, 138, 88)) == ["MH 12 A 4567"]
    assert found(piece("34 AB", 100, 100, 80), piece("123", 190, 101, 60)) == ["34 AB123"]


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        ((100, 100, 90, 36), (100, 300, 88, 36)),  # far below
        ((100, 100, 90, 36), (400, 138, 88, 36)),  # beside
        ((100, 100, 90, 36), (100, 108, 88, 36)),  # one on the other
        ((100, 100, 90, 36), (100, 148, 88, 90)),  # of another size
        ((100, 100, 290, 36), (100, 138, 288, 36)),  # lines of text
    ],
)
def test_other_rows_are_no_plate(upper: tuple[float, ...], lower: tuple[float, ...]) -> None:
    assert found(piece("MH 12 A", *upper), piece("4567", *lower)) == []


def test_a_line_of_a_column_is_no_plate() -> None:
    board = [piece(text, 100, 100 + 50 * row) for row, text in enumerate(("EY 3490", "LH 1234", "BA 5226"))]
    assert found(*board) == []
    assert found(*board[:2]) == ["EY 3490", "LH 1234"], "two are no column: the test would prove nothing"
    apart = [piece(one.text, 100, 100 + 300 * row) for row, one in enumerate(board)]
    assert len(found(*apart)) == 3


@pytest.mark.parametrize(("height", "confidence", "told"), [(40, 0.99, 0), (40, 0.8, 1), (20, 0.99, 1)])
def test_only_small_or_doubtful_writing_is_taken_for_another(
    height: float, confidence: float, told: int
) -> None:
    """A serial number in clear print stands as it was read."""
    text = replace(piece("A8 I2S 4567", 100, 100, 200, height), confidence=confidence)
    assert len(found(text)) == told


def parked(width: float, seed: int = 3) -> tuple[bytes, str, Pixels]:
    """A photograph with a French plate; what stands on it."""
    rgb, said, _ = plates_drawn.parked(
        sample("coffee"), plates_drawn.LEARNT[3], width, random.Random(seed), (0.5, 0.85)
    )
    return jpeg(rgb), said, rgb


def copied(evidence: Evidence, decoder: Decoder) -> tuple[Pixels, dict[str, Json]]:
    """The buyer's copy, by the real pipeline, and what is said of it."""
    tools = replace(stage.tools(decoder), engine=engine(), reader=reader())
    report = examine(evidence, tools)
    (copy,) = report.derivatives
    (said,) = (finding for finding in report.findings if finding.check == "derivative")
    return shown(copy.data), dict(said.facts)


def reads(rgb: Pixels) -> str:
    return clean("".join(text.text for text in reader().read(rgb)))


@pytest.mark.parametrize("width", [80, 200])
def test_a_plate_cannot_be_read_in_what_the_buyer_gets(decoder: Decoder, width: int) -> None:
    photo, said, rgb = parked(width)
    assert clean(said) in reads(rgb), "the test would prove nothing"
    copy, facts = copied(stage.photo(photo), decoder)
    assert facts["plates"] == 1
    left = reads(copy)
    assert not any(clean(said)[at : at + 3] in left for at in range(len(clean(said)) - 2))
    plain = shown(decoder.derive(photo).data)
    assert np.abs(plain.astype(int) - copy)[: plain.shape[0] // 3].max() <= 12, (
        "what lies beside is as it was"
    )


@pytest.mark.parametrize("text", ["3.90 EUR", "Mo-Fr 9-18", "BAKERY", "ROOM 204", "M29 Airport", "14.93 kWh"])
def test_signs_stay_readable(decoder: Decoder, text: str) -> None:
    photo = jpeg(put(sample("coffee"), paper(text)))
    copy, facts = copied(stage.photo(photo), decoder)
    assert facts["plates"] == 0
    assert clean(text) in reads(copy)


@pytest.mark.parametrize(
    ("ask", "answer", "told"),
    [
        ("Is it open?", "yes", 1),
        ("Is flight LH 1234 late?", "yes", 0),
        ("What stands on it?", "LH-1234", 0),
        ("What stands on it?", {"number": ["LH I234"]}, 0),
        ("What stands on it?", "LH 1987", 1),
    ],
)
def test_what_was_asked_for_is_not_veiled(ask: str, answer: Json, told: int) -> None:
    rgb = put(sample("coffee"), paper("LH 1234"))
    evidence = replace(stage.photo(b"x", ask=stage.terms(ask=ask)), answer=answer)
    assert len(plates.areas(rgb, reader(), evidence)) == told


def test_the_challenges_code_is_not_veiled() -> None:
    rgb = put(sample("coffee"), paper("AP34 KXM"))
    evidence = stage.photo(b"x")
    for code, told in (("AP34KXM", 0), ("AP34KXN", 0), ("H7MR9T", 1)):
        asked = replace(evidence, session=replace(evidence.session, code=code))
        assert len(plates.areas(rgb, reader(), asked)) == told


def test_corners_are_covered_and_what_lies_beside_a_leaning_plate_is_not(decoder: Decoder) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (400, 600, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    corners = (0.2, 0.2, 0.8, 0.5, 0.8, 0.7, 0.2, 0.4)
    plain, veiled = (
        shown(decoder.derive(out.getvalue(), veil).data).astype(int) for veil in ((), (corners,))
    )
    differs = np.abs(plain - veiled).max(axis=2) > 40
    for x, y in ((0.22, 0.23), (0.22, 0.38), (0.78, 0.52), (0.78, 0.67), (0.5, 0.45)):
        at = (slice(int(y * 400) - 4, int(y * 400) + 4), slice(int(x * 600) - 4, int(x * 600) + 4))
        assert differs[at].mean() > 0.5, (x, y)
    assert not differs[:70].any()
    assert not differs[100:140, 400:].any(), "the upper right of its box is no part of it"


@pytest.mark.parametrize("name", ["coffee", "rocket", "chelsea", "astronaut"])
def test_photographs_without_plates_are_left_alone(name: str) -> None:
    assert plates.areas(sample(name), reader(), stage.photo(b"x")) == ()


@pytest.mark.parametrize(
    "corners", [(-0.2, 0.4, 0.1, 0.4, 0.1, 0.6, -0.2, 0.6), (0.5,) * 8, (2.0, 2, 3, 2, 3, 3, 2, 3)]
)
def test_corners_beyond_the_rim_are_cut_off(decoder: Decoder, corners: plates.Corners) -> None:
    copy = decoder.derive(jpeg(sample("coffee")), [corners])
    assert (copy.width, copy.height) == (600, 400)


def test_without_a_reader_there_is_no_copy(decoder: Decoder) -> None:
    class Gone(MuteReader):
        def read(self, rgb: Pixels, *, quick: bool = False) -> list[Text]:
            raise Unavailable("no weights")

    tools = replace(stage.tools(decoder), reader=Gone())
    report = examine(stage.photo(jpeg(sample("coffee"))), tools)
    assert report.derivatives == ()
    assert report.verdict is Verdict.REVIEW
