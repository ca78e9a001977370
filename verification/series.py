"""Series of readings as small sets of marks, so that a series handed in again is found by look-up.

A mark is 63 bits of the SHA-256 of one reading (its instant and value, exactly as numbers). A series
keeps the K smallest marks: a bottom-K sketch (Broder 1997; Cohen and Kaplan 2007), in which the share of
common marks estimates the share of common readings, at a cost that does not grow with the series.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from verification.evidence import Part
from verification.statement import instant_of, number, parse_object

K = 32
MAX_PART = 1_000_000  # characters of one payload


def marks(parts: Iterable[Part]) -> dict[int, float]:
    """The series' K smallest marks, each with the value of its reading; unreadable rows are left out."""
    found: dict[int, float] = {}
    for part in parts:
        payload = parse_object(part.payload, MAX_PART)
        rows = payload.get("readings") if payload is not None else None
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, list) and len(row) == 3:
                at, value = instant_of(row[1]), number(row[2])
                if at is not None and value is not None:
                    found[_mark(f"{at.timestamp():.6f} {value!r}")] = value
    return {mark: found[mark] for mark in sorted(found)[:K]}


def _mark(reading: str) -> int:
    return int.from_bytes(hashlib.sha256(reading.encode()).digest()[:8], "big") >> 1
