"""A market in memory behind `httpx2.MockTransport`: enough of the HTTP API for the SDK, with real proofs.

It is told what people answer (`answers`), and when to fail (`faults`): each fault is taken by one request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2

from agent_sdk import AsyncSpotcheck, Spotcheck
from agent_sdk._canonical import canonical, fingerprint
from agent_sdk._core import Core
from tests.agent_sdk.trees import Log

PICTURE = b"\xff\xd8 a delivered picture \xff\xd9"
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Fault = httpx2.Response | Exception


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds, self.slept = 0.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def core(self, **changes: Any) -> Core:
        return Core(
            "http://market.test",
            "sk_test",
            clock=lambda: self.seconds,
            now=self.now,
            jitter=lambda: 0.0,
            **changes,
        )


class Market:
    """See the module. `answers[ask]` lists what will be observed: dicts that override `_observation`."""

    def __init__(self) -> None:
        self.clock, self.log = Clock(), Log()
        self.requests: list[httpx2.Request] = []
        self.faults: list[Fault] = []
        self.lost_replies = 0
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.bounties: dict[str, dict[str, Any]] = {}
        self.observations: dict[str, dict[str, Any]] = {}
        self.receipts: dict[str, str] = {}
        self.leaf_of: dict[str, int] = {}
        self.once: dict[str, tuple[str, httpx2.Response]] = {}
        self.fee = "0.20"
        self.page = 2
        self.end_status = "expired"
        self.slots_pending: int | None = 0

    def client(self, **changes: Any) -> Spotcheck:
        """A blocking client of this market."""
        core = self.clock.core()
        transport = httpx2.MockTransport(self.handle)
        return Spotcheck(core=core, transport=transport, sleep=self.clock.sleep, **changes)

    def aclient(self, **changes: Any) -> AsyncSpotcheck:
        """An awaiting client of this market."""
        core = self.clock.core()
        transport = httpx2.MockTransport(self.handle)
        return AsyncSpotcheck(core=core, transport=transport, sleep=self.clock.asleep, **changes)

    def sent(self, method: str, path: str) -> list[httpx2.Request]:
        """Requests received so far."""
        return [r for r in self.requests if r.method == method and r.url.path == path]

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        answer = self._once(request) if request.method == "POST" else self._route(request)
        if self.lost_replies:
            self.lost_replies -= 1
            raise httpx2.ReadError("the connection broke after the server acted")
        return answer

    def _once(self, request: httpx2.Request) -> httpx2.Response:
        key = request.headers.get("idempotency-key")
        if key is None:
            return problem(400, "IdempotencyKeyMissing")
        seen = f"{request.url.path} {hashlib.sha256(request.content).hexdigest()}"
        if key in self.once:
            before, answer = self.once[key]
            return answer if before == seen else problem(409, "IdempotencyConflict")
        answer = self._route(request)
        self.once[key] = (seen, answer)
        return answer

    def _route(self, request: httpx2.Request) -> httpx2.Response:
        parts = request.url.path.strip("/").split("/")
        query = {k: v[0] for k, v in parse_qs(request.url.query.decode()).items()}
        routes: dict[tuple[str, int, str], Callable[[], Any]] = {
            ("POST", 2, "bounties"): lambda: self._post(json.loads(request.content)),
            ("GET", 2, "bounties"): lambda: self._list(list(self.bounties.values()), query),
            ("GET", 3, "bounties"): lambda: self.bounties.get(parts[2]),
            ("GET", 4, "bounties"): lambda: self._wait(parts[2], query),
            ("POST", 4, "bounties"): lambda: self._cancel(parts[2]),
            ("GET", 2, "observations"): lambda: self._list(list(self.observations.values()), query),
            ("GET", 3, "observations"): lambda: self.observations.get(parts[2]),
            ("GET", 4, "observations"): lambda: self._receipt(parts[2]),
            ("GET", 5, "observations"): lambda: PICTURE,
            ("GET", 2, "me"): ME.copy,
            ("POST", 2, "accounts"): OPENED.copy,
            ("GET", 2, "consistency"): lambda: {
                "proof": self.log.consistency(int(query["old"]), int(query["new"]))
            },
            ("GET", 2, "key"): self.log.vkey.encode,
        }
        found = routes[request.method, len(parts), parts[1]]()
        if found is None:
            return problem(404, "NotFound")
        if isinstance(found, bytes):
            return httpx2.Response(200, content=found)
        return httpx2.Response(201 if request.method == "POST" else 200, json=found)

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.bounties)
        made = {
            **body,
            "id": f"bty_{number}",
            "status": "open",
            "tier": 0,
            "fee": self.fee,
            "slots_open": body["slots"],
            "slots_pending": 0,
            "created_at": START.isoformat(),
            "observations": [],
            "a_field_of_tomorrow": {"x": 1},
        }
        self.bounties[str(made["id"])] = made
        return dict(made)

    def _wait(self, bounty_id: str, query: dict[str, str]) -> dict[str, Any]:
        bounty = self.bounties[bounty_id]
        coming = self.answers.get(bounty["ask"], [])
        if coming and bounty["status"] == "open":
            self.observe(bounty, coming.pop(0))
        found = [self.observations[i] for i in bounty["observations"]]
        if len(found) <= int(query["seen"]) and bounty["status"] == "open":
            self.clock.seconds += float(query["timeout"])
            if self.clock.now() >= datetime.fromisoformat(bounty["closes_at"]):
                bounty.update(status=self.end_status, slots_pending=self.slots_pending)
        return {"bounty": bounty, "observations": found}

    def _cancel(self, bounty_id: str) -> dict[str, Any]:
        self.bounties[bounty_id].update(status="cancelled", slots_pending=0)
        return self.bounties[bounty_id]

    def observe(self, bounty: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        """An accepted capture: its observation, receipt and leaf."""
        number = len(self.observations)
        seen = {**_observation(f"obs_{number}", bounty), **changes}
        seen.setdefault("dependence", {"contributor": f"c{number}", "device": f"d{number}"})
        self.observations[seen["id"]] = seen
        bounty["observations"].append(seen["id"])
        text = canonical(receipt_of(seen, bounty)).decode()
        self.receipts[seen["id"]], self.leaf_of[seen["id"]] = text, len(self.log.leaves)
        self.log.leaves.append(b"spotcheck-receipt-v1\n" + hashlib.sha256(text.encode()).digest())
        return seen

    def _receipt(self, observation_id: str) -> dict[str, Any]:
        index, size = self.leaf_of[observation_id], len(self.log.leaves)
        return {
            "receipt": self.receipts[observation_id],
            "leaf_index": index,
            "checkpoint": self.log.checkpoint(),
            "inclusion": self.log.inclusion(index, size),
        }

    def _list(self, items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        ids = [item["id"] for item in items]
        start = ids.index(query["after"]) + 1 if "after" in query else 0
        some = items[start : start + self.page]
        more = start + self.page < len(items)
        return {"items": some, "next": some[-1]["id"] if more else None}


def problem(status: int, code: str, **more: Any) -> httpx2.Response:
    """A refusal as the server writes it."""
    body = {
        "type": f"/docs/errors#{code}",
        "title": code,
        "status": status,
        "detail": f"{code} happened",
        "code": code,
        "hint": f"about {code}",
        "docs_url": f"/docs/errors#{code}",
        "request_id": "req_7",
        "facts": more.pop("facts", {}),
    }
    headers = {"content-type": "application/problem+json", **more}
    return httpx2.Response(status, content=json.dumps(body), headers=headers)


def _observation(observation_id: str, bounty: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": observation_id,
        "bounty": bounty["id"],
        "capture": "cap_1",
        "kind": bounty["kind"],
        "answer": True,
        "p_genuine": 0.97,
        "p_genuine_interval": [0.9, 0.99],
        "p_answer": 0.95,
        "frauds": {"staged": 0.02, "misplaced": 0.01},
        "judged_by": "policy",
        "observed_from": "2026-11-23T12:00:00.000000Z",
        "observed_to": "2026-11-23T12:00:41.500000Z",
        "cell": "872a1072bffffff",
        "findings": [
            {
                "check": "place",
                "version": "1",
                "family": "place",
                "status": "ok",
                "llr": 1.5,
                "reason": "inside",
            }
        ],
        "media": [
            {
                "sha256": hashlib.sha256(PICTURE).hexdigest(),
                "media_type": "image/jpeg",
                "url": f"/v1/observations/{observation_id}/media/x",
            }
        ],
        "reward": bounty["reward"],
        "untrusted_note": None,
    }


def receipt_of(seen: dict[str, Any], bounty: dict[str, Any]) -> dict[str, Any]:
    """The receipt of an observation, as the server composes it."""
    names = ("kind", "ask", "answer_schema", "area", "closes_at", "reward", "slots", "licence", "purpose")
    rest = {"opens_at": "2026-11-23T11:00:00Z", "tier": 0, "max_freshness_s": 600.0, "stream": None}
    terms = {**rest, **{name: bounty[name] for name in names}}
    return {
        "v": 1,
        "observation": seen["id"],
        "bounty": bounty["id"],
        "capture": seen["capture"],
        "terms": terms,
        "terms_sha256": fingerprint(terms),
        "claim": "clm_1",
        "nonce": "ab" * 32,
        "statement_sha256": "cd" * 32,
        "original_sha256": "ef" * 32,
        "burst_sha256": None,
        "derivatives": [item["sha256"] for item in seen["media"]],
        "answer": seen["answer"],
        "p_genuine": seen["p_genuine"],
        "p_answer": seen["p_answer"],
        "frauds": seen["frauds"],
        "judged_by": seen["judged_by"],
        "findings": seen["findings"],
        "models": {},
        "calibration": "hand-set-4",
        "engine": "cpu",
        "payment": {"transfer_key": "capture:cap_1:release", "reward": seen["reward"], "fee": bounty["fee"]},
        "freshness": [seen["observed_from"], seen["observed_to"]],
        "issued_at": "2026-11-23T12:01:00.000000Z",
    }


ME = {
    "account": {"id": "acc_1", "kind": "agent", "name": "a"},
    "balances": {"available": "9.50", "held": "0.70", "pending": "0.00", "payable": "0", "in_payout": "0"},
    "devices": [],
}
OPENED = {
    "account": {"id": "acc_1", "kind": "agent", "name": "a"},
    "key": {"id": "key_1", "secret": "sk_new", "scopes": ["post", "read"], "limits": {}},
}


def b64(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()
