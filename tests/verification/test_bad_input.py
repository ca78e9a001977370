"""Bad input, a small fixed draw: a finding or a typed error, never an exception; and what it found once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.bad_input import Ended, ended, none_of, rows
from bench.mutants import BROKEN_MOTION, CONTEXT, Trial, mutants, named, trial
from tests.verification import stage
from tests.verification.test_outside import outside
from verification.case import Case
from verification.checks.burst import burst
from verification.evidence import Burst
from verification.picture import Decoder
from verification.standalone import Standalone

SOUND = {"accept", "review", "reject", "BadInput"}


@pytest.fixture(scope="module")
def standalone() -> Iterator[Standalone]:
    with Standalone(device="cpu", copies=True) as opened:
        yield opened


def test_the_same_seed_makes_the_same_mutants() -> None:
    def bytes_of(seed: int) -> list[Trial]:
        return [made for made in mutants(seed, 40) if not made.kind.startswith("c2pa")]

    assert bytes_of(3) == bytes_of(3)
    assert bytes_of(3) != bytes_of(4)
    assert all(CONTEXT in made.files for made in bytes_of(3))


@pytest.mark.alone
def test_a_draw_of_mutants(standalone: Standalone) -> None:
    kinds = set()
    for made in mutants(20261126, 60):
        kinds.add(made.kind)
        found = ended(made, standalone)
        assert found.outcome in SOUND, found
        assert found.raised == (), found
        assert found.seconds < 5, found
    assert len(kinds) > 10


def test_named_files_in_every_place(standalone: Standalone) -> None:
    """Every eleventh, so that over the files each place has its turn."""
    for made in itertools.islice(named(), 0, None, 11):
        found = ended(made, standalone)
        assert found.outcome in SOUND, found
        assert found.raised == (), found


def test_the_honest_trial_is_judged_to_the_end(standalone: Standalone) -> None:
    """Else the mutants of it would all end at the first check."""
    assert ended(trial("honest"), standalone).outcome == "review"
    assert ended(trial("broken", b"{"), standalone).outcome == "BadInput"


def test_what_is_raised_is_counted(standalone: Standalone) -> None:
    class Careless(Standalone):
        def __init__(self) -> None:
            pass

        def examine(self, context: object) -> None:  # type: ignore[override]
            raise KeyError("a bug")

    found = ended(trial("honest"), Careless())
    assert found.outcome.startswith("uncaught: KeyError")
    good = Ended("x", "reject", (), 0.1)
    missed = {
        row.name for row in rows([good, found, replace(good, raised=("sun: TypeError",))]) if not row.met
    }
    assert {"uncaught exceptions", "trials in which a check raised"} <= missed
    assert all(row.met is not False for row in rows([good]))
    assert none_of("hits", 0, 3000).met
    assert not none_of("hits", 1, 3000).met


@pytest.mark.parametrize("name", BROKEN_MOTION)
def test_broken_motion_is_refused_not_raised(name: str, decoder: Decoder) -> None:
    """A field without end made csv raise an error of its own."""
    motion = BROKEN_MOTION[name].decode("utf-8", "replace")
    outcome = burst(Case(outside(burst=Burst((), motion=motion)), stage.tools(decoder)))
    assert outcome.reason in {"broken_burst", "burst_read", "no_frames"}
    if name in {"one endless line", "bytes", "a quote never closed", "not a number", "too many rows"}:
        assert outcome.reason == "broken_burst"
