"""What a verdict is made from and made of: frozen values, no behaviour, no import but `core` values.

`Evidence` is all a check may know of a capture; `Finding` all a check may say; `Report` all a
verdict rests on. Evidence is assembled by the caller (bounties), so that this package knows
nothing of bounties or money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from core.geo import Area, Spot

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Family(StrEnum):
    """Evidence families: checks that err together share one, and with it one cap."""

    INTEGRITY = "integrity"  # the bytes are one sound file
    SESSION = "session"  # our nonce, its key, in time
    PLACE = "place"  # where the device says it was
    TIME = "time"  # clocks and the sun
    PROVENANCE = "provenance"  # who else signed the file
    METADATA = "metadata"  # what the file says of itself
    ATTESTATION = "attestation"  # what the device's maker says of it
    CHALLENGE = "challenge"  # the code that was asked for stands in the scene
    MOVES = "moves"  # the phone was moved as it was asked to be
    MOTION = "motion"  # what the frames saw move and what the sensors felt agree
    BELONGING = "belonging"  # photo and code are part of the scene that was filmed
    DEPTH = "depth"  # the scene is no plane
    LIGHT = "light"  # the scene answers the torch
    RECAPTURE = "recapture"  # a picture of a picture
    SPLICE = "splice"  # a picture made of pieces
    SCENE = "scene"  # it looks like the place
    DUPLICATE = "duplicate"  # seen before
    CAMERA = "camera"  # sensor noise of accounts
    CONTENT = "content"  # it shows what was asked
    BEHAVIOUR = "behaviour"  # what this account did before
    STREAM = "stream"  # an instrument's readings
    ANSWER = "answer"  # kept apart, as is the next: what the picture says of the answer
    AGREEMENT = "agreement"  # what other people answered


ABOUT_ANSWER = frozenset({Family.ANSWER, Family.AGREEMENT})
"""The families that say whether the answer is right, given a genuine capture, and nothing else."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    ABSTAIN = "abstain"
    HARD_FAIL = "hard_fail"
    ERROR = "error"


class Verdict(StrEnum):
    """What is done with a capture."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked, as far as truth depends on it.

    Attributes:
        kind: "photo", "video" (one file) or "stream".
        tier: 0, 1 or 2.
        required: families without which no capture of this tier is accepted.
        area / opens_at / closes_at: where and when; None only outside the market, where none was told.
        stake_micros: what a wrong accept costs: the reward, in micro-dollars.
        answer_schema: JSON Schema of the answer; may be empty.
        harm_per_stake: harm of a wrong accept beyond the stake, in stakes, as the asker states it; None: as
            the calibration has it.
    """

    bounty: str
    kind: str
    tier: int
    required: frozenset[Family]
    area: Area | None
    opens_at: datetime | None
    closes_at: datetime | None
    ask: str
    answer_schema: Mapping[str, Json]
    stake_micros: int
    harm_per_stake: float | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """The capture session as the server recorded it, and what the device signed.

    Outside the market (`outside`) any of it may be unknown: names, nonce, statement, key and signature
    are then empty, times None. In the market nothing is, and what is empty there is refused.

    Attributes:
        nonce: hex of the 32 random bytes issued with the claim.
        code: what must be seen in the scene (4..64 characters; the market draws six), or "" when none
            was asked.
        issued_at / deadline: server times of the claim.
        max_freshness_s: longest allowed [challenge issued, commitment received].
        commitment / committed_at: SHA-256 the device sent and when the server got it; None if never.
        statement: the exact UTF-8 text the device signed (see `agent_sdk.device` for its keys).
        signature: over b"spotcheck-statement-v1\n" + SHA-256(statement).
        algorithm / public_key: "ES256" or "Ed25519"; DER SubjectPublicKeyInfo.
        nonce_uses: captures submitted earlier under this nonce (0 for an honest one).
        pan: the order in which the phone had to be moved: turns, letters of "LRUD" (left, right, up, down),
            and after them perhaps a step aside, "<" or ">" (left, right); "" when none was asked.
        torch: "1" and "0", lit and dark, the pattern asked of the phone's torch in equal steps of the
            burst, "" when none was.
        outside: judged outside the market, by the rules of docs/examine.md; never set by the market.
        verified_upstream: outside only: whoever hands the capture in has checked its signature.
    """

    claim: str
    account: str
    device: str
    device_revoked: bool
    algorithm: str
    public_key: bytes
    nonce: str
    code: str
    issued_at: datetime | None
    deadline: datetime | None
    max_freshness_s: float
    commitment: bytes | None
    committed_at: datetime | None
    statement: str
    signature: bytes
    submitted_at: datetime | None
    nonce_uses: int = 0
    pan: str = ""
    torch: str = ""
    outside: bool = False
    verified_upstream: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One signed batch of a stream: the exact payload text, its signature, when it came."""

    number: int
    payload: str
    signature: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Burst:
    """What the camera saw around the shutter, and what the phone felt meanwhile.

    Attributes:
        frames: encoded stills, in order; () when only the motion came.
        times: seconds, rising, on the clock of `motion`, one a frame; () when unknown: then the frames are
            spread evenly over the motion.
        motion: CSV with the header t,gx,gy,gz,ax,ay,az; seconds, rad/s, m/s^2 with gravity, in the device's
            axes (W3C: x right, y up, z out of the screen); "" when there is none.
        sha256: hex, of the file it came in, which the statement must name; "" when it came in none.
    """

    frames: tuple[bytes, ...]
    times: tuple[float, ...] = ()
    motion: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account did before this capture: its age, and its captures accepted and rejected."""

    age_days: float
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Other:
    """What another accepted capture of the same bounty answered.

    Attributes:
        accuracy: probability 0..1 that it is right, judged without any others.
        ties: what it may share with this or another one, such as "account:acc_1" or "device:dev_2".
    """

    answer: Json
    accuracy: float
    ties: frozenset[str]


