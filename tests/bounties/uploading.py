"""A live claim, and ways of sending to it: whole, as a server hears it, and beside others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from bounties.rules import Kind
from bounties.tables import Claim
from core import clock
from core.accounts.rules import Kind as AccountKind
from core.accounts.service import authenticate
from tests.bounties import scene
from tests.every.trade import person
from tests.inside import Inside


@dataclass
class Claimed:
    """A live claim and its contributor's key."""

    inside: Inside
    id: str
    key: str

    @property
    def path(self) -> str:
        """Where its media goes."""
        return f"/v1/claims/{self.id}/media"

    def put(self, body: Any, media_type: str) -> httpx2.Response:
        """Uploads."""
        return self.inside.send(
            "PUT", self.path, self.key, content=body, headers={"Content-Type": media_type}
        )

    def stored(self) -> list[Path]:
        """Every file in the storage, but the mark that says whose it is."""
        storage = self.inside.home / "storage"
        return [
            path for path in storage.rglob("*") if path.is_file() and storage / "house" not in path.parents
        ]

    def noted(self) -> tuple[str | None, int]:
        """The media that the claim names, and how many originals are known."""
        with self.inside.database.reading() as session:
            named = session.get_one(Claim, self.id).media_sha256
        return named, self.inside.counts()["originals"]

    def stream(
        self, coming: Iterator[Any] | AsyncIterator[Any], length: int | None = None, form: str = "video/mp4"
    ) -> tuple[int, int]:
        """Sends messages as a server would; gives the status and how many bytes were read."""
        return asyncio.run(self.talk(coming, length, form))

    async def talk(
        self, coming: Iterator[Any] | AsyncIterator[Any], length: int | None = None, form: str = "video/mp4"
    ) -> tuple[int, int]:
        """The same, beside others."""
        read, found = 0, 0

        async def receive() -> dict[str, Any]:
            nonlocal read
            message: dict[str, Any] = next(coming) if isinstance(coming, Iterator) else await anext(coming)
            read += len(message.get("body", b""))
            return message

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal found
            if message["type"] == "http.response.start":
                found = message["status"]

        headers = [(b"authorization", b"Bearer " + self.key.encode()), (b"content-type", form.encode())]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        scope = {
            "type": "http", "http_version": "1.1", "method": "PUT", "path": self.path, "query_string": b"",
            "raw_path": self.path.encode(), "headers": headers, "client": ("127.0.0.1", 1),
            "server": ("test", 80), "scheme": "http", "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await self.inside.app(scope, receive, send)
        return found, read


def claimed(inside: Inside, kind: Kind) -> Claimed:
    contributor, _, key = person(inside)
    now = clock.now()
    wanted = scene.ask(kind=kind, opens_at=now, closes_at=now + scene.LEASE * 60)
    with inside.database.transaction() as session:
        _, buys = authenticate(session, inside.key(AccountKind.AGENT))
        bounty = scene.post(session, buys, wanted, now=now)
        claim = scene.claim(session, contributor, bounty, now=now)
        return Claimed(inside, claim.id, key)
