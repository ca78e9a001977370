"""How the server is started: whose word it takes for where a caller is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from core.config import Settings
from market.__main__ import server_options

SPOOFED = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")]


def seen(settings: Settings, sender: str) -> str:
    """The address that the application sees when `sender` says it speaks for another."""
    found: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope["client"][0])

    config = uvicorn.Config(app, **server_options(settings), lifespan="off", log_config=None)
    config.load()
    scope = {"type": "http", "scheme": "http", "client": (sender, 1), "headers": SPOOFED}
    asyncio.run(config.loaded_app(scope, None, None))
    return found[0]


@pytest.mark.parametrize("sender", ["127.0.0.1", "::1", "10.0.0.7"])
def test_nobody_speaks_for_another_unless_named(
    sender: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTCHECK_TRUSTED_PROXIES", raising=False)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert seen(Settings(home=tmp_path), sender) == sender


@pytest.mark.parametrize(
    ("sender", "as_whom"),
    [("127.0.0.1", "203.0.113.9"), ("10.1.2.3", "203.0.113.9"), ("192.0.2.1", "192.0.2.1"), ("::1", "::1")],
)
def test_a_named_proxy_is_believed(
    sender: str, as_whom: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTCHECK_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    assert seen(Settings(home=tmp_path), sender) == as_whom
