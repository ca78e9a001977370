"""Agreement: what several captures' answers to one question say together.

Each dependence group (captures that share an account, a device, a payout account or a near-duplicate
cluster) speaks once; independent groups are pooled by a one-coin Dawid-Skene model. A source that is
right with probability a is otherwise wrong in one of the other `choices` - 1 ways, each as likely. So an
answer given by a group adds ln(a (choices - 1) / (1 - a)) to the log-odds of that answer, and answers
that nobody gave keep the log-odds 0. Where a group contradicts itself, its say is shared out evenly
among its different answers, however often each was given. An open question is taken to have
OPEN_CHOICES answers: fewer than there are, because wrong people agree more often than chance has it.

How often a source is right is learnt from questions that several answered, by expectation-maximisation
with a Beta prior (`learnt`); without any the prior's mean stands.

Source: Dawid and Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm"
(1979); the one-coin form and its prior as in Raykar et al., "Learning From Crowds" (2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from verification.codes import clean
from verification.constants import Calibration
from verification.evidence import Family, Json
from verification.fusion import answer_right
from verification.report_json import finding_of

OPEN_CHOICES = 8
PRIOR = (7.0, 3.0)  # Beta: sources are right in 0.7 of the cases, worth ten questions (hand-set)
LEAST, MOST = 0.02, 0.98  # no source's accuracy is taken to be further out
ROUNDS = 50
_CHANGE = 1e-6
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Vote:
    """One capture's answer.

    Attributes:
        accuracy: probability 0..1 that it is right, judged alone (`alone`).
        source: who gave it: whose accuracy is learnt.
        ties: what it may share with others, such as "account:acc_1" or "device:dev_2"; votes with a
            common tie, or joined by a chain of them, are one dependence group.
    """

    answer: Json
    accuracy: float
    source: str = ""
    ties: frozenset[str] = frozenset()


def choices_of(schema: Mapping[str, Json]) -> int | None:
    """How many answers a JSON Schema allows: of an enum, a boolean or a small integer range; else None."""
    listed = schema.get("enum")
    if isinstance(listed, list) and listed:
        return len(listed)
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("type") == "integer" and isinstance(low, int) and isinstance(high, int) and high >= low:
        return min(high - low + 1, OPEN_CHOICES)
    return 2 if schema.get("type") == "boolean" else None


def alone(p_genuine: float, p_answer: float, choices: int | None = None) -> float:
    """The accuracy of one capture's answer: right if genuine and right, or by chance if not genuine."""
    return p_genuine * p_answer + (1 - p_genuine) / (choices or OPEN_CHOICES)


def accuracy_of(
    report: Mapping[str, Any], constants: Calibration, tier: int, choices: int | None = None
) -> float:
    """The accuracy of a judged capture's answer, from its report as JSON, without what others said to it."""
    findings = [finding_of(one) for one in report["findings"]]
    return alone(report["p_genuine"], answer_right(findings, constants, [Family.ANSWER], tier=tier), choices)


def same(one: Json, other: Json, tolerance: float = 0.0) -> bool:
    """Whether two answers mean the same: numbers within `tolerance`, texts but for case, spaces and signs."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=tolerance)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or (clean(one) == clean(other) != "")
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance) for key in one)
    return False


def pooled(votes: Sequence[Vote], *, choices: int | None = None, tolerance: float = 0.0) -> list[float]:
    """For each vote the probability 0..1 that its answer is the right one, given all of them.

    Args:
        choices: how many answers the question allows; None for an open one.
        tolerance: how far numbers may differ and still be one answer. Answers joined by a chain of such
            steps are one.
    """
    answers = _parted(votes, lambda a, b: same(a.answer, b.answer, tolerance))
    groups = _parted(votes, lambda a, b: bool(a.ties & b.ties))
    count = max(choices or OPEN_CHOICES, 2)
    scores: dict[int, float] = dict.fromkeys(answers, 0.0)
    for group in set(groups):
        best: dict[int, float] = {}
        for vote, answer, of in zip(votes, answers, groups, strict=True):
            if of == group:
                best[answer] = max(best.get(answer, 0.0), vote.accuracy)
        for answer, accuracy in best.items():
            scores[answer] += _say(accuracy, count) / len(best)
    unsaid = max(count - len(scores), 0 if choices else 1)
    highest = max([0.0, *scores.values()])
    weights = {answer: math.exp(score - highest) for answer, score in scores.items()}
    total = sum(weights.values()) + unsaid * math.exp(-highest)
    return [weights[answer] / total for answer in answers]


def learnt(
    questions: Sequence[Sequence[Vote]], *, choices: int | None = None, prior: tuple[float, float] = PRIOR
) -> dict[str, float]:
    """How often each source is right, from what several said to the same questions.

    Args:
        questions: the votes on each; their `accuracy` is not used, their ties are.
        prior: the Beta distribution of accuracies before anything is seen.
    """
    mean = prior[0] / sum(prior)
    found = {vote.source: mean for votes in questions for vote in votes}
    for _ in range(ROUNDS):
        right = dict.fromkeys(found, prior[0])
        asked = dict.fromkeys(found, sum(prior))
        for votes in questions:
            known = [Vote(vote.answer, found[vote.source], vote.source, vote.ties) for vote in votes]
            for vote, p in zip(known, pooled(known, choices=choices), strict=True):
                right[vote.source] += p
                asked[vote.source] += 1
        better = {source: right[source] / asked[source] for source in found}
        settled = all(abs(better[source] - found[source]) < _CHANGE for source in found)
        found = better
        if settled:
            break
    return found


def _say(accuracy: float, count: int) -> float:
    """Log-odds a group adds to its answer; below chance it speaks against it."""
    bounded = min(max(accuracy, LEAST), MOST)
    return math.log(bounded * (count - 1) / (1 - bounded))


def _parted(items: Sequence[_Item], joined: Callable[[_Item, _Item], bool]) -> list[int]:
    """For each item the number of its part: parts are joined by chains of pairs (union-find)."""
    parts = list(range(len(items)))

    def root(index: int) -> int:
        while parts[index] != index:
            index = parts[index]
        return index

    for right in range(len(items)):
        for left in range(right):
            if root(left) != root(right) and joined(items[left], items[right]):
                parts[root(right)] = root(left)
    return [root(index) for index in range(len(items))]
