"""answer: what the contributor answered stands written in the picture.

Stops: answers invented about a genuine picture of a sign, a label, a meter or a display.
How: a text answer is sought among the texts read, a number among the numbers read, with its unit where
the answer or its schema names one. Seen speaks for it; it feeds p_answer only.
Limits: not seen says nothing, for what is asked need not be written anywhere. Counts, choices and yes or
no have no reader. Words in a picture are a stranger's: they are compared, never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from verification.case import Case
from verification.codes import clean
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.registry import check

MIN_TEXT = 3  # characters: shorter strings are found anywhere
_NUMBER = re.compile(r"(?<![\w.,])[-+\u2212]?\d+(?:[.,]\d+)*")
_TIGHT = 4  # an answer of so many digits, or one with its unit beside it, is not seen by chance


@check("answer", family=Family.ANSWER, version="1", cost=2, kinds={"photo"}, bounds=(0.0, 2.5))
def answer(case: Case) -> Outcome:
    """OK "answer_read"; abstains "nothing_asked", "no_reader", "no_picture" or "answer_not_read"."""
    given, schema = case.evidence.answer, case.evidence.terms.answer_schema
    if given is None or not schema:
        return abstain("nothing_asked")
    leaves = list(_leaves(given, dict(schema)))
    if not leaves:
        return abstain("no_reader")
    if case.picture is None:
        return abstain("no_picture")
    texts = [text.text for text in case.tools.reader.read(case.picture.rgb)]
    strengths = [_strength(value, unit, texts) for value, unit in leaves]
    if min(strengths) <= 0:
        return abstain("answer_not_read", texts=len(texts))
    return ok(min(strengths), "answer_read", parts=len(leaves), texts=len(texts))


def _leaves(value: Json, schema: Json) -> Iterator[tuple[str | float, str]]:
    """The parts of an answer that could stand written, each with its unit ("" when none is named).

    An object of "value" and "unit" is a number with a unit; otherwise the schema may name one as "unit".
    """
    rules: Mapping[str, Json] = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        unit = value.get("unit")
        if isinstance(unit, str) and _is_number(value.get("value")):
            yield from _leaves(value["value"], {"unit": unit})
            return
        properties = rules.get("properties")
        for name, part in value.items():
            yield from _leaves(part, properties.get(name) if isinstance(properties, dict) else None)
    elif isinstance(value, str) and "enum" not in rules and len(clean(value)) >= MIN_TEXT:
        yield value, ""
    elif _is_number(value):
        unit, number = rules.get("unit"), float(str(value))
        if isinstance(unit, str) or rules.get("type") != "integer" or abs(number) >= 100:  # else a count
            yield number, unit if isinstance(unit, str) else ""


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _strength(value: str | float, unit: str, texts: list[str]) -> float:
    """Log-likelihood ratio of having read this part: 0 when it was not."""
    if isinstance(value, str):
        wanted = clean(value)
        found = any(wanted in clean(text) for text in texts) or wanted in clean("".join(texts))
        return min(2.5, 0.4 * len(wanted)) if found else 0.0
    spelled = [text for text in texts if any(_equal(value, number) for number in _NUMBER.findall(text))]
    if not spelled:
        return 0.0
    with_unit = bool(unit) and any(unit.casefold() in text.casefold() for text in texts)
    digits = sum(letter.isdigit() for letter in f"{value:g}")
    return 2.0 if with_unit or digits >= _TIGHT else 0.5 * digits


def _equal(value: float, spelled: str) -> bool:
    """Whether a spelling such as "1,013.5" or "21,4" can mean the value."""
    plain = spelled.replace("\u2212", "-")
    meanings = {plain.replace(",", ""), plain.replace(".", "").replace(",", ".")}
    if plain.count(",") == 1:
        meanings.add(plain.replace(",", "."))
    for meaning in meanings:
        try:
            if abs(float(meaning) - value) <= 1e-9 * max(1.0, abs(value)):
                return True
        except ValueError:
            continue
    return False
