"""A capture outside the market: its evidence, and the earlier captures it must not repeat.

`load` reads a context file (docs/examine.md is its page); the red team makes contexts in code. Either
way the same `verification.pipeline.examine` judges them.

What the capturer says (`statement`, `motion`, pictures) is judged by the checks and may be nonsense; what
the caller says (all else) must be sound, or `load` refuses the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.geo import Spot
from verification import policy
from verification.answers import fits, schema_fault
from verification.codes import LONGEST, SHORTEST, readable
from verification.decoding.limits import FILM_BYTES
from verification.evidence import Attestation, Burst, Evidence, Json, Session, Standing, Terms
from verification.film import is_film
from verification.given import Files, Given, read_json, refused
from verification.signing import public_key, statement_text, unspelt
from verification.statement import Said, moments_in

PRICE_CAPS = (1_000_000, 10_000_000, 20_000_000)  # micro-dollars: what is at stake where no reward is named
KINDS = ("photo", "burst", "video")
CHALLENGES = ("none", "qr", "pan", "torch")
MAX_FRAMES = 64  # of a burst
MAX_PATHS = 1_000
MAX_REFERENCES, MAX_EXAMPLES = 4, 3  # as many as the checks look at
MAX_MEMORY = 10_000
_DIRECTIONS = {
    "left": "L",
    "right": "R",
    "up": "U",
    "down": "D",
    "step left": "<",
    "step right": ">",
}
_ASKED = {
    "qr": f"code that can be read ({SHORTEST} to {LONGEST} printable ASCII characters, {SHORTEST} of them "
    "letters or digits)",
    "pan": "order of turns (letters of LRUD, and at the end perhaps < or >)",
    "torch": "row of 2 to 64 steps, 1 and 0, with both in it",
}
_ORDER = re.compile(r"[LRUD]{1,16}[<>]?")


@dataclass(frozen=True, slots=True)
class Earlier:
    """A capture that was submitted before.

    Attributes:
        media: its original bytes.
        account: who handed it in; "" when not known.
        spot / captured_at: where and when, as far as it is known.
    """

    media: bytes
    account: str
    spot: Spot | None = None
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One capture to judge. `memory` is oldest first; all of it came before the evidence."""

    evidence: Evidence
    memory: tuple[Earlier, ...] = ()


def load(path: Path) -> Context:
    """Reads a context file.

    Raises:
        BadInput: it cannot be read, is no JSON object of the stated keys, types and ranges, or names a file
            that cannot be read. `hint` says what to do; `facts["at"]` says where.
    """
    return read(read_json(path), path.parent, name=path.name)


def read(value: Mapping[str, Json], folder: Path, *, name: str = "context") -> Context:
    """The same from a parsed value; paths are relative to `folder`.

    Raises:
        BadInput: as `load`.
    """
    given = Given(value, Files(folder))
    given.only(_KEYS)
    session = _session(given)
    terms, references = policy.asked(_terms(given), session), _pictures(given, "references", MAX_REFERENCES)
    terms = policy.referenced(terms) if references else terms
    burst, media = _watched(given) if terms.kind == "video" else _seen(given)
    memory = tuple(_earlier(entry) for entry in given.parts("memory", MAX_MEMORY))
    evidence = Evidence(
        capture=name,
        order=len(memory) + 1,
        terms=terms,
        session=session,
        media=media or b"",
        media_sha256=hashlib.sha256(media).hexdigest() if media is not None else "",
        answer=_answer(given, terms),
        burst=burst,
        references=references,
        examples=_pictures(given, "examples", MAX_EXAMPLES),
        standing=_standing(given.part("account")),
        attestation=_attestation(given),
        timestamp=given.data("timestamp"),
    )
    return Context(evidence, memory)


_KEYS = (
    "file", "frames", "kind", "bounty", "claim", "answer", "statement", "session", "received_at", "account",
    "motion", "references", "examples", "memory", "tier", "attestation", "timestamp",
)  # fmt: skip


def _terms(given: Given) -> Terms:
    bounty = given.part("bounty")
    bounty.only(
        ("lat", "lon", "radius_m", "opens_at", "closes_at", "ask", "answer_schema", "tier", "reward_micros")
    )
    reward = bounty.whole("reward_micros", 0, 10**12)
    tier = _tier(given, bounty, reward)
    return Terms(
        bounty="bty_outside",
        kind=_kind(given),
        tier=tier,
        required=policy.PHOTO_TIERS[tier],
        area=bounty.area(),
        opens_at=bounty.instant("opens_at"),
        closes_at=bounty.instant("closes_at"),
        ask=bounty.text("ask", 2_000) or "",
        answer_schema=_schema(bounty),
        stake_micros=PRICE_CAPS[tier] if reward is None else reward,
    )


def _schema(bounty: Given) -> Mapping[str, Json]:
    schema = bounty.part("answer_schema")
    if fault := schema_fault(schema.values):
        raise refused(fault, schema.where)
    return schema.values


