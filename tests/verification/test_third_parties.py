"""What docs/examine.md says of attestations and timestamps: every reason, and how their bytes are given."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from core.errors import BadInput
from verification import stamps
from verification.attestation import android, apple, chain
from verification.checks import attestation, timestamp
from verification.context import read
from verification.evidence import Attestation, Json

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "examine.md").read_text()

TESTS = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("module", [android, apple, chain, attestation, timestamp, stamps])
def test_page_and_tests_name_every_reason(module: ModuleType) -> None:
    source = Path(str(module.__file__)).read_text()
    calls = r'(?:abstain|hard_fail|Doubt|Forged|ok)\((?:[A-Z]+, )?"([a-z_]+)"'
    codes = set(re.findall(calls, source)) | set(
        re.findall(r'Doubt\("[a-z_]+" if .* else "([a-z_]+)"', source)
    )
    assert codes
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()
    assert {code for code in codes if f'"{code}"' not in TESTS} == set()


def test_bytes_of_a_context(tmp_path: Path) -> None:
    context = read({"timestamp": "base64:AAEC", "attestation": {"assertion": "base64:/w=="}}, tmp_path)
    assert context.evidence.timestamp == bytes([0, 1, 2])
    assert context.evidence.attestation == Attestation("", b"", b"\xff")
    assert read({"attestation": None}, tmp_path).evidence.attestation is None
    wrongs: list[dict[str, Json]] = [
        {"timestamp": "base64:A*"},
        {"timestamp": "no-such-file"},
        {"attestation": {"root": ""}},
        {"attestation": {"last_counter": -1}},
        {"attestation": "a text"},
    ]
    for wrong in wrongs:
        with pytest.raises(BadInput):
            read(wrong, tmp_path)
