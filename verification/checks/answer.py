"""answer: what the contributor answered stands written in the picture, or something else does.

Stops: answers invented about a genuine picture of a sign, a label, a meter or a display, and answers with a
digit misread.
How: a text answer is sought among the texts read, a number among the numbers read (`measures.likeness`),
with its unit where the answer or its schema names one. Read speaks for it; the same digits without the
decimal point, which displays lose, a little; nearly the same digits or letters against it, and so does
another number as long. Where several such numbers stand in the picture, having read one says less. Of choices
that a schema offers ("open", "closed") the one written speaks for itself and against the others; where
several are written, as in a table of hours, none does. It feeds p_answer only.
Limits: nothing like it seen says nothing, for what is asked need not be written anywhere. Counts and yes or
no have no reader. A sign may tell no truth: a door's may hang there all night, and how often it does nobody
has measured, so what a choice is backed by is bounded to one nat. The number of another sign in view is not
told from the one asked for. Words in a picture are a stranger's: they are compared, never obeyed.
Source: readings by PP-OCRv6; likelihoods rounded towards zero from 200 simulated signs and displays (seed 101
of `bench.displays`): of right answers 89 % were read, 8 % but for the point, 2 % nearly; of answers wrong in
a digit or letter 6 %, 3 % and 87 %; bench/answers.py measures on others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from verification.case import Case
from verification.codes import clean
from verification.evidence import Family, Json, Outcome, abstain, ok
from verification.measures.likeness import Likeness, number_in, rivals, text_in, written
from verification.registry import check

MIN_TEXT = 3  # characters: shorter strings are found anywhere
_DIGITS = {Likeness.POINT: 0.5, Likeness.NEAR: -2.0, Likeness.OTHER: -0.8, Likeness.NOTHING: 0.0}
_LETTERS = {Likeness.NEAR: -1.5, Likeness.OTHER: 0.0, Likeness.POINT: 0.0, Likeness.NOTHING: 0.0}
_AMONG_OTHERS = 1.2
_CHOSEN = 1.0  # of choices the one answered is written, or another is
_TIGHT = 4  # an answer of so many digits, or one with its unit beside it, is not seen by chance


@check("answer", family=Family.ANSWER, version="5", cost=2, kinds={"photo", "video"}, bounds=(-2.0, 2.5))
def answer(case: Case) -> Outcome:
    """OK "answer_read" or "another_reading".

    Abstains "nothing_asked", "no_reader", "no_picture" or "answer_not_read".
    """
    given, schema = case.evidence.answer, case.evidence.terms.answer_schema
    if given is None or not schema:
        return abstain("nothing_asked")
    leaves = list(_leaves(given, dict(schema)))
    if not leaves:
        return abstain("no_reader")
    if case.picture is None:
        return abstain("no_picture")
    texts = [text.text for text in case.tools.reader.read(case.picture.rgb)]
    strengths = [_strength(part, texts) for part in leaves]
    least = min(strengths)
    if least == 0:
        return abstain("answer_not_read", texts=len(texts))
    reason = "answer_read" if least > 0 else "another_reading"
    return ok(least, reason, parts=len(leaves), texts=len(texts))


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an answer that could stand written, with its unit ("" when none is named), or with the
    choices there were beside it (none where any text would do)."""

    value: str | float
    unit: str = ""
    others: tuple[str, ...] = ()


def _leaves(value: Json, schema: Json) -> Iterator[_Part]:
    """The parts of an answer that could stand written.

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
    elif isinstance(value, str):
        yield from _words(value, rules)
    elif _is_number(value):
        unit, number = rules.get("unit"), float(str(value))
        if isinstance(unit, str) or rules.get("type") != "integer" or abs(number) >= 100:  # else a count
            yield _Part(number, unit if isinstance(unit, str) else "")


def _words(value: str, rules: Mapping[str, Json]) -> Iterator[_Part]:
    """A text, or one of several choices of which all could be told from what else is written."""
    if len(clean(value)) < MIN_TEXT:
        return
    offered = rules.get("enum")
    if offered is None:
        yield _Part(value)
        return
    others = [each for each in offered if each != value] if isinstance(offered, list) else []
    named = [each for each in others if isinstance(each, str) and len(clean(each)) >= MIN_TEXT]
    if named and len(named) == len(others):
        yield _Part(value, others=tuple(named))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _strength(part: _Part, texts: list[str]) -> float:
    """Log-likelihood ratio of what was read for this part: 0 where nothing like it was."""
    value = part.value
    if part.others:
        seen = {choice for choice in (str(value), *part.others) if written(choice, texts)}
        return 0.0 if len(seen) != 1 else _CHOSEN if value in seen else -_CHOSEN
    if isinstance(value, str):
        found = text_in(value, texts)
        return min(2.5, 0.4 * len(clean(value))) if found is Likeness.SAME else _LETTERS[found]
    return _of_number(value, part.unit, texts)


def _of_number(value: float, unit: str, texts: list[str]) -> float:
    found = number_in(value, texts)
    if found is not Likeness.SAME:
        return _DIGITS[found]
    with_unit = bool(unit) and any(unit.casefold() in text.casefold() for text in texts)
    digits = sum(letter.isdigit() for letter in f"{value:g}")
    said = 2.0 if with_unit or digits >= _TIGHT else 0.5 * digits
    return min(said, _AMONG_OTHERS) if rivals(value, texts) else said