def _answer(given: Given, terms: Terms) -> Json:
    """What was answered; as the market does, one that does not fit what was asked is refused."""
    answer = given.values.get("answer")
    if answer is not None and terms.answer_schema and not fits(terms.answer_schema, answer):
        raise refused("the answer does not fit bounty.answer_schema", "answer")
    return answer


def _kind(given: Given) -> str:
    """ "video" for a film in one file; a burst, and a video given by its frames, is a photo with what
    surrounds it."""
    if given.choice("kind", KINDS) != "video" or given.values.get("frames"):
        return "photo"
    if not given.values.get("file"):
        raise refused("a video is one film in `file`, or its frames in `frames`", "file")
    return "video"


def _tier(given: Given, bounty: Given, reward: int | None) -> int:
    """What was said, else the lowest tier whose cap holds the reward, else T0."""
    tiers = ("T0", "T1", "T2")
    said, again = bounty.choice("tier", tiers), given.choice("tier", tiers)
    if said and again and said != again:
        raise refused("tier and bounty.tier differ", "tier")
    if said or again:
        return tiers.index(said or again or "T0")
    return next((tier for tier, cap in enumerate(PRICE_CAPS) if (reward or 0) <= cap), 2)


def _session(given: Given) -> Session:
    claim, account = given.part("claim"), given.part("account")
    claim.only(("nonce", "issued_at", "expires_at", "challenge"))
    said = _said(given.part("statement"))
    issued_at, expires_at = claim.instant("issued_at"), claim.instant("expires_at")
    if issued_at and expires_at and expires_at < issued_at:
        raise refused("claim.expires_at lies before claim.issued_at", "claim.expires_at")
    received_at = given.instant("received_at")
    upstream = given.part("session")
    upstream.only(("verified",))
    algorithm, key = _key(said.get("public_key"))
    kind, expected = _challenge(claim.part("challenge"))
    return Session(
        claim="",
        account=account.text("id", 200) or "",
        device=_words(said.get("device_id")),
        device_revoked=False,
        algorithm=algorithm,
        public_key=key,
        nonce=claim.text("nonce", 500) or "",
        code=expected if kind == "qr" else "",
        issued_at=issued_at,
        deadline=expires_at,
        max_freshness_s=(expires_at - issued_at).total_seconds() if issued_at and expires_at else 0.0,
        commitment=None,
        committed_at=received_at,
        statement=statement_text(said) if given.values.get("statement") is not None else "",
        signature=_signature(said.get("signature")),
        submitted_at=received_at,
        pan=expected if kind == "pan" else "",
        torch=expected if kind == "torch" else "",
        outside=True,
        verified_upstream=upstream.flag("verified"),
    )


def _said(statement: Given) -> Mapping[str, Json]:
    """What the device says; the market's name of a key and ours must not contradict each other."""
    moments = moments_in(Said(statement.values))
    if len(moments) > 1 and None not in moments:
        raise refused("statement.taken_at and statement.captured_at differ", statement.at("taken_at"))
    return statement.values


def _challenge(challenge: Given) -> tuple[str, str]:
    """Its type and what is expected, in the session's own letters; ("none", "") when nothing is asked."""
    challenge.only(("type", "expected"))
    kind, expected = challenge.choice("type", CHALLENGES), challenge.values.get("expected")
    if kind is None and expected is not None:
        raise refused("claim.challenge.expected stands without a type", challenge.at("type"))
    if kind in {None, "none"}:
        if expected not in (None, ""):
            raise refused("a claim without a challenge expects nothing", challenge.at("expected"))
        return "none", ""
    if expected is None:
        raise refused(f"claim.challenge.expected is missing for {kind}", challenge.at("expected"))
    spelt = {"qr": _code, "pan": _pan, "torch": _torch}[kind](expected)
    if not spelt:
        raise refused(f"claim.challenge.expected is no {_ASKED[kind]}", challenge.at("expected"))
    return kind, spelt


def _code(expected: Json) -> str:
    """A text that can be found where it stands, else ""."""
    return expected if isinstance(expected, str) and readable(expected) else ""


def _pan(expected: Json) -> str:
    """Letters of LRUD, and at the end perhaps "<" or ">", from such letters or from words ("left, up, step
    right" or ["left", "up", "step right"]); else ""."""
    words: Iterable[Json] = expected if isinstance(expected, list) else _split(expected)
    steps = [word.strip().lower() if isinstance(word, str) else "?" for word in words]
    letters = "".join(_DIRECTIONS.get(step, step.upper()) for step in steps)
    return letters if _ORDER.fullmatch(letters) else ""


def _split(expected: Json) -> list[Json]:
    text = expected if isinstance(expected, str) else "?"
    text = re.sub(
        r"step[\s-]+(left|right)", lambda step: "<" if step[1].lower() == "left" else ">", text, flags=re.I
    )
    return list(text.replace(",", " ").replace("-", " ").split())


