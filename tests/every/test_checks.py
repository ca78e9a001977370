"""What every registered check owes, whoever wrote it: a page, honest bounds, and no exception."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.verification import stage
from verification.case import Case
from verification.constants import HAND_SET, load
from verification.evidence import Evidence, Status
from verification.picture import Decoder, Picture
from verification.pipeline import run
from verification.registry import Check, registered
from verification.statement import parse_statement

CHECKS = {check.name: check for check in registered()}
TESTS = Path(__file__).resolve().parents[1] / "verification"
PAGE = ("Stops:", "How:", "Limits:")


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as running:
        yield running


def sparse() -> dict[str, Evidence]:
    """Captures with next to nothing in them, or nonsense."""
    photo, stream = stage.photo(b"\x00"), stage.recording().evidence()
    signed = photo.session
    return {
        "no bytes": replace(photo, media=b""),
        "no statement": replace(photo, session=replace(signed, statement="", signature=b"")),
        "a statement of nothing": replace(photo, session=replace(signed, statement="{}")),
        "a statement of nonsense": stage.photo(
            b"\x00", say={"lat": [], "lon": {}, "accuracy_m": "x", "taken_at": 7, "sha256": None, "nonce": []}
        ),
        "no commitment": replace(photo, session=replace(signed, commitment=None, committed_at=None)),
        "no key": replace(photo, session=replace(signed, public_key=b"", algorithm="")),
        "a code asked for": replace(photo, session=replace(signed, code="K7M4QX")),
        "an odd answer": replace(photo, answer={"deep": [None, {"er": "\u202e"}]}),
        "an odd schema": replace(
            photo, answer=3, terms=stage.terms(answer_schema={"type": 7, "x-stream": 9})
        ),
        "no time at all": replace(
            photo, session=replace(signed, submitted_at=signed.issued_at, max_freshness_s=0.0)
        ),
        "years later": replace(
            photo, session=replace(signed, committed_at=stage.NOON + timedelta(days=9_000))
        ),
        "outside, nothing known": replace(
            photo,
            terms=stage.terms(area=None, opens_at=None, closes_at=None),
            session=stage.unknown_session(),
        ),
        "outside, no media": replace(photo, media=b"", media_sha256="", session=stage.unknown_session()),
        "outside, a stream": replace(
            stream, terms=replace(stream.terms, area=None), session=stage.unknown_session()
        ),
        "a video of no bytes": stage.photo(b"", ask=stage.terms("video")),
        "a video of nonsense": stage.photo(b"\x00", ask=stage.terms("video"), say={"frame_chain": {}}),
        "no parts": replace(stream, parts=(), media=b""),
        "empty parts": replace(stream, parts=tuple(replace(part, payload="") for part in stream.parts)),
        "no instrument place": replace(stream, installed_at=None),
    }


def pictures() -> dict[str, Picture | None]:
    def of(height: int, width: int, level: int) -> Picture:
        return Picture("JPEG", width, height, np.full((height, width, 3), level, np.uint8), {"Exif": 3}, 0)

    return {"none": None, "black": of(120, 160, 0), "white sliver": of(32, 1600, 255)}


@pytest.mark.parametrize("name", CHECKS)
def test_it_has_a_page(name: str) -> None:
    module = inspect.getmodule(CHECKS[name].run)
    page = (module.__doc__ if module else None) or ""
    assert all(heading in page for heading in PAGE), f"{name}: its module docstring needs {PAGE}"
    assert inspect.getdoc(CHECKS[name].run), f"{name}: the function says what it returns"


@pytest.mark.parametrize("name", CHECKS)
def test_its_declaration_is_sensible(name: str) -> None:
    check = CHECKS[name]
    assert re.fullmatch(r"[a-z][a-z_]*", check.name)
    assert check.version
    assert check.cost in {0, 1, 2}
    assert check.kinds <= {"photo", "video", "stream"}
    assert check.kinds
    assert check.bounds[0] <= 0 <= check.bounds[1]
    by_hand = load(HAND_SET)
    told = [against.families.get(check.family) for against in by_hand.frauds.values()]
    for model in (*told, by_hand.answer.get(check.family)):
        if model is not None:
            assert model.low <= check.bounds[0], "bounds beyond the family's would never count"
            assert check.bounds[1] <= model.high


@pytest.mark.parametrize("name", CHECKS)
def test_it_never_raises_on_sparse_evidence(name: str, decoder: Decoder) -> None:
    check = CHECKS[name]
    for title, evidence in sparse().items():
        for look, picture in pictures().items():
            if evidence.terms.kind not in check.kinds or (check.cost and picture is None):
                continue
            statement = parse_statement(evidence.session.statement)
            finding = run(check, Case(evidence, stage.tools(decoder), picture, statement))
            if check.name == "session" and title in {"no bytes", "no parts"}:
                continue  # bytes that are not what arrived are an error by design
            assert finding.status is not Status.ERROR, (title, look, finding)
            assert re.fullmatch(r"[a-z][a-z0-9_]*", finding.reason)
            assert check.bounds[0] <= finding.llr <= check.bounds[1]


def test_no_check_grows_alone_into_an_accept() -> None:
    for check in CHECKS.values():
        assert check.bounds[1] <= 3.0, "one check's word is bounded"


def reasons(check: Check) -> set[str]:
    """Reason codes that stand as literals in a check's module."""
    module = inspect.getmodule(check.run)
    assert module is not None
    found: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = {"ok": 1, "abstain": 0, "hard_fail": 0, "_Broken": 0}.get(node.func.id)
            if place is not None and len(node.args) > place:
                inner = ast.walk(node.args[place])
                found |= {n.value for n in inner if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {text for text in found if re.fullmatch(r"[a-z][a-z0-9_]+", text)}


@pytest.mark.parametrize("name", CHECKS)
def test_every_reason_code_is_named_by_a_test(name: str) -> None:
    tests = "\n".join(path.read_text() for path in TESTS.glob("test_*.py"))
    unnamed = {reason for reason in reasons(CHECKS[name]) if f'"{reason}"' not in tests}
    assert not unnamed, f"{name}: no test in tests/verification names {sorted(unnamed)}"
