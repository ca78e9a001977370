"""Properties of the belief update: what must hold for any question, sites and observations."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_sdk.loops.belief import (
    Choice,
    Evidence,
    Probe,
    brier_gain,
    chain,
    groups,
    plan_next,
    posterior,
    predict,
)

INSIDE = st.floats(0.02, 0.98)
SITES = {"a": (0.8, 0.25), "b": (0.3, 0.6), "c": (0.55, 0.5)}


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    site = draw(st.sampled_from(sorted(SITES)))
    return Evidence(
        site,
        *SITES[site],
        p_genuine=draw(st.floats(0, 1)),
        accuracy=draw(INSIDE),
        p_fake_true=draw(INSIDE),
        reading=draw(st.booleans()),
        tokens=draw(st.frozensets(st.sampled_from(["p1", "p2", "p3", "d1"]), max_size=2)),
    )


PIECES = st.lists(evidence(), max_size=7)
PROBES = st.builds(
    lambda site, g, a, f: Probe(site, *SITES[site], p_genuine=g, accuracy=a, p_fake_true=f),
    st.sampled_from(sorted(SITES)),
    st.floats(0, 1),
    INSIDE,
    INSIDE,
)
few = settings(max_examples=60, deadline=None, derandomize=True)


def piece(
    site: str = "a", *, reading: bool = True, genuine: float = 1.0, accuracy: float = 0.9, **more: object
) -> Evidence:
    p_yes, p_no = SITES[site]
    tokens = frozenset({str(more["who"])}) if "who" in more else frozenset[str]()
    return Evidence(site, p_yes, p_no, genuine, accuracy, reading=reading, tokens=tokens)


@few
@given(INSIDE, PIECES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(prior: float, seen: list[Evidence], rng: object) -> None:
    shuffled = list(seen)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert posterior(prior, shuffled) == pytest.approx(posterior(prior, seen), rel=1e-9)


@few
@given(INSIDE, PIECES, PROBES)
def test_the_next_observation_is_a_fair_bet(prior: float, seen: list[Evidence], probe: Probe) -> None:
    now = posterior(prior, seen)
    p_true, if_true, if_false = predict(prior, seen, probe)
    assert 0 <= p_true <= 1
    assert p_true * if_true + (1 - p_true) * if_false == pytest.approx(now, abs=1e-9)
    assert 0 <= brier_gain(prior, seen, probe) <= now * (1 - now) + 1e-12


@few
@given(INSIDE, PIECES, PROBES, st.booleans())
def test_what_is_predicted_is_what_happens(
    prior: float, seen: list[Evidence], probe: Probe, reading: bool
) -> None:
    _, if_true, if_false = predict(prior, seen, probe)
    made = Evidence(**dataclasses.asdict(probe), reading=reading)
    assert posterior(prior, [*seen, made]) == pytest.approx(if_true if reading else if_false, rel=1e-7)


@few
@given(INSIDE, PIECES)
def test_mirrored_questions_have_mirrored_answers(prior: float, seen: list[Evidence]) -> None:
    mirrored = [dataclasses.replace(e, p_yes=e.p_no, p_no=e.p_yes) for e in seen]
    assert posterior(1 - prior, mirrored) == pytest.approx(1 - posterior(prior, seen), rel=1e-7, abs=1e-9)


@few
@given(INSIDE, PIECES)
def test_no_number_of_readings_makes_a_site_say_more_than_its_state(
    prior: float, seen: list[Evidence]
) -> None:
    odds = math.log(prior / (1 - prior))
    most = sum(
        max(abs(math.log(y / n)), abs(math.log((1 - y) / (1 - n))))
        for y, n in (SITES[site] for site in {e.site for e in seen})
    )
    now = posterior(prior, seen)
    assert abs(math.log(now / (1 - now)) - odds) <= most + 1e-9


@few
@given(INSIDE, evidence(), st.integers(2, 6))
def test_one_person_saying_it_again_and_again_has_said_it_once(
    prior: float, one: Evidence, times: int
) -> None:
    said = dataclasses.replace(one, tokens=frozenset({"same"}))
    assert posterior(prior, [said] * times) == pytest.approx(posterior(prior, [said]), rel=1e-9)


@few
@given(INSIDE, evidence(), evidence())
def test_a_group_lies_between_its_members(prior: float, one: Evidence, other: Evidence) -> None:
    other = dataclasses.replace(other, site=one.site, p_yes=one.p_yes, p_no=one.p_no)
    pair = [dataclasses.replace(e, tokens=frozenset({"same"})) for e in (one, other)]
    alone = sorted(posterior(prior, [e]) for e in pair)
    assert alone[0] - 1e-9 <= posterior(prior, pair) <= alone[1] + 1e-9


def test_two_people_weigh_more_than_one_twice_and_opposite_words_of_one_cancel() -> None:
    once = posterior(0.4, [piece(who="p1")])
    assert posterior(0.4, [piece(who="p1"), piece(who="p2")]) > once + 0.01
    assert posterior(0.4, [piece(who="p1"), piece(who="p1", reading=False)]) == pytest.approx(0.4)


def test_groups_join_through_others() -> None:
    linked = [
        dataclasses.replace(piece(), tokens=frozenset(tokens))
        for tokens in ({"p1"}, {"d1"}, {"p1", "d1"}, {"p2"}, set())
    ]
    member = groups(linked)
    assert member[0] == member[1] == member[2]
    assert len({member[0], member[3], member[4]}) == 3


def test_a_certain_fake_and_a_coin_teach_nothing() -> None:
    assert posterior(0.35, [piece(genuine=0.0)]) == pytest.approx(0.35)
    assert posterior(0.35, [piece(accuracy=0.5)]) == pytest.approx(0.35)
    assert brier_gain(0.35, [], Probe("a", 0.8, 0.25, 0.0, 0.9)) == pytest.approx(0)


def test_a_perfect_reading_is_bayes_by_hand() -> None:
    assert posterior(0.35, [piece(accuracy=1.0)]) == pytest.approx(0.35 * 0.8 / (0.35 * 0.8 + 0.65 * 0.25))
    true, false = 0.97 * 0.9 + 0.03 * 0.5, 0.97 * 0.1 + 0.03 * 0.5
    yes, no = 0.8 * true + 0.2 * false, 0.25 * true + 0.75 * false
    by_hand = 0.35 * yes / (0.35 * yes + 0.65 * no)
    assert posterior(0.35, [piece(genuine=0.97)]) == pytest.approx(by_hand)


def test_channels_in_a_row() -> None:
    assert chain(0.9, 0.8) == pytest.approx(0.74)
    assert chain(0.9, 1.0) == pytest.approx(0.9)
    assert chain(0.5, 0.99) == pytest.approx(0.5)


def test_plans_buy_what_is_worth_it_and_say_why_not() -> None:
    good, poor = Probe("a", 0.8, 0.25, 0.95, 0.95), Probe("c", 0.55, 0.5, 0.95, 0.95)
    gain = brier_gain(0.35, [], good)
    choice = plan_next(
        0.35, [], {"good": (good, 6.0, 0.5), "poor": (poor, 1.0, 1.0)}, value_per_brier=200, affordable=10
    )
    assert choice == Choice("good", gain, 0.5 * (200 * gain - 6))
    assert plan_next(0.35, [], {"good": (good, 6.0, 1.0)}, value_per_brier=200, affordable=5.99) == "budget"
    assert (
        plan_next(0.35, [], {"poor": (poor, 1.0, 1.0)}, value_per_brier=200, affordable=99) == "not_worth_it"
    )
    assert plan_next(0.35, [], {}, value_per_brier=200, affordable=99) == "no_offers"


def test_impossible_numbers_are_refused() -> None:
    for prior in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(ValueError):
            posterior(prior, [])
    with pytest.raises(ValueError):
        Probe("a", 1.0, 0.2, 0.9, 0.9)
    with pytest.raises(ValueError):
        Probe("a", 0.9, 0.2, 1.1, 0.9)
    with pytest.raises(ValueError, match="two different"):
        posterior(0.5, [piece(), dataclasses.replace(piece(), p_yes=0.7)])