def _torch(expected: Json) -> str:
    """ "1" and "0" from such a text or from a list of 0, 1, true, false; else ""."""
    steps = expected if isinstance(expected, list) else list(expected if isinstance(expected, str) else "?")
    plain = [
        "?" if isinstance(step, float) else str(int(step)) if isinstance(step, int) else step
        for step in steps
    ]
    text = "".join(step if isinstance(step, str) else "?" for step in plain)
    return text if 2 <= len(text) <= 64 and set(text) == {"0", "1"} else ""


def _key(value: Json) -> tuple[str, bytes]:
    """(algorithm, DER); ("", the bytes given) for what is no key we know, ("", b"") for none."""
    if value is None:
        return "", b""
    found = public_key(value) if isinstance(value, str) else None
    return found or ("", str(value).encode("utf-8", "replace") or b"?")


def _signature(value: Json) -> bytes:
    """The signature's bytes; b"?" for what is none in any spelling, b"" when there is none."""
    if value is None:
        return b""
    try:
        return (unspelt(value) if isinstance(value, str) else b"") or b"?"
    except ValueError:
        return b"?"


def _words(value: Json) -> str:
    return value[:200] if isinstance(value, str) else ""


def _seen(given: Given) -> tuple[Burst | None, bytes | None]:
    """The burst, and the photo.

    The photo is `file`; without one the frame whose SHA-256 the statement names; without that the middle
    frame, for a burst surrounds the shutter. Of more than MAX_FRAMES frames as many are kept, evenly.
    """
    paths = given.paths("frames", MAX_PATHS)
    named = given.part("statement").values.get("sha256")
    path = given.text("file", 4_096)
    photo = given.files.read(path, "file") if path is not None else None
    kept = {round(n * (len(paths) - 1) / (MAX_FRAMES - 1)) for n in range(MAX_FRAMES)}
    frames: list[bytes] = []
    middle = None
    for index, path in enumerate(paths):
        frame = given.files.read(path, f"frames[{index}]")
        if index in kept or len(paths) <= MAX_FRAMES:
            frames.append(frame)
        if photo is None and isinstance(named, str) and hashlib.sha256(frame).hexdigest() == named.lower():
            photo = frame
        if index == len(paths) // 2:
            middle = frame
    if given.values.get("kind") == "video" and frames and photo is not None and is_film(photo):
        raise refused("a video is one film in `file` or its frames in `frames`, not both", "frames")
    motion = _motion(given)
    burst = Burst(tuple(frames), motion=motion) if frames or motion else None
    return burst, photo if photo is not None else middle


def _watched(given: Given) -> tuple[Burst | None, bytes]:
    """The film, and what was felt while it was taken."""
    motion = _motion(given)
    film = given.files.read(given.text("file", 4_096) or "", "file", FILM_BYTES + 1)
    return Burst((), motion=motion) if motion else None, film


def _motion(given: Given) -> str:
    """The CSV text itself, or what the file of that name holds: a text of one line is a path."""
    text = given.text("motion", 4_000_000) or ""
    if text and "\n" not in text and "\r" not in text:
        return given.files.read(text, "motion").decode("utf-8", "replace")
    return text


def _pictures(given: Given, key: str, most: int) -> tuple[bytes, ...]:
    paths = given.paths(key, most)
    return tuple(given.files.read(path, f"{key}[{index}]") for index, path in enumerate(paths))


def _standing(account: Given) -> Standing | None:
    """Only when age and both counts are known."""
    account.only(("id", "age_days", "accepted", "rejected"))
    age = account.number("age_days", 0, 100_000)
    accepted, rejected = account.whole("accepted", 0, 10**9), account.whole("rejected", 0, 10**9)
    if age is None or accepted is None or rejected is None:
        return None
    return Standing(age, accepted, rejected)


def _attestation(given: Given) -> Attestation | None:
    """What the maker says, beside what the server recorded of it."""
    if given.values.get("attestation") is None:
        return None
    said = given.part("attestation")
    said.only(("format", "object", "assertion", "key_id", "challenge", "last_counter", "received_at"))
    return Attestation(
        format=said.text("format", 80) or "",
        object=said.data("object"),
        assertion=said.data("assertion"),
        key_id=said.data("key_id"),
        challenge=(said.text("challenge", 500) or "").encode("utf-8", "replace"),
        last_counter=said.whole("last_counter", 0, 2**32 - 1) or 0,
        received_at=said.instant("received_at"),
    )


def _earlier(entry: Given) -> Earlier:
    entry.only(("path", "account", "lat", "lon", "captured_at"))
    path = entry.text("path", 4_096)
    if not path:
        raise refused(f"{entry.at('path')} is missing", entry.at("path"))
    media = entry.files.read(path, entry.at("path"), FILM_BYTES + 1)
    return Earlier(media, entry.text("account", 200) or "", entry.spot(), entry.instant("captured_at"))
