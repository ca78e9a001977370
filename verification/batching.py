"""Calls of many threads, answered together.

A GPU answers sixteen pictures nearly as quickly as one. While one batch runs, whoever calls meanwhile waits
for it to end, and then all of them go together: nobody waits for company when the device is idle, and nobody
longer than the batch at hand and his own. That bound needs no timer, and a lone caller pays nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """A function of one thing made from one of several. Safe between threads.

    Args:
        run: answers several, in their order; never called by two threads at once.
        most: of them at a time.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Result]], most: int) -> None:
        self._run = run
        self._most = most
        self._waiting: list[tuple[Item, Future[Result]]] = []
        self._gate = threading.Lock()  # of the list
        self._turn = threading.Lock()  # of the device

    def __call__(self, item: Item) -> Result:
        """The answer to one; what `run` raised, for everybody in its batch."""
        answer: Future[Result] = Future()
        with self._gate:
            self._waiting.append((item, answer))
        while not answer.done():
            with self._turn:  # whoever gets it answers for all who waited
                if not answer.done():
                    self._answer()
        return answer.result()

    def _answer(self) -> None:
        with self._gate:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            results = self._run([item for item, _ in batch])
        except BaseException as error:  # noqa: BLE001 - told to each of those who asked
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), result in zip(batch, results, strict=True):
            answer.set_result(result)
