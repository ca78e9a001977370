"""Weights that are missing, cut off or others: nothing starts, and it is said which file and what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.errors import Unavailable
from tests.assets.build import encoded
from tests.fakes.seeing import EmptyMemory, MuteReader
from tests.verification import stage
from tests.verification.eyes import engine, sample
from tests.verification.spoilt import DAMAGES, spoil
from verification import engine as seeing
from verification import reading
from verification.case import Tools
from verification.engine import Engine
from verification.evidence import Report, Status, Verdict
from verification.nets import centerface, text_finder, xfeat
from verification.picture import Decoder
from verification.pipeline import examine
from verification.reading import Reader
from verification.trust import TrustList

[RECOGNITION] = reading.MODELS
JPEG = encoded(Image.fromarray(sample("coffee")))
FILES: dict[str, tuple[Callable[[], Path], str, Callable[[Path], object]]] = {
    "xfeat.pt": (
        seeing.packaged_weights,
        xfeat.SHA256,
        lambda folder: Engine("cpu", weights=folder / "xfeat.pt"),
    ),
    "centerface.safetensors": (
        lambda: seeing._WEIGHTS / "centerface.safetensors",
        centerface.SHA256,
        lambda folder: Engine("cpu", own=folder),
    ),
    "text_finder.safetensors": (
        lambda: seeing._WEIGHTS / "text_finder.safetensors",
        text_finder.SHA256,
        lambda folder: Engine("cpu", own=folder),
    ),
    RECOGNITION: (
        lambda: reading.packaged() / RECOGNITION,
        reading.MODELS[RECOGNITION],
        lambda folder: Reader(engine(), folder=folder),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_nothing_is_made_of_other_weights(tmp_path: Path, name: str, damage: str) -> None:
    original, expected, make = FILES[name]
    for other in seeing._WEIGHTS.glob("*.safetensors"):
        (tmp_path / other.name).symlink_to(other)
    path = tmp_path / name
    path.unlink(missing_ok=True)
    spoil(original(), path, damage)
    with pytest.raises(Unavailable) as refused:
        make(tmp_path)
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"
    assert refused.value.facts == {"expected": expected, "found": found}
    assert str(path) in refused.value.message
    ours = name.endswith(".safetensors")
    assert ("git checkout" if ours else "make setup") in refused.value.advice


def test_the_pinned_ones_are_there() -> None:
    assert seeing.check_weights() == engine().models
    assert reading.check_weights() == reading.packaged()


def judged(decoder: Decoder, seer: object, eyes: object, **session: object) -> Report:
    tools = Tools(decoder, EmptyMemory(), seer, eyes, TrustList())  # type: ignore[arg-type]
    return examine(stage.photo(JPEG, **session), tools)  # type: ignore[arg-type]


def failed(report: Report) -> set[str]:
    return {finding.check for finding in report.findings if finding.status is Status.ERROR}


def test_a_net_that_breaks_while_it_runs_goes_to_a_person(decoder: Decoder) -> None:
    """Torch raises where numbers and weights are of two kinds, as it would where memory has run out."""
    broken = Engine("cpu")
    broken._net.double()
    report = judged(decoder, broken, MuteReader())
    assert failed(report) == {"duplicate"}
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("missing_duplicate",))


def test_without_the_net_for_faces_there_is_no_copy_and_a_person_looks(decoder: Decoder) -> None:
    broken = Engine("cpu")
    broken._faces.double()
    report = judged(decoder, broken, MuteReader())
    assert failed(report) == {"derivative"}
    assert report.derivatives == ()
    assert report.verdict is Verdict.REVIEW


def test_a_reader_that_breaks_while_it_runs_goes_to_a_person(decoder: Decoder) -> None:
    broken = Reader(engine())
    broken.read(sample("coffee"))
    broken._ocr[0] = None  # type: ignore[call-overload]  # as after a load that failed half way
    report = judged(decoder, engine(), broken, code="K7M4XP")
    assert "challenge" in failed(report)
    assert (report.verdict, report.reasons) == (Verdict.REVIEW, ("check_error",))
