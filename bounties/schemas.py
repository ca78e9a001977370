"""Wire shapes of bounties, claims, captures, observations, receipts and reviews."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.functional_validators import AfterValidator

from bounties import rules
from bounties.rules import Ask, Kind, Licence, StreamTerms
from core.accounts.service import request_hash
from core.geo import area_from_geojson
from core.money import Money
from core.wire import Amount, B64u, Body, Exact, Hex32, Instant, Json, JsonObject, Shape, Text
from verification.evidence import Verdict


def _positive(money: Money) -> Money:
    if money.micros == 0:
        raise ValueError("a reward is at least 0.000001")
    return money


class StreamBody(Body):
    """What one window of a stream bounty must hold. `unit` is a UCUM code. Measuring it may take no longer
    than a claim lasts, than `max_freshness_s`, and than the bounty is open."""

    unit: str = Field(min_length=1, max_length=20, pattern=r"^[!-~]+$", examples=["Cel"])
    minimum: float
    maximum: float
    readings_per_window: int = Field(ge=1, le=10_000)
    min_interval_s: float = Field(default=0.0, ge=0, le=86_400)

    @model_validator(mode="after")
    def _ordered(self) -> StreamBody:
        if self.minimum >= self.maximum:
            raise ValueError("minimum is below maximum")
        return self


class PostBounty(Body):
    """An ask: what to look at, where, when, for how much, and the question to answer on the spot."""

    kind: Kind = Kind.PHOTO
    ask: Text = Field(examples=["The queue at the main door of the bakery"])
    answer_schema: JsonObject = Field(
        default={}, examples=[{"type": "integer", "minimum": 0, "title": "People in the queue"}]
    )
    area: JsonObject = Field(examples=[{"type": "Point", "coordinates": [51.389, 35.6892], "radius_m": 100}])
    opens_at: Instant | None = None
    closes_at: Instant
    reward: Annotated[Amount, AfterValidator(_positive)] = Field(examples=["0.50"])
    slots: int = Field(default=1, ge=1, le=rules.MAX_SLOTS, strict=True)
    tier: int | None = Field(default=None, ge=0, le=2, description="At least the tier the reward needs.")
    licence: Licence = Licence.BUYER_ONLY
    purpose: Text = Field(examples=["Forecasting queue lengths"])
    max_freshness_s: float | None = Field(default=None, ge=1, le=86_400)
    stream: StreamBody | None = None
    approval: str | None = Field(
        default=None, pattern=r"^apr_[0-9a-z]{26}$", description="The approval of exactly this post."
    )

    @model_validator(mode="after")
    def _stream_fits(self) -> PostBounty:
        if (self.kind is Kind.STREAM) != (self.stream is not None):
            raise ValueError("`stream` is given exactly for kind stream")
        return self

    def as_asked(self) -> dict[str, Any]:
        """The body without the approval it names: what an approval is for."""
        return self.model_dump(mode="json", exclude={"approval"})

    def fingerprint(self) -> str:
        """The same for the same request, however it was written."""
        return request_hash(json.dumps(self.as_asked(), sort_keys=True))

    def to_ask(self, now: datetime, max_freshness_s: float) -> Ask:
        """The ask with defaults filled in. Raises ValueError on an area that cannot be."""
        tier = self.tier if self.tier is not None else _tier(self.reward)
        return Ask(
            kind=self.kind,
            ask=self.ask,
            answer_schema=self.answer_schema,
            area=area_from_geojson(dict(self.area)),
            opens_at=self.opens_at or now,
            closes_at=self.closes_at,
            reward=self.reward,
            slots=self.slots,
            tier=tier,
            licence=self.licence,
            purpose=self.purpose,
            max_freshness_s=self.max_freshness_s or max_freshness_s,
            stream=StreamTerms(**self.stream.model_dump()) if self.stream else None,
        )


def _tier(reward: Money) -> int:
    try:
        return rules.tier_for(reward)
    except ValueError:
        return len(rules.TIERS)  # refused by name in service.post_bounty


class BountyShape(Shape):
    """A bounty as its payer sees it. `slots_pending` are claimed or under judgement: they may still cost."""

    id: str
    status: str
    kind: str
    ask: str
    answer_schema: dict[str, Any]
    area: dict[str, Any]
    opens_at: datetime
    closes_at: datetime
    reward: Amount
    fee: Amount
    slots: int
    slots_open: int
    slots_pending: int
    tier: int
    licence: str
    purpose: str
    max_freshness_s: float
    stream: dict[str, Any] | None
    created_at: datetime
    observations: list[str]


class ApprovalShape(Shape):
    """A post that a key asked for. `request` is its body: post it, with `approval`, once it is approved."""

    id: str
    status: Literal["waiting", "approved", "refused", "used", "lapsed"]
    key: str
    amount: Amount
    summary: str
    request: dict[str, Any]
    created_at: datetime
    lapses_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    bounty: str | None


class ApprovalPage(Shape):
    """One page of approvals, newest first."""

    items: list[ApprovalShape]
    next: str | None


class BountyPage(Shape):
    """One page; `next` is the `after` of the page that follows, null at the end."""

    items: list[BountyShape]
    next: str | None


class Card(Shape):
    """A bounty as a contributor nearby sees it. Who asks is not shown."""

    id: str
    kind: str
    ask: str
    answer_schema: dict[str, Any]
    area: dict[str, Any]
    distance_m: float
    closes_at: datetime
    reward: Amount
    slots_open: int
    tier: int
    licence: str
    purpose: str


class Cards(Shape):
    """Bounties nearby, nearest first."""

    items: list[Card]


class ClaimBounty(Body):
    """Claims a slot for one of the caller's devices."""

    device: str = Field(pattern=r"^dev_[0-9a-z]{26}$")


