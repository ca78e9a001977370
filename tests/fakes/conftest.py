"""What the tests of the fake Stripe share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe


@pytest.fixture(scope="session", autouse=True)
def no_telemetry() -> Iterator[None]:
    """Else the SDK writes an id into the home folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe, "enable_telemetry", False)
        yield
