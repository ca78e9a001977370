"""The giving side of the HTTP API, one step a method: what a phone and an instrument have in common.

It is written against docs/api.md and not with `agent_sdk`, so that two clients know the formats.
Every step can be taken alone and bent: a cheat is an honest contributor with one step changed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import httpx2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from core.accounts.rules import b64u, enrolment_message, statement_message
from core.clock import now, parse_instant

Clock: TypeAlias = Callable[[], datetime]
Sleep: TypeAlias = Callable[[float], None]

_JUDGED = frozenset({"accepted", "rejected", "review", "upheld", "revoked"})
_RETRIES = 4
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the group (FIPS 186)


class Refused(Exception):
    """The server said no.

    Attributes:
        status: of the HTTP answer.
        code: of the problem document, such as "StateConflict"; "" when it was none.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code = status, code


class DeviceKey:
    """A signing key that never leaves the simulated device: P-256 ("ES256") or "Ed25519".

    Args:
        source: 32 bytes of randomness; the system's unless told. With the nonce of RFC 6979 the same
            source gives the same signatures.
    """

    def __init__(self, algorithm: str, source: bytes | None = None) -> None:
        if algorithm not in {"ES256", "Ed25519"}:
            raise ValueError(f"algorithm is ES256 or Ed25519, not {algorithm!r}")
        self.algorithm = algorithm
        drawn = source or secrets.token_bytes(32)
        self._key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = (
            ec.derive_private_key(int.from_bytes(drawn, "big") % (_P256_ORDER - 1) + 1, ec.SECP256R1())
            if algorithm == "ES256"
            else ed25519.Ed25519PrivateKey.from_private_bytes(drawn)
        )

    @property
    def public_key(self) -> bytes:
        """DER SubjectPublicKeyInfo."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.DER, form)

    def sign(self, message: bytes) -> bytes:
        """64 bytes; for ES256 the raw r||s that WebCrypto gives."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(
            self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        )
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as the server answered it. `kind`: "photo", "video" or "stream"; `stream`: a stream's terms."""

    id: str
    bounty: str
    nonce: str
    code: str
    issued_at: datetime
    deadline: datetime
    max_freshness_s: float
    stream: Mapping[str, Any] | None
    burst: bool = False
    pan: str = ""
    kind: str = "photo"

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Claim:
        """Reads the JSON of a claim."""
        challenge = said["challenge"]
        return cls(
            id=said["id"],
            bounty=said["bounty"],
            nonce=challenge["nonce"],
            code=challenge["code"] or "",
            issued_at=parse_instant(challenge["issued_at"]),
            deadline=parse_instant(said["deadline"]),
            max_freshness_s=float(challenge["max_freshness_s"]),
            stream=said.get("stream"),
            burst=bool(challenge.get("burst")),
            pan=str(challenge.get("pan") or ""),
            kind=str(said["kind"]),
        )


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture as the server answered it; `paid` is a decimal string, None when nothing was."""

    id: str
    claim: str
    bounty: str
    status: str
    verdict: str | None
    reasons: tuple[str, ...]
    paid: str | None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Capture:
        """Reads the JSON of a capture."""
        return cls(
            id=said["id"],
            claim=said["claim"],
            bounty=said["bounty"],
            status=said["status"],
            verdict=said["verdict"],
            reasons=tuple(said["reasons"]),
            paid=said["paid"],
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement's exact text, its commitment (hex SHA-256) and the device's signature (b64u)."""

    statement: str
    commitment: str
    signature: str


class Contributor:
    """One enrolled device and the account it works for.

    Args:
        server: a client whose base_url is the market's, or that base URL.
        key: the device's key.
        secret: API key of the account the device joins; None makes a person's account at `enrol`.
        clock: the device's own clock. sleep: how it waits (tests may hasten it).
    """

    def __init__(
        self,
        server: httpx2.Client | str,
        key: DeviceKey,
        *,
        secret: str | None = None,
        clock: Clock = now,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.http = httpx2.Client(base_url=server, timeout=30) if isinstance(server, str) else server
        self.key, self.secret, self.clock, self.sleep = key, secret, clock, sleep
        self.account = self.device = ""

    def enrol(self, **about: Any) -> str:
        """Enrols the device and returns its id; `about` holds kind, name, lat, lon."""
        public = self.key.public_key
        proof = self.key.sign(enrolment_message(public))
        body = {"algorithm": self.key.algorithm, "public_key": b64u(public), "proof": b64u(proof), **about}
        said = self.post("/v1/devices", body)
        self.account, self.device = said["account"]["id"], said["device"]["id"]
        if said["key"]:
            self.secret = said["key"]["secret"]
        return self.device

    def claim(self, bounty: str) -> Claim:
        """Claims a slot of a bounty for this device."""
        return Claim.of(self.post(f"/v1/bounties/{bounty}/claims", {"device": self.device}))

    def sign(self, statement: str) -> Signed:
        """Signs a statement's exact text."""
        commitment = hashlib.sha256(statement.encode()).digest()
        return Signed(statement, commitment.hex(), b64u(self.key.sign(statement_message(commitment))))

    def commit(self, claim: Claim, signed: Signed) -> None:
        """Sends the 32-byte commitment: this ends the freshness interval."""
        body = {"commitment": signed.commitment, "signature": signed.signature}
        self.post(f"/v1/claims/{claim.id}/commitment", body)

    def submit(self, claim: Claim, signed: Signed, answer: object) -> Capture:
        """Hands the capture in for its verdict."""
        body = {"statement": signed.statement, "signature": signed.signature, "answer": answer}
        return Capture.of(self.post(f"/v1/claims/{claim.id}/captures", body))

    def read(self, capture: str) -> Capture:
        """A capture as it stands now."""
        return Capture.of(self.get(f"/v1/captures/{capture}"))

    def wait(self, capture: Capture, *, within_s: float = 60.0) -> Capture:
        """Asks until the capture has a verdict (review counts as one).

        Raises:
            TimeoutError: none came in time.
        """
        until = time.monotonic() + within_s
        pause = 0.05
        while capture.status not in _JUDGED:
            if time.monotonic() > until:
                raise TimeoutError(f"{capture.id} is still {capture.status} after {within_s} s")
            self.sleep(pause)
            pause = min(1.0, pause * 1.5)
            capture = self.read(capture.id)
        return capture

    def get(self, path: str, **query: str | float) -> dict[str, Any]:
        """GETs JSON. Raises Refused."""
        return self._send("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """POSTs JSON under one idempotency key, the same on every retry. Raises Refused."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
        return self._send("POST", path, content=json.dumps(body).encode(), headers=headers)

    def put(self, path: str, data: bytes, media_type: str) -> dict[str, Any]:
        """PUTs bytes. Raises Refused."""
        return self._send("PUT", path, content=data, headers={"Content-Type": media_type})

    def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **how: Any
    ) -> dict[str, Any]:
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        for attempt in range(_RETRIES):
            answer = self.http.request(method, path, headers={**(headers or {}), **bearer}, **how)
            if answer.status_code not in {429, 503}:
                break
            self.sleep(min(5.0, float(answer.headers.get("Retry-After", 0.2 * 2**attempt))))
        if answer.is_success:
            said: dict[str, Any] = answer.json()
            return said
        raise _refusal(answer)


def _refusal(answer: httpx2.Response) -> Refused:
    try:
        said = answer.json()
    except ValueError:
        said = None
    problem = said if isinstance(said, dict) else {}
    return Refused(
        answer.status_code, str(problem.get("code", "")), str(problem.get("detail", answer.text[:200]))
    )
