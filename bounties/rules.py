"""Bounties, pure: states, tiers, terms, what may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from core.geo import Area
from core.money import Money
from verification.decoding import limits
from verification.evidence import Family, Verdict
from verification.policy import PHOTO_TIERS, STREAM_TIERS


class BountyState(StrEnum):
    """OPEN takes claims; the others take none. Judged captures still settle in any of them."""

    OPEN = "open"
    CLOSED = "closed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SlotState(StrEnum):
    """One paid-for capture of a bounty. Only an OPEN slot can be refunded."""

    OPEN = "open"
    RESERVED = "reserved"
    JUDGED = "judged"
    CLOSED = "closed"


class ClaimState(StrEnum):
    """A promise to fill a slot before a deadline."""

    ACTIVE = "active"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    ABANDONED = "abandoned"


class CaptureState(StrEnum):
    """A capture on its way to one verdict."""

    SUBMITTED = "submitted"
    EXAMINING = "examining"
    ACCEPTED = "accepted"
    REVIEW = "review"
    REJECTED = "rejected"
    APPEALED = "appealed"
    UPHELD = "upheld"
    REVOKED = "revoked"


class MemoryFault(StrEnum):
    """Why no more of a capture is remembered than its bytes' name; a person decides on it then."""

    ORIGINAL_LOST = "original_lost"
    NOT_READ = "not_read"  # the decoder came to no end with it, or the storage would not hand it out
    WORKERS_DIED = "workers_died"


class ApprovalState(StrEnum):
    """What a limited key asked its account for."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    USED = "used"
    LAPSED = "lapsed"


BOUNTY: Mapping[BountyState, frozenset[BountyState]] = {
    BountyState.OPEN: frozenset({BountyState.CLOSED, BountyState.EXPIRED, BountyState.CANCELLED}),
    # A reject that comes after the last slot was filled elsewhere never reopens a bounty.
    BountyState.CLOSED: frozenset(),
    BountyState.EXPIRED: frozenset(),
    BountyState.CANCELLED: frozenset(),
}
SLOT: Mapping[SlotState, frozenset[SlotState]] = {
    SlotState.OPEN: frozenset({SlotState.RESERVED, SlotState.CLOSED}),
    SlotState.RESERVED: frozenset({SlotState.OPEN, SlotState.JUDGED, SlotState.CLOSED}),
    SlotState.JUDGED: frozenset({SlotState.OPEN, SlotState.CLOSED}),
    SlotState.CLOSED: frozenset(),
}
CLAIM: Mapping[ClaimState, frozenset[ClaimState]] = {
    ClaimState.ACTIVE: frozenset({ClaimState.SUBMITTED, ClaimState.EXPIRED, ClaimState.ABANDONED}),
    ClaimState.SUBMITTED: frozenset(),
    ClaimState.EXPIRED: frozenset(),
    ClaimState.ABANDONED: frozenset(),
}
CAPTURE: Mapping[CaptureState, frozenset[CaptureState]] = {
    CaptureState.SUBMITTED: frozenset({CaptureState.EXAMINING}),
    CaptureState.EXAMINING: frozenset(
        {CaptureState.SUBMITTED, CaptureState.ACCEPTED, CaptureState.REVIEW, CaptureState.REJECTED}
    ),
    CaptureState.REVIEW: frozenset({CaptureState.ACCEPTED, CaptureState.REJECTED}),
    CaptureState.REJECTED: frozenset({CaptureState.APPEALED}),
    CaptureState.APPEALED: frozenset({CaptureState.ACCEPTED, CaptureState.UPHELD}),
    # Disproved while its reward was held back; its observation and receipt stay as they are.
    CaptureState.ACCEPTED: frozenset({CaptureState.REVOKED}),
    CaptureState.UPHELD: frozenset(),
    CaptureState.REVOKED: frozenset(),
}
APPROVAL: Mapping[ApprovalState, frozenset[ApprovalState]] = {
    ApprovalState.WAITING: frozenset({ApprovalState.APPROVED, ApprovalState.REFUSED, ApprovalState.LAPSED}),
    ApprovalState.APPROVED: frozenset({ApprovalState.USED, ApprovalState.LAPSED}),
    ApprovalState.REFUSED: frozenset(),
    ApprovalState.USED: frozenset(),
    ApprovalState.LAPSED: frozenset(),
}
LIVE_APPROVALS = frozenset({ApprovalState.WAITING, ApprovalState.APPROVED})
REFUSED = frozenset({CaptureState.REJECTED, CaptureState.APPEALED, CaptureState.UPHELD, CaptureState.REVOKED})
UNJUDGED = frozenset({CaptureState.SUBMITTED, CaptureState.EXAMINING})
STATE_OF = {
    Verdict.ACCEPT: CaptureState.ACCEPTED,
    Verdict.REVIEW: CaptureState.REVIEW,
    Verdict.REJECT: CaptureState.REJECTED,
}


class Kind(StrEnum):
    """What is asked for."""

    PHOTO = "photo"
    VIDEO = "video"
    STREAM = "stream"


class Licence(StrEnum):
    """What the buyer may do with the capture (SPDX where one exists)."""

    BUYER_ONLY = "buyer-only"
    CC_BY = "CC-BY-4.0"
    CC0 = "CC0-1.0"


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of the tier table.

    Attributes:
        cap: the largest reward of the tier.
        hold_back: how long a reward waits before it can be paid out.
        review_within: a review not done by then is decided by `review_default`.
    """

    cap: Money
    hold_back: timedelta
    review_within: timedelta
    review_default: Verdict