@dataclass(frozen=True, slots=True)
class Attestation:
    """What the device's maker signed about its key, and what the server recorded when it got it.

    Attributes:
        format: "apple-appattest" or "android-key"; another is one we cannot read.
        object: Apple: the attestation object (CBOR). Android: the certificate chain, the key's first, PEM or
            DER laid end to end.
        assertion: Apple: the assertion (CBOR) over this capture's statement; b"" when there is none.
        key_id: Apple: SHA-256 of the attested key, pinned at enrolment; b"" when it was not.
        challenge: what the server asked to be attested at enrolment; b"" when it was the claim's nonce.
        last_counter: Apple: of the newest assertion by this key that the server had seen before.
        received_at: when the server got the attestation; None when it came with the capture.
    """

    format: str
    object: bytes
    assertion: bytes = b""
    key_id: bytes = b""
    challenge: bytes = b""
    last_counter: int = 0
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the checks may know of one capture.

    Attributes:
        order: position among all submitted captures; earlier ones have smaller numbers.
        media: the original bytes; for a stream the parts joined as NDJSON.
        media_sha256: hex, of `media`, computed by the server on arrival; "" outside the market when no
            media came at all.
        answer: what the contributor answered; None when nothing was asked.
        installed_at: where an instrument is registered to stand; None for a phone.
        last_reading_at: when the newest reading was taken that this instrument handed in earlier.
        burst: frames and motion around the shutter; None when the capture came without.
        references: photographs (encoded) of the place, from whoever asks.
        examples: photographs (encoded) of what is asked for, of other places.
        standing: None when nothing is known of the account.
        others: earlier accepted captures of the same bounty that answered.
        ties: this capture's, as `Other.ties`.
        attestation: what the maker says of the device's key; None when it says nothing.
        timestamp: an RFC 3161 response or token over the media or the statement; b"" when there is none.
    """

    capture: str
    order: int
    terms: Terms
    session: Session
    media: bytes
    media_sha256: str
    answer: Json = None
    parts: tuple[Part, ...] = ()
    installed_at: Spot | None = None
    last_reading_at: datetime | None = None
    burst: Burst | None = None
    references: tuple[bytes, ...] = ()
    examples: tuple[bytes, ...] = ()
    standing: Standing | None = None
    others: tuple[Other, ...] = ()
    ties: frozenset[str] = frozenset()
    attestation: Attestation | None = None
    timestamp: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check function returns; the runner adds who said it and how long it took.

    Attributes:
        llr: natural-log likelihood ratio, genuine over not; 0 unless status is OK.
        reason: stable snake_case code, such as "outside_area".
        facts: small numbers and words that show why; never a secret, never another tenant's id.
    """

    status: Status
    reason: str
    llr: float = 0.0
    facts: Mapping[str, Json] = field(default_factory=dict)


def ok(llr: float, reason: str, **facts: Json) -> Outcome:
    """Evidence for (llr > 0) or against (llr < 0)."""
    return Outcome(Status.OK, reason, llr, facts)


def abstain(reason: str, **facts: Json) -> Outcome:
    """Nothing to go by."""
    return Outcome(Status.ABSTAIN, reason, 0.0, facts)


def hard_fail(reason: str, **facts: Json) -> Outcome:
    """Proof against: the capture is rejected whatever else is found."""
    return Outcome(Status.HARD_FAIL, reason, 0.0, facts)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's word on one capture. `llr` is already clipped to `bounds` (nats)."""

    check: str
    version: str
    family: Family
    status: Status
    llr: float
    bounds: tuple[float, float]
    reason: str
    facts: Mapping[str, Json]
    ms: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An earlier-submitted capture that this one was proven to copy.

    Attributes:
        capture: its id.
        proof: "bytes" (same SHA-256) or "geometry" (registered and the same picture).
    """

    capture: str
    proof: str
    score: float


@dataclass(frozen=True, slots=True)
class Derivative:
    """A copy made for the buyer: a picture re-encoded without metadata, a film's pictures in a new container
    without sound and metadata, or a stream's readings alone.

    `width` and `height` are pixels, None for a stream.
    """

    data: bytes
    sha256: str
    media_type: str
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """All a verdict rests on.

    Attributes:
        p_genuine: posterior in 0..1 with `interval` (low, high).
        p_answer: probability that the answer is right given a genuine capture; None if none was asked.
        frauds: probability of each way to be false (`verification.frauds`); with `p_genuine` they make 1.
        neighbours: proven copies among earlier captures; the settling transaction looks again at
            what became of them.
        calibration: name and SHA-256 of the fusion constants used.
        models: name -> SHA-256 of every weights file that took part.
        engine: device and the reason it was chosen, e.g. "cpu: no CUDA device".
    """

    capture: str
    verdict: Verdict
    p_genuine: float
    interval: tuple[float, float]
    p_answer: float | None
    frauds: Mapping[str, float]
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    neighbours: tuple[Neighbour, ...]
    derivatives: tuple[Derivative, ...]
    calibration: str
    models: Mapping[str, str]
    engine: str
    ms: float
