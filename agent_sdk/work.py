"""What comes back to a contributor or an instrument: bounties nearby, claims, captures."""

from __future__ import annotations

from pydantic import AwareDatetime, Field, JsonValue

from agent_sdk.types import Amount, StreamTerms, Wire


class Card(Wire):
    """A bounty as a contributor sees it."""

    id: str
    kind: str
    ask: str
    answer_schema: dict[str, JsonValue] = Field(default_factory=dict)
    area: dict[str, JsonValue] = Field(default_factory=dict)
    distance_m: float | None = None
    closes_at: AwareDatetime
    reward: Amount
    slots_open: int = 0
    tier: int = 0
    licence: str = ""
    purpose: str = ""


class Cards(Wire):
    """Bounties near a place."""

    items: tuple[Card, ...]


class Challenge(Wire):
    """What a capture must carry: the nonce (64 hex), and what to do in the scene.

    `burst`: frames and motion around the shutter are asked for, while the phone is moved as `pan` says: a
    letter a turn and back (L, R, U, D), then "<" or ">", a step aside. docs/api.md has the file's form.
    """

    nonce: str
    code: str = ""
    instruction: str = ""
    burst: bool = False
    pan: str = ""
    issued_at: AwareDatetime
    max_freshness_s: float


class Claim(Wire):
    """A slot taken. kind: photo | video | stream; status: active | submitted | expired | abandoned."""

    id: str
    bounty: str
    kind: str = "photo"
    status: str
    deadline: AwareDatetime
    reward: Amount
    challenge: Challenge
    stream: StreamTerms | None = None


class CommitmentReceived(Wire):
    """When the server got the 32-byte commitment: the end of the freshness interval."""

    received_at: AwareDatetime


class PartReceived(Wire):
    """A stream part stored; `next_part` is the number it expects now."""

    part: int
    readings: int
    next_part: int


class Capture(Wire):
    """Handed-in work.

    status: submitted | examining | accepted | rejected | review | appealed | upheld | revoked.
    """

    id: str
    claim: str
    bounty: str
    status: str
    verdict: str | None = None
    reasons: tuple[str, ...] = ()
    reward: Amount
    paid: Amount | None = None
    submitted_at: AwareDatetime
    judged_at: AwareDatetime | None = None