TIERS: tuple[Tier, ...] = (
    Tier(Money.parse("1"), timedelta(0), timedelta(days=1), Verdict.REJECT),
    Tier(Money.parse("10"), timedelta(days=1), timedelta(days=2), Verdict.REJECT),
)
"""T0 and T1. T2 (over $10) needs attested devices or two witnesses, and no device here can attest yet:
it is refused rather than sold at T1's strength (docs/decisions/0004)."""
HIGHEST_TIER: Mapping[Kind, int] = {Kind.PHOTO: 1, Kind.VIDEO: 0, Kind.STREAM: 1}
"""What each kind is offered up to. A video at T1 would have to show code, turns and step too, and nothing has
measured yet how often an honest one does or a cheat's: it is refused rather than sold unmeasured
(docs/decisions/0012)."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What may be uploaded as a capture's media: Content-Types, and bytes at most."""

    types: frozenset[str]
    limit: int


MEDIA: Mapping[Kind, Upload] = {
    Kind.PHOTO: Upload(frozenset({*limits.MEDIA_TYPES.values(), limits.ALSO_HEIC}), limits.MAX_BYTES),
    Kind.VIDEO: Upload(frozenset({"video/mp4", "video/quicktime", "video/webm"}), limits.FILM_BYTES),
}
MAX_MEDIA = max(upload.limit for upload in MEDIA.values())
VIDEO_SECONDS = (5.0, 20.0)
VIDEO_SLACK_S = (0.5, 1.0)
"""What a video is asked to last, and what a recorder's clock may miss of it and go beyond."""

LET_GO_WITHIN = timedelta(days=1)
FREE_LET_GO = 5
FIRST_COOL_DOWN = timedelta(hours=1)
LONGEST_COOL_DOWN = timedelta(hours=12)
MAX_SLOTS = 500
MAX_WINDOW = timedelta(days=31)
APPROVAL_LASTS = timedelta(days=1)
APPEAL_WITHIN = timedelta(days=7)
MAX_ATTEMPTS = 5
"""Of a worker at examining one capture, before a person must."""
MAX_REMEMBERINGS = 3
"""Tries at putting one capture into the memory: all later ones wait meanwhile, a minute and a half for each
film that does not come to its end."""
MAX_REFUSED = 3
MAX_REFUSED_ANYWHERE = 10
REFUSED_WITHIN = timedelta(days=1)
"""How often one contributor may be refused on one bounty, and in all, in this time: a verdict is an answer,
and who gets many can feel their way to a capture that passes."""
TRY_AGAIN = timedelta(minutes=1)


def tier_for(reward: Money) -> int:
    """The lowest tier whose cap holds a reward. Raises ValueError over the highest."""
    for number, tier in enumerate(TIERS):
        if reward <= tier.cap:
            return number
    raise ValueError(f"rewards over {TIERS[-1].cap} need a tier this market does not offer yet")


def video_fault(seconds: float) -> str | None:
    """What is wrong with a video's length, as its contributor is told; None when nothing is."""
    if seconds < VIDEO_SECONDS[0] - VIDEO_SLACK_S[0]:
        return "video_too_short"
    return "video_too_long" if seconds > VIDEO_SECONDS[1] + VIDEO_SLACK_S[1] else None


def matures_at(tier: int, now: datetime) -> datetime:
    """When a reward earned now may be paid out."""
    return now + TIERS[tier].hold_back


