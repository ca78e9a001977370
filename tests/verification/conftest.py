"""What the verifier's tests share: one decoding child, and the folder of bad and odd images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assets.build import build
from verification.picture import Decoder


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """The real sandboxed decoder."""
    with Decoder() as running:
        yield running


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name -> path of every image that `tests/assets` makes."""
    return build(tmp_path_factory.mktemp("assets"))
