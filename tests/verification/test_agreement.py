"""Agreement of answers: groups speak once, independent ones add up, sources are learnt."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.agreement import PRIOR, Vote, alone, choices_of, learnt, pooled, same
from verification.evidence import Json


def vote(answer: Json, accuracy: float = 0.7, *ties: str) -> Vote:
    return Vote(answer, accuracy, ties[0] if ties else "", frozenset(ties))


votes = st.lists(
    st.builds(
        vote,
        st.sampled_from(["a", "b", "c", 1, 2, True]),
        st.floats(0.05, 0.97),
        st.sampled_from([f"account:{n}" for n in range(6)]),
    ),
    min_size=1,
    max_size=7,
)


@given(votes, st.randoms(use_true_random=False))
def test_order_does_not_matter(cast: list[Vote], shuffle: random.Random) -> None:
    order = list(range(len(cast)))
    shuffle.shuffle(order)
    straight, mixed = pooled(cast), pooled([cast[n] for n in order])
    assert mixed == pytest.approx([straight[n] for n in order])


@given(votes)
def test_they_are_probabilities_of_different_answers(cast: list[Vote]) -> None:
    each = {repr(v.answer): p for v, p in zip(cast, pooled(cast), strict=True)}
    assert all(0 < p < 1 for p in each.values())
    assert sum(each.values()) < 1, "something nobody said may be right too"


@given(votes, st.integers(2, 5))
def test_a_group_that_says_it_again_counts_once(cast: list[Vote], times: int) -> None:
    repeated = [*cast, *[cast[0]] * times]
    assert pooled(repeated)[: len(cast)] == pytest.approx(pooled(cast))


@given(st.floats(0.05, 0.97), st.integers(2, 9))
def test_one_alone_is_as_sure_as_it_is_accurate(accuracy: float, choices: int) -> None:
    assert pooled([vote("a", accuracy, "x")], choices=choices) == pytest.approx([accuracy])


@given(votes, st.floats(0.5, 0.97))
def test_an_independent_witness_moves_it_his_way(cast: list[Vote], accuracy: float) -> None:
    before = pooled(cast)[0]
    assert pooled([*cast, vote(cast[0].answer, accuracy, "account:new")])[0] >= before
    assert pooled([*cast, vote("z", accuracy, "account:new")])[0] <= before + 1e-12


def test_three_devices_of_one_account_are_one_witness() -> None:
    honest = [vote("open", 0.7, "account:1"), vote("open", 0.7, "account:2")]
    crowd = [vote("shut", 0.7, "account:9", f"device:{n}") for n in range(3)]
    assert pooled([*honest, *crowd])[0] > 0.7
    chained = [vote("shut", 0.7, f"account:{n}", f"device:{n % 2}", "device:1") for n in range(3, 6)]
    assert pooled([*honest, *chained])[0] > 0.7, "a chain of shared devices is one group"
    three = [vote("shut", 0.7, f"account:{n}") for n in range(3, 6)]
    assert pooled([*honest, *three])[0] < 0.5, "three independent ones outweigh two"


def test_a_group_that_contradicts_itself_says_less() -> None:
    once = [vote("a", 0.8, "x"), vote("b", 0.6, "y")]
    torn = [*once, vote("b", 0.8, "x")]
    assert pooled(torn)[0] < pooled(once)[0]


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "expected"),
    [
        ("Open Daily", "open daily", 0, True),
        (3, 3.0, 0, True),
        (3, 4, 1, True),
        (3, 4.5, 1, False),
        (True, 1, 0, False),
        ({"value": 2.0, "unit": "m"}, {"unit": "m", "value": 2}, 0, True),
        ({"value": 2.0, "unit": "m"}, {"value": 2.0, "unit": "km"}, 0, False),
        ([1, "a"], [1, "A"], 0, True),
        ([1], [1, 2], 0, False),
        (None, None, 0, True),
        ("", " ", 0, False),
    ],
)
def test_which_answers_are_the_same(one: Json, other: Json, tolerance: float, expected: bool) -> None:
    assert same(one, other, tolerance) is expected
    assert same(other, one, tolerance) is expected


def test_how_many_answers_a_schema_allows() -> None:
    assert choices_of({"enum": ["a", "b", "c"]}) == 3
    assert choices_of({"type": "boolean"}) == 2
    assert choices_of({"type": "integer", "minimum": 0, "maximum": 3}) == 4
    assert choices_of({"type": "integer"}) is None
    assert alone(1.0, 0.8) == 0.8
    assert alone(0.0, 0.8, 4) == 0.25, "a picture that is not genuine leaves chance"


def simulated(accuracies: Sequence[float], questions: int, seed: int) -> tuple[list[list[Vote]], list[str]]:
    source, asked, truth = random.Random(seed), [], []
    for _ in range(questions):
        right = source.choice("abcd")
        truth.append(right)
        wrong = [letter for letter in "abcd" if letter != right]
        said = [right if source.random() < accuracy else source.choice(wrong) for accuracy in accuracies]
        asked.append([vote(answer, 0.5, f"account:{n}") for n, answer in enumerate(said)])
    return asked, truth


def test_accuracies_are_learnt_without_knowing_the_truth() -> None:
    actual = [0.95, 0.9, 0.6, 0.5, 0.3]
    asked, truth = simulated(actual, 400, seed=3)
    found = learnt(asked, choices=4)
    assert [found[f"account:{n}"] for n in range(5)] == pytest.approx(actual, abs=0.06)
    weighed = flat = 0
    for votes, right in zip(asked, truth, strict=True):
        for accuracy_of, add in ((found, 1), (dict.fromkeys(found, 0.7), 0)):
            known = [Vote(v.answer, accuracy_of[v.source], v.source, v.ties) for v in votes]
            ps = pooled(known, choices=4)
            best = known[ps.index(max(ps))].answer
            weighed += add * (best == right)
            flat += (1 - add) * (best == right)
    assert weighed > flat, "who is known to be right weighs more"


def test_without_questions_the_prior_stands() -> None:
    assert learnt([]) == {}
    one = learnt([[vote("a", 0.5, "x")]])["x"]
    assert one == pytest.approx(PRIOR[0] / sum(PRIOR), abs=1e-3), "agreeing with nobody teaches nothing"
