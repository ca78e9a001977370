"""What crosses the wire: amounts, text without invisible characters, JSON a database can hold."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core.money import Money
from core.wire import (
    MAX_JSON_DEPTH,
    Amount,
    B64u,
    Body,
    Exact,
    Hex32,
    Instant,
    Json,
    JsonObject,
    Name,
    Text,
    plain_text,
)

ANY_JSON: TypeAdapter[Any] = TypeAdapter(Json)
INVISIBLE = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e"  # zero width, soft hyphen
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"  # bidi
    "\U000e0001\U000e0041\U000e007f"  # tags
    "\ufe00\ufe0f\U000e0100\U000e01ef\u180b\u180f"  # variation selectors: any byte fits in one
    "\u034f\u115f\u1160\u3164\uffa0\u17b4\u2800"  # letters and marks nobody sees
    "\x00\x01\x08\x1b\x7f\x9b\ufff9\ufffb\ue000\U00100000\uffff\u2061\u2064\u206a"
)


@given(st.text())
def test_plain_text_hides_nothing(text: str) -> None:
    plain = plain_text(text)
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") for c in plain)
    assert not set(plain) & set(INVISIBLE)
    assert plain_text(plain) == plain
    plain.encode()


@pytest.mark.parametrize("char", INVISIBLE, ids=lambda c: f"U+{ord(c):04X}")
def test_an_invisible_character_is_removed_and_joins(char: str) -> None:
    assert plain_text(f"ki{char}ds") == "kids"
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(char)


@pytest.mark.parametrize("char", "\t\r\v\f\x85\u2028\u2029\x1c")
def test_a_break_separates_words_still(char: str) -> None:
    assert plain_text(f"her{char}house") == "her house"


def test_what_people_write_stays() -> None:
    for text in ("صف نانوایی", "größer als 3 m²", "行列は何人", "two\nlines", "naïve café", "emoji 🙂"):
        assert plain_text(text) == unicodedata.normalize("NFC", text)
    assert plain_text("cafe\u0301") == "café"
    assert plain_text("line one\r\nline two") == "line one\nline two"
    assert plain_text("half \ud83d a pair") == "half  a pair"


@given(
    st.lists(st.sampled_from("\t\n\r \u200b\u202e\U000e0020\u3164\u2028\ufe0f\x00"), min_size=1).map("".join)
)
def test_text_with_nothing_to_see_is_refused(text: str) -> None:
    for kind in (Name, Text):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(text)


STORABLE = st.characters(exclude_characters="\x00", codec="utf-8")
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(STORABLE, max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(STORABLE, max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


@given(JSON_VALUES)
def test_storable_json_passes_unchanged(value: object) -> None:
    if depth(value) <= MAX_JSON_DEPTH:
        assert ANY_JSON.validate_python(value) == value
        assert json.loads(json.dumps(value)) == value


def nested(levels: int, inner: object = 1) -> object:
    for level in range(levels):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


@given(st.integers(0, 10), st.sampled_from([
    float("nan"), float("inf"), float("-inf"), 2**63, -(2**63) - 1, 10**4000, "\x00", "a\x00b", "\ud800",
    "\udfff x",
    {"\x00": 1}, {"\ud800": 1}, {"a": {"b\x00": None}},
]))  # fmt: skip
def test_what_no_database_holds_is_refused_at_any_depth(levels: int, poison: object) -> None:
    for adapter in (ANY_JSON, TypeAdapter(JsonObject)):
        with pytest.raises(ValidationError):
            adapter.validate_python({"v": nested(levels, poison)})


def test_the_depth_is_limited_exactly() -> None:
    ANY_JSON.validate_python(nested(MAX_JSON_DEPTH))
    for levels in (MAX_JSON_DEPTH + 1, 100, 400):
        with pytest.raises(ValidationError):
            ANY_JSON.validate_python(nested(levels))


@pytest.mark.parametrize("value", ["\x00", "a\x00", "\ud800", "\udc00\ud800"])
def test_exact_text_is_storable(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Exact).validate_python(value)


@given(st.text(STORABLE))
def test_exact_text_is_kept_to_the_byte(text: str) -> None:
    assert TypeAdapter(Exact).validate_python(text) == text


class Paid(Body):
    reward: Amount


@given(st.integers(0, 10**15).map(Money))
def test_an_amount_crosses_the_wire_as_text(amount: Money) -> None:
    sent = Paid(reward=amount).model_dump_json()
    assert json.loads(sent) == {"reward": str(amount)}
    assert Paid.model_validate_json(sent).reward == amount


@pytest.mark.parametrize(
    "value", [1, 1.5, 0, True, None, [], {}, "1e3", "-1", "", "1.0000001", "NaN", "\uff11", "1\n"]
)
def test_an_amount_is_a_plain_decimal_string(value: object) -> None:
    with pytest.raises(ValidationError):
        Paid.model_validate({"reward": value})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Paid.model_validate({"reward": "1", "rewards": "2"})


@pytest.mark.parametrize(
    "value", ["", "0" * 63, "0" * 65, "0" * 64 + "\n", "G" * 64, "A" * 64, "\u0660" * 64]
)
def test_32_bytes_are_64_small_hex_digits(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Hex32).validate_python(value)


@pytest.mark.parametrize("value", ["", "a=", "a+", "a/", "a\n", "a" * 1001, "é", " a"])
def test_base64url_has_no_padding_and_an_end(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(B64u).validate_python(value)


NAIVE = datetime(2026, 12, 1, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    "value",
    [2026, "2026", 1796126400, 1.5, True, None, "2026-12-01", "2026-12-01T12:00:00", NAIVE],
)
def test_a_time_is_text_with_an_offset_and_never_seconds_since_1970(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(value)


def test_a_time_is_in_utc_here() -> None:
    read = TypeAdapter(Instant).validate_python
    assert read("2026-12-01T15:30:00+03:30") == datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert read("2026-12-01T15:30:00+03:30").tzinfo is UTC
    assert read(datetime(2026, 12, 1, 15, 30, tzinfo=timezone(timedelta(hours=3.5)))).tzinfo is UTC
