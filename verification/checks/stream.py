"""stream: the parts are one unbroken, signed series of readings that fits what was asked.

Stops: parts from another claim or device, re-ordered, dropped or repeated parts, edited readings,
gaps, back-dated or too dense readings, values no such instrument can give, a stuck sensor.
How: every part's signature with the enrolled key, its claim, nonce and number; the sequence numbers
rise by exactly one across all parts; times rise and lie between the challenge and the submission; the
terms (`x-stream` in the answer schema) bound values, count and spacing. Any break is proof against.
Limits: an instrument fed with invented numbers passes: a replayed day with a little noise has the
right range and spacing (TRUTH 2f: no standard test flags it). An exact replay is
`replayed_readings`' to find; comparing with history and with neighbours is not written.
Source: ioos_qc / QARTOD (gross range, flat line, time gap); FROST and ThingsBoard issues on silent
drops (sequence numbers) and device time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.accounts.rules import part_message, signature_fits
from verification.case import Case
from verification.evidence import Evidence, Family, Json, Outcome, Part, hard_fail, ok
from verification.registry import check
from verification.statement import instant_of, number, parse_object

MAX_PART = 1_000_000  # characters of one payload
TOLERANCE = timedelta(minutes=2)  # between the instrument's clock and ours
STUCK_FROM = 10  # readings; fewer may well be equal
SOUND = 1.0
STUCK = -2.5


class _Broken(Exception):
    """A proof against the stream; `args[0]` is its reason code."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: its number in the whole stream, the instrument's time, the value."""

    sequence: int
    at: datetime
    value: float


@check("stream", family=Family.STREAM, version="1", cost=0, kinds={"stream"}, bounds=(STUCK, SOUND))
def stream(case: Case) -> Outcome:
    """Verifying a stream, in order; the first step that fails names the reason.

    1. the parts are those the statement counts and the media holds: no_parts, parts_missing,
       media_is_not_the_parts;
    2. each part: bad_part_signature, unreadable_part, part_of_other_claim, wrong_part_nonce,
       part_out_of_order;
    3. sequence_gap, time_not_increasing, readings_too_dense, outside_window; window_overlaps: a reading
       of a time that this instrument handed in before would be paid twice;
    4. against the terms: value_out_of_range, too_few_readings;
    5. ten or more equal values: OK but strongly negative, "stuck".
    """
    evidence = case.evidence
    terms = stream_terms(evidence)
    try:
        _complete(evidence, case.statement or {})
        readings = [reading for part in evidence.parts for reading in _readings(evidence, part)]
        _continuous(readings, evidence, terms.get("min_interval_s") or 0.0)
        _as_agreed(readings, terms)
    except _Broken as broken:
        return hard_fail(broken.args[0])
    values = {reading.value for reading in readings}
    facts: dict[str, Json] = {"readings": len(readings), "parts": len(evidence.parts), "values": len(values)}
    if len(values) == 1 and len(readings) >= STUCK_FROM:
        return ok(STUCK, "stuck", **facts)
    return ok(SOUND, "stream_sound", **facts)


def stream_terms(evidence: Evidence) -> dict[str, float]:
    """The numeric stream terms: minimum, maximum, readings_per_window, min_interval_s, where given."""
    agreed = evidence.terms.answer_schema.get("x-stream")
    if not isinstance(agreed, Mapping):
        return {}
    numbers = {key: number(value) for key, value in agreed.items()}
    return {key: value for key, value in numbers.items() if value is not None}


def _complete(evidence: Evidence, statement: Mapping[str, Json]) -> None:
    """Step 1."""
    parts = evidence.parts
    if not parts:
        raise _Broken("no_parts")
    if statement.get("parts") != len(parts):
        raise _Broken("parts_missing")
    if "\n".join(part.payload for part in parts).encode() != evidence.media:
        raise _Broken("media_is_not_the_parts")
    if [part.number for part in parts] != list(range(len(parts))):
        raise _Broken("part_out_of_order")


def _readings(evidence: Evidence, part: Part) -> Iterator[Reading]:
    """Step 2: one part's readings, once it is proven to be this claim's."""
    signed = evidence.session
    message = part_message(part.payload)
    if not signature_fits(signed.algorithm, signed.public_key, part.signature, message):
        raise _Broken("bad_part_signature")
    payload = parse_object(part.payload, MAX_PART)
    rows = payload.get("readings") if payload is not None else None
    if payload is None or not isinstance(rows, list):
        raise _Broken("unreadable_part")
    if payload.get("claim") != signed.claim:
        raise _Broken("part_of_other_claim")
    if payload.get("nonce") != signed.nonce:
        raise _Broken("wrong_part_nonce")
    if payload.get("part") != part.number:
        raise _Broken("part_out_of_order")
    for row in rows:
        yield _reading(row)


def _reading(row: Json) -> Reading:
    """[sequence, RFC 3339 time, value]."""
    if not isinstance(row, list) or len(row) != 3:
        raise _Broken("unreadable_part")
    sequence, at, value = row[0], instant_of(row[1]), number(row[2])
    if not isinstance(sequence, int) or isinstance(sequence, bool) or at is None or value is None:
        raise _Broken("unreadable_part")
    return Reading(sequence, at, value)


def _continuous(readings: list[Reading], evidence: Evidence, min_interval_s: float) -> None:
    """Step 3. Spacing may be a tenth shorter than agreed: instruments jitter."""
    for earlier, later in pairwise(readings):
        if later.sequence != earlier.sequence + 1:
            raise _Broken("sequence_gap")
        step_s = (later.at - earlier.at).total_seconds()
        if step_s <= 0:
            raise _Broken("time_not_increasing")
        if step_s < 0.9 * min_interval_s:
            raise _Broken("readings_too_dense")
    issued_at, submitted_at = evidence.session.issued_at, evidence.session.submitted_at
    if issued_at is None or submitted_at is None:
        raise _Broken("no_server_time")
    begin = issued_at - TOLERANCE
    end = min(submitted_at, evidence.terms.closes_at or submitted_at) + TOLERANCE
    before = evidence.last_reading_at
    if readings and before is not None and readings[0].at <= before:
        raise _Broken("window_overlaps")
    if readings and not (begin <= readings[0].at and readings[-1].at <= end):
        raise _Broken("outside_window")


def _as_agreed(readings: list[Reading], terms: Mapping[str, float]) -> None:
    """Step 4."""
    low, high = terms.get("minimum", float("-inf")), terms.get("maximum", float("inf"))
    if any(not low <= reading.value <= high for reading in readings):
        raise _Broken("value_out_of_range")
    if len(readings) < max(1.0, terms.get("readings_per_window", 1.0)):
        raise _Broken("too_few_readings")
