"""What a bounty may ask for as an answer, and whether an answer is that.

Source: JSON Schema draft 2020-12, of which only what is checked in one pass may be used. A reference could
make the server fetch or loop, a pattern backtrack for ever, whether items are unique takes the square of
their number, and `unevaluatedProperties` looks at all below it once more, so that nested it doubles at each
level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from verification.evidence import Json

MAX_SCHEMA_CHARACTERS = 4000
MAX_SCHEMA_DEPTH = 12  # schemas within schemas
MAX_LISTED = 300  # of choices and other things listed, in all: an answer may be compared with each

_ALTERNATIVES = ("oneOf", "anyOf", "allOf")
_LISTED = ("type", "enum", "required", "prefixItems", *_ALTERNATIVES)
KEYWORDS = (
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minLength", "maxLength", "properties", "required", "additionalProperties", "minProperties",
    "maxProperties", "items", "prefixItems", "minItems", "maxItems", *_ALTERNATIVES, "title", "description",
    "examples", "default", "unit", "x-unit", "format", "$schema", "$comment",
)  # fmt: skip
"""What a schema may say; of these `format` and those that only tell a reader something check nothing."""


def schema_fault(schema: Mapping[str, Json]) -> str:
    """What is wrong with a schema, one sentence; "" when it may be asked."""
    try:
        if len(str(dict(schema))) > MAX_SCHEMA_CHARACTERS:
            return f"answer_schema is over {MAX_SCHEMA_CHARACTERS} characters"
        if fault := _dear(schema):
            return fault
        Draft202012Validator.check_schema(dict(schema))
    except RecursionError:  # a default or an example may be nested deeper than schemas
        return "answer_schema is nested too deep"
    except SchemaError as error:
        return f"answer_schema is not a JSON Schema: {error.message[:200]}"
    return ""


def fits(schema: Mapping[str, Json], answer: Json) -> bool:
    """Whether an answer is what a sound schema asks for; a number beyond what can be compared is not."""
    try:
        return bool(Draft202012Validator(dict(schema)).is_valid(answer))
    except (ArithmeticError, RecursionError):
        return False


def _dear(schema: Mapping[str, Json]) -> str:
    """Why it could take long to check an answer against it, one sentence; "" when it could not.

    Only keywords are looked at: a title may say "pattern", and so may a property's name.
    """
    level: list[Json] = [dict(schema)]
    listed = 0
    for depth in range(MAX_SCHEMA_DEPTH + 1):
        for each in level:
            if not isinstance(each, dict):
                continue
            # Below the root `$schema` would switch the library to the rules of another draft.
            odd = next((word for word in each if word not in KEYWORDS or (depth and word == "$schema")), None)
            if odd is not None:
                return f"answer_schema may not use {odd[:40]!r}; it is made of {', '.join(KEYWORDS)}"
            listed += sum(len(found) for word in _LISTED if isinstance(found := each.get(word), list))
        level = [inner for each in level for inner in _within(each)]
    if level:
        return f"answer_schema has schemas nested over {MAX_SCHEMA_DEPTH} deep"
    return f"answer_schema lists over {MAX_LISTED} things" if listed > MAX_LISTED else ""


def _within(schema: Json) -> Iterator[Json]:
    """The schemas that stand directly in a schema; of a malformed one those that can be found."""
    if not isinstance(schema, dict):
        return
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield schema[word]
    for word in ("prefixItems", *_ALTERNATIVES):
        several = schema.get(word)
        if isinstance(several, list):
            yield from several
    named = schema.get("properties")
    if isinstance(named, dict):
        yield from named.values()
