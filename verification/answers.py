"""What a bounty may ask for as an answer, and whether an answer is that.

Source: JSON Schema draft 2020-12. A reference could make the server fetch or loop, a pattern backtrack for
ever, and whether items are unique takes the square of their number: no schema may use them.
"""

from __future__ import annotations

from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from verification.evidence import Json

MAX_SCHEMA_CHARACTERS = 4000
COSTLY_KEYWORDS = ("$ref", "$dynamicRef", "pattern", "uniqueItems")


def schema_fault(schema: Mapping[str, Json]) -> str:
    """What is wrong with a schema, one sentence; "" when it may be asked."""
    text = str(dict(schema))
    if len(text) > MAX_SCHEMA_CHARACTERS or any(word in text for word in COSTLY_KEYWORDS):
        return f"answer_schema is too long, or uses one of {', '.join(COSTLY_KEYWORDS)}"
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        return f"answer_schema is not a JSON Schema: {error.message[:200]}"
    return ""


def fits(schema: Mapping[str, Json], answer: Json) -> bool:
    """Whether an answer is what a sound schema asks for; a number beyond what can be compared is not."""
    try:
        return bool(Draft202012Validator(dict(schema)).is_valid(answer))
    except (ArithmeticError, RecursionError):
        return False