class Challenge(Shape):
    """What the capture must be bound to.

    `code` is empty where the tier asks for none. `burst`: frames and motion around the shutter are
    asked for, as one file whose SHA-256 stands in the statement as "burst"; in it the phone is moved as
    `pan` says: a letter a turn and back, L left, R right, U up, D down; then "<" or ">", a step of a
    hand's breadth (10 to 20 cm) to the left or right, from which it does not come back.
    """

    nonce: str
    code: str
    instruction: str
    burst: bool
    pan: str
    issued_at: datetime
    max_freshness_s: float


class ClaimShape(Shape):
    """A claim."""

    id: str
    bounty: str
    kind: str
    status: str
    deadline: datetime
    reward: Amount
    challenge: Challenge
    stream: dict[str, Any] | None


class Commit(Body):
    """The SHA-256 of the statement, and the device's signature over it."""

    commitment: Hex32
    signature: B64u


class Committed(Shape):
    """When the server got the commitment: the end of the freshness interval."""

    received_at: datetime


class Delivered(Shape):
    """What the server received."""

    sha256: str
    size: int


class SendPart(Body):
    """One signed batch of readings."""

    part: int = Field(ge=0, lt=1000)
    payload: Exact = Field(min_length=2, max_length=65_536)
    signature: B64u


class PartShape(Shape):
    """A part that was taken."""

    part: int
    readings: int
    next_part: int


class SubmitCapture(Body):
    """Hands the capture in: the exact statement that was committed to, and the answer."""

    statement: Exact = Field(min_length=2, max_length=4096)
    signature: B64u
    answer: Json = None


class CaptureShape(Shape):
    """A capture as its contributor sees it."""

    id: str
    claim: str
    bounty: str
    status: str
    verdict: Literal["accept", "review", "reject"] | None
    reasons: list[str]
    reward: Amount
    paid: Amount | None
    submitted_at: datetime
    judged_at: datetime | None


class CapturePage(Shape):
    """One page of captures, newest first."""

    items: list[CaptureShape]
    next: str | None


class Appeal(Body):
    """Asks a person to look again, with reasons."""

    statement: Text


class Decide(Body):
    """A reviewer's word."""

    verdict: Literal[Verdict.ACCEPT, Verdict.REJECT]
    note: Text


class Clawback(Body):
    """Why an accepted capture's reward is taken back."""

    why: Text


class ReviewShape(Shape):
    """A capture that waits for a person, with everything the verifier found."""

    capture: str
    bounty: str
    status: str
    ask: str
    answer: Json
    report: dict[str, Any] | None
    untrusted_statement: str | None
    media: list[str]


class Reviews(Shape):
    """Captures that wait for a person, oldest first."""

    items: list[ReviewShape]


class FindingShape(Shape):
    """One check's word."""

    check: str
    version: str
    family: str
    status: str
    llr: float
    reason: str


class MediaShape(Shape):
    """Bytes of an observation, made for the buyer: no metadata."""

    sha256: str
    media_type: str
    url: str


class Dependence(Shape):
    """Groups that this observation shares with others of the same buyer: equal values err together."""

    contributor: str
    device: str


class ObservationShape(Shape):
    """A verified observation.

    The probabilities are the checks', also where a person (`judged_by`) looked and accepted; null where no
    check could run. `frauds`: the probability of each way to be false, which with `p_genuine` make 1.
    `revoked`: disproved since, and its price and fee given back.
    """

    id: str
    bounty: str
    capture: str
    kind: str
    answer: Json
    p_genuine: float | None
    p_genuine_interval: tuple[float, float] | None
    p_answer: float | None
    frauds: dict[str, float]
    judged_by: Literal["policy", "reviewer"]
    dependence: Dependence
    observed_from: datetime
    observed_to: datetime
    cell: str
    findings: list[FindingShape]
    media: list[MediaShape]
    reward: Amount
    revoked: bool


class ObservationPage(Shape):
    """One page of observations, newest first."""

    items: list[ObservationShape]
    next: str | None


class Waited(Shape):
    """What `wait` came back with."""

    bounty: BountyShape
    observations: list[ObservationShape]


class ReceiptShape(Shape):
    """A receipt and its proof. The last three are null until the log has sequenced the leaf."""

    receipt: str
    leaf_index: int | None
    checkpoint: str | None
    inclusion: list[str] | None
