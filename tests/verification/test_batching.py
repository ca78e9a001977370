"""Calls of several threads go together, and each gets its own answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from verification.batching import Batcher


class Slow:
    """Doubles numbers; the first batch takes until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.let_go = Event(), Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.begun.set()
        assert self.let_go.wait(30)
        if any(number < 0 for number in numbers):
            raise ValueError("below nothing")
        return [2 * number for number in numbers]


def company(slow: Slow, numbers: Sequence[int], most: int) -> list[object]:
    """What callers get: the first alone, the others while it is being answered."""
    batcher = Batcher(slow, most)
    with ThreadPoolExecutor(len(numbers)) as pool:
        asked = [pool.submit(batcher, numbers[0])]
        assert slow.begun.wait(30)
        asked += [pool.submit(batcher, number) for number in numbers[1:]]
        deadline = time.monotonic() + 30
        while len(batcher._waiting) < len(numbers) - 1:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        slow.let_go.set()
        return [each.exception(30) or each.result(30) for each in asked]


def test_a_lone_call_is_answered_at_once() -> None:
    slow = Slow()
    slow.let_go.set()
    assert Batcher(slow, 16)(21) == 42
    assert slow.batches == [[21]]


def test_who_comes_while_a_batch_runs_goes_with_the_next() -> None:
    slow = Slow()
    assert company(slow, [1, 2, 3, 4], most=16) == [2, 4, 6, 8]
    assert [len(batch) for batch in slow.batches] == [1, 3]


def test_a_batch_is_never_larger_than_it_may_be() -> None:
    slow = Slow()
    assert company(slow, [1, 2, 3, 4, 5, 6], most=2) == [2, 4, 6, 8, 10, 12]
    assert [len(batch) for batch in slow.batches] == [1, 2, 2, 1]


def test_an_error_is_told_to_those_of_its_batch_and_the_next_goes_on() -> None:
    slow = Slow()
    first, *others = company(slow, [1, -1, 2], most=16)
    assert first == 2
    assert [str(error) for error in others] == ["below nothing"] * 2
    with pytest.raises(ValueError, match="below nothing"):
        Batcher(slow, 1)(-5)
    assert Batcher(slow, 1)(4) == 8
