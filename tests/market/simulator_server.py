"""A transport that answers as docs/api.md says and writes down what it was told. It judges nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

STARTED = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLAIM, BOUNTY = "clm_" + "0" * 26, "bty_" + "0" * 26


def capture(judged: bool) -> dict[str, Any]:
    """The one capture there is, before and after its verdict."""
    return {
        "id": "cap_1",
        "claim": CLAIM,
        "bounty": BOUNTY,
        "status": "rejected" if judged else "submitted",
        "verdict": "reject" if judged else None,
        "reasons": ["not_enough_evidence"] if judged else [],
        "paid": None,
    }


@dataclass
class Recorder:
    """Every request in order; `said(path_end)` is the JSON of the last one to a path."""

    code: str = ""
    stream: dict[str, Any] | None = None
    max_freshness_s: float = 5.0
    nonce: str = "ab" * 32
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)

    def client(self) -> httpx2.Client:
        """A client that talks to this recorder."""
        return httpx2.Client(base_url="http://market.test", transport=httpx2.MockTransport(self))

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        end = request.url.path.rsplit("/", 1)[-1]
        if end in self.refuse:
            status, code = self.refuse.pop(end)
            return httpx2.Response(status, json={"code": code, "detail": "no"})
        return httpx2.Response(200, json=self.answer(request.method, end, request.content))

    def answer(self, method: str, end: str, content: bytes) -> dict[str, Any]:
        """What docs/api.md promises for the last word of a path."""
        judged = method == "GET"
        known: dict[str, Callable[[], dict[str, Any]]] = {
            "devices": lambda: {
                "account": {"id": "acc_1"},
                "device": {"id": "dev_1"},
                "key": {"id": "key_1", "secret": "sk_simulated", "scopes": ["contribute"]},
            },
            "claims": self.claim,
            "media": lambda: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)},
            "parts": lambda: {"part": 0, "readings": 1, "next_part": json.loads(content)["part"] + 1},
            "commitment": lambda: {"received_at": STARTED.isoformat()},
            "near": lambda: {"items": [{"id": BOUNTY}]},
        }
        return known.get(end, lambda: capture(judged))()

    def claim(self) -> dict[str, Any]:
        """The claim every device gets."""
        challenge = {
            "nonce": self.nonce,
            "code": self.code,
            "instruction": "",
            "issued_at": STARTED.isoformat(),
            "max_freshness_s": self.max_freshness_s,
        }
        until = (STARTED + timedelta(hours=1)).isoformat()
        return {
            "id": CLAIM,
            "bounty": BOUNTY,
            "kind": "stream" if self.stream else "photo",
            "deadline": until,
            "challenge": challenge,
            "stream": self.stream,
        }

    def sent(self, end: str) -> list[httpx2.Request]:
        """All requests to paths ending in `end`, in order."""
        return [request for request in self.requests if request.url.path.endswith("/" + end)]

    def said(self, end: str) -> dict[str, Any]:
        """The JSON of the last request to a path ending in `end`."""
        body: dict[str, Any] = json.loads(self.sent(end)[-1].content)
        return body