def required_families(kind: str, tier: int) -> frozenset[Family]:
    """The families a capture of this kind and tier must have."""
    return (STREAM_TIERS if kind == Kind.STREAM else PHOTO_TIERS)[tier]


def needs_burst(kind: str, tier: int) -> bool:
    """Whether a capture must come with the frames and the motion around its shutter."""
    return Family.MOTION in required_families(kind, tier)


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """What one window of a stream must hold. `unit` is a UCUM code such as "Cel"."""

    unit: str
    minimum: float
    maximum: float
    readings_per_window: int
    min_interval_s: float

    def wire(self) -> dict[str, Any]:
        """As it stands in the bounty, the claim and the receipt."""
        return {
            "unit": self.unit,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "readings_per_window": self.readings_per_window,
            "min_interval_s": self.min_interval_s,
        }


@dataclass(frozen=True, slots=True)
class Ask:
    """A bounty as asked for, before it is published."""

    kind: Kind
    ask: str
    answer_schema: Mapping[str, Any]
    area: Area
    opens_at: datetime
    closes_at: datetime
    reward: Money
    slots: int
    tier: int
    licence: Licence
    purpose: str
    max_freshness_s: float
    stream: StreamTerms | None

    def terms(self) -> dict[str, Any]:
        """The JSON a receipt binds: everything a contributor agreed to."""
        return {
            "kind": self.kind.value,
            "ask": self.ask,
            "answer_schema": dict(self.answer_schema),
            "area": self.area.geojson(),
            "opens_at": self.opens_at.isoformat(),
            "closes_at": self.closes_at.isoformat(),
            "reward": str(self.reward),
            "slots": self.slots,
            "tier": self.tier,
            "licence": self.licence.value,
            "purpose": self.purpose,
            "max_freshness_s": self.max_freshness_s,
            "stream": self.stream.wire() if self.stream else None,
        }


def summary(ask: Ask, amount: Money) -> str:
    """An ask and its price in one line, for whoever approves it."""
    words = " ".join(ask.ask.split())
    shown = words if len(words) <= 120 else f"{words[:119]}…"
    centre = ask.area.centre
    return (
        f"{amount} USD for {ask.slots} x {ask.kind.value} at {ask.reward} plus fee, within "
        f"{ask.area.radius_m:.0f} m of {centre.lat:.5f},{centre.lon:.5f}: {shown}"
    )


def texts_in(value: object) -> list[str]:
    """Every string anywhere in a JSON value, keys too: all of it is shown to contributors."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in (*value.keys(), *value.values()) for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return []


def window_fault(ask: Ask, now: datetime) -> str | None:
    """What is wrong with the times of an ask, in words; None when nothing is."""
    if ask.closes_at <= now:
        return "closes_at is in the past"
    if ask.closes_at <= ask.opens_at:
        return "closes_at is not after opens_at"
    if ask.closes_at - now > MAX_WINDOW:
        return f"closes_at is over {MAX_WINDOW.days} days away"
    return None


def stream_fault(ask: Ask, claim_for: timedelta, now: datetime) -> str | None:
    """Why no window of a stream could ever be handed in, in words; None when one can.

    A window is measured and committed to between its claim's challenge and whatever comes first: the claim's
    end, the challenge's, the bounty's closing. What checks allow beyond is for clocks that are wrong.
    """
    if ask.stream is None or window_fault(ask, now) is not None:
        return None
    count, apart = ask.stream.readings_per_window, ask.stream.min_interval_s
    bounds = (
        (claim_for.total_seconds(), "a claim ends after"),
        (ask.max_freshness_s, "max_freshness_s is"),
        ((ask.closes_at - max(ask.opens_at, now)).total_seconds(), "the bounty is open for"),
    )
    allowed, what = min(bounds)
    needed = (count - 1) * apart
    if needed <= allowed:
        return None
    return f"{count} readings {apart:g} s apart take {needed:g} s, and {what} {allowed:g} s"


def cool_down(let_go: int) -> timedelta:
    """How long a contributor waits who let `let_go` claims go within a day, from when the last was made.

    FREE_LET_GO (five) cost nothing: people are interrupted. The sixth makes the next claim wait an hour,
    each further one twice as long, so that nobody keeps a bounty's slots from others by claiming them
    again and again.
    """
    beyond = let_go - FREE_LET_GO
    if beyond <= 0:
        return timedelta(0)
    return min(LONGEST_COOL_DOWN, FIRST_COOL_DOWN * (1 << min(beyond, 8) - 1))
