"""What loads what: the API and the SDK stay light, the layers hold, alembic/ shadows nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = ("torch", "cv2", "rapidocr", "onnxruntime", "PIL", "c2pa", "skimage", "sklearn")
SERVER = (
    "core",
    "payments",
    "verification",
    "bounties",
    "market",
    "sqlalchemy",
    "fastapi",
    "celery",
    "numpy",
)


def loaded(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=100
    )
    return set(ran.stdout.split())


def test_the_api_loads_no_torch_and_no_picture_library() -> None:
    found = loaded("import market.app")
    assert "fastapi" in found
    assert not found & set(HEAVY)


def test_the_sdk_loads_no_torch_and_nothing_of_the_server() -> None:
    found = loaded("import agent_sdk, agent_sdk.loops, agent_sdk.device")
    assert "agent_sdk" in found
    assert not found & (set(HEAVY) | set(SERVER))


def test_the_worker_does_load_torch() -> None:
    """The tests above can fail: the same look finds torch where it is allowed."""
    assert "torch" in loaded("import verification.engine")


def test_the_layers_hold() -> None:
    program = str(Path(sys.executable).with_name("lint-imports"))
    ran = subprocess.run(
        [program, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]


def test_alembic_is_the_library_and_not_our_folder() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    where = loaded("import alembic; assert 'site-packages' in alembic.__file__; import alembic.command")
    assert "alembic" in where


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "manager", "models"])
def test_no_module_has_a_name_that_says_nothing(name: str) -> None:
    packages = ("core", "payments", "verification", "bounties", "market", "agent_sdk", "tests")
    assert [p for package in packages for p in (ROOT / package).rglob(f"{name}.py")] == []
