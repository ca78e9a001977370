"""What may be asked: schemas that take long to check are refused, and words that are no keywords are not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from verification.answers import KEYWORDS, MAX_LISTED, MAX_SCHEMA_DEPTH, fits, schema_fault
from verification.evidence import Json

Schema = dict[str, Json]
DOCS = Path(__file__).resolve().parents[2] / "docs"


def nested(levels: int, inmost: Schema, word: str = "items") -> Schema:
    for _ in range(levels):
        inmost = {word: inmost}
    return inmost


@pytest.mark.parametrize(
    ("word", "schema"),
    [
        ("$ref", {"$ref": "#"}),
        ("$dynamicRef", {"$dynamicRef": "#"}),
        ("pattern", {"type": "string", "pattern": "(a+)+$"}),
        ("patternProperties", {"patternProperties": {"(a+)+$": True}}),
        ("uniqueItems", {"uniqueItems": True}),
        ("if", {"if": {}, "unevaluatedProperties": False}),
        ("unevaluatedItems", {"unevaluatedItems": False}),
        ("not", {"not": {}}),
        ("contains", {"contains": {}}),
        ("dependentSchemas", {"dependentSchemas": {"a": {}}}),
        ("$defs", {"$defs": {}}),
        ("x-stream", {"x-stream": {}}),
        ("pattern", {"properties": {"flag": {"pattern": "a"}}}),
        ("pattern", {"items": {"pattern": "a"}}),
        ("pattern", {"additionalProperties": {"pattern": "a"}}),
        ("pattern", {"prefixItems": [True, {"pattern": "a"}]}),
        ("pattern", {"oneOf": [{}, {"pattern": "a"}]}),
        ("pattern", {"anyOf": [{"allOf": [{"pattern": "a"}]}]}),
        ("$schema", {"items": {"$schema": "http://json-schema.org/draft-03/schema#"}}),
    ],
)
def test_other_keywords_are_refused_wherever_they_stand(word: str, schema: Schema) -> None:
    fault = schema_fault(schema)
    assert fault.startswith(f"answer_schema may not use {word!r}")
    assert all(allowed in fault for allowed in KEYWORDS), "what may be used is said"


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "integer"},
        {"type": "string", "title": "The pattern of the flag", "description": "as $ref: uniqueItems"},
        {"type": "object", "properties": {"pattern": {"type": "string"}, "$ref": {"type": "null"}}},
        {"enum": ["pattern", {"if": {"not": 1}}], "default": {"pattern": "a"}, "examples": [{"$ref": "#"}]},
        {"const": {"unevaluatedProperties": False}},
        {"oneOf": [{"const": 1, "title": "open"}, {"const": 2, "title": "shut"}]},
        {"type": "number", "unit": "kWh", "x-unit": "kWh", "exclusiveMinimum": 0, "multipleOf": 0.1},
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 9, "prefixItems": [True]},
        {"required": ["a"], "additionalProperties": False, "minProperties": 1, "maxProperties": 2},
        {"enum": [*range(MAX_LISTED)]},
        nested(MAX_SCHEMA_DEPTH, {"type": "integer"}),
    ],
)
def test_what_askers_need_may_be_asked(schema: Schema) -> None:
    assert schema_fault(schema) == ""


@pytest.mark.parametrize(
    "schema",
    [
        nested(MAX_SCHEMA_DEPTH + 1, {}),
        nested(250, {}),
        {"enum": [*range(MAX_LISTED + 1)]},
        {"properties": {"a": {"enum": [*range(MAX_LISTED)]}, "b": {"anyOf": [True]}}},
        {"title": "x" * 4_000},
        {"type": "nonsense"},
        {"properties": 3},
        {"oneOf": {"pattern": "a"}},
        {"items": 7},
        {"default": nested(100_000, {}, "a")},
    ],
)
def test_too_much_or_malformed(schema: Schema) -> None:
    assert schema_fault(schema).startswith("answer_schema ")


def test_no_schema_that_may_be_asked_takes_long_to_check() -> None:
    """Ten levels of `unevaluatedProperties` took minutes; of what is left this is the dearest found."""
    doubling: Schema = {"properties": {"a": True}}
    for _ in range(10):
        doubling = {"if": doubling, "unevaluatedProperties": False}
    assert schema_fault(doubling)
    choices: Schema = {"items": {"enum": [*[1] * (MAX_LISTED - 1), 2]}}
    assert schema_fault(choices) == ""
    begun = time.process_time()
    assert fits(choices, [2] * 1_300)
    assert time.process_time() - begun < 3, "a third of a second"


@pytest.mark.parametrize("page", ["api.md", "examine.md"])
def test_the_pages_list_what_may_be_used(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [word for word in KEYWORDS if f"`{word}`" not in text] == []
