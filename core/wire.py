"""Types that every wire schema shares: amounts, untrusted text, strict bodies."""

from __future__ import annotations

import math
import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)

from core import clock
from core.money import Money


class Body(BaseModel):
    """A request body: unknown fields and NaN are refused, never ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Shape(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


def _money(value: object) -> Money:
    if isinstance(value, Money):
        return value
    if not isinstance(value, str):
        raise ValueError('an amount is a decimal string such as "0.50"')
    return Money.parse(value)


Amount = Annotated[
    Money,
    BeforeValidator(_money),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$", "examples": ["0.50"]}
    ),
]
"""Dollars as a decimal string with at most six decimals."""


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BREAKS = dict.fromkeys(map(ord, "\t\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")
# Letters, marks and symbols by category that nobody sees (Unicode's Default_Ignorable_Code_Point, and
# the empty Braille cell). U+FE00.. and U+E0100.. are variation selectors: any byte fits in one.
_UNSEEN = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)


def plain_text(text: str) -> str:
    """Text without invisible characters: controls, formats (zero width, bidi, tags), surrogates, private use,
    variation selectors, blanks that pass for letters.

    Line feeds stay, other breaks and tabs become spaces (else they would join the words
    beside them). What a person or a picture wrote is shown to agents, and agents can be talked to by
    characters people do not see (OWASP LLM01).
    """
    spaced = text.replace("\r\n", "\n").translate(_BREAKS)
    kept = (c for c in spaced if c == "\n" or unicodedata.category(c) not in _INVISIBLE)
    cleaned = "".join(c for c in kept if ord(c) not in _UNSEEN)
    return unicodedata.normalize("NFC", cleaned).strip()


def _not_blank(text: str) -> str:
    cleaned = plain_text(text)
    if not cleaned:
        raise ValueError("text with nothing visible in it")
    return cleaned


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_not_blank)]
"""A short label."""
Text = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_not_blank)]
"""A sentence or a few."""
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in hex."""
B64u = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,1000}$")]
"""Base64url without padding."""


def _instant(value: object) -> datetime:
    # Not what pydantic would take too: a number as seconds since 1970, a time without an offset.
    if isinstance(value, datetime) and value.tzinfo is not None:
        return clock.utc(value)
    if not isinstance(value, str):
        raise ValueError("a time is RFC 3339 text with an offset")
    return clock.parse_instant(value)


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""RFC 3339 with an offset; here in UTC."""

MAX_JSON_DEPTH = 12


def _exact(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text with a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text with half a character") from error
    return text


Exact = Annotated[str, AfterValidator(_exact)]
"""Text kept to the byte (it was signed), but storable: no NUL, no lone surrogate."""


def _finite(value: JsonValue, depth: int = 0) -> JsonValue:
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"JSON nested over {MAX_JSON_DEPTH} deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("NaN and infinity are no JSON")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("an integer over 64 bits")
    if isinstance(value, str):
        _exact(value)
    elif isinstance(value, list):
        for item in value:
            _finite(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _exact(key)
            _finite(item, depth + 1)
    return value


Json = Annotated[JsonValue, AfterValidator(_finite)]
"""Any JSON a database can hold: finite numbers, storable text, at most 12 deep."""
JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_finite)]
"""As `Json`, an object."""


def cleaned(value: JsonValue) -> JsonValue:
    """JSON with every text in it cleaned as `plain_text` does: what a stranger answered, as it is shown."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {plain_text(key): cleaned(item) for key, item in value.items()}
    return value
