"""Collections of one kind of object: found by id, listed newest first, by index where one helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from tests.fakes.stripe.arguments import Arguments
from tests.fakes.stripe.errors import Wire, invalid, no_such


class Resource(Protocol):
    """What every stored object has."""

    id: str
    created: int

    def wire(self) -> Wire: ...


R = TypeVar("R", bound=Resource)


class Shelf(Generic[R]):
    """Objects in the order they were made.

    Args:
        noun: how Stripe's messages name one of them.
        indexed: attributes that lists are filtered by.
    """

    def __init__(self, noun: str, *indexed: str) -> None:
        self.noun = noun
        self._indexed = indexed
        # Dictionaries keep the order of insertion and can be walked backwards.
        self._all: dict[str, R] = {}
        self._by: dict[tuple[str, object], dict[str, R]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[R]:
        return iter(self._all.values())

    def add(self, item: R) -> R:
        self._all[item.id] = item
        for name in self._indexed:
            self.reindex(item, name)
        return item

    def reindex(self, item: R, name: str) -> None:
        """Puts the item under an attribute that was set after it was added."""
        value = getattr(item, name)
        if value is not None:
            self._by.setdefault((name, value), {})[item.id] = item

    def drop_before(self, created: int) -> None:
        """Forgets the oldest items, as Stripe forgets events; only for a shelf without indexes."""
        while self._all:
            oldest = next(iter(self._all.values()))
            if oldest.created >= created:
                return
            del self._all[oldest.id]

    def get(self, name: str) -> R | None:
        return self._all.get(name)

    def need(self, name: str, param: str, *, status: int = 400) -> R:
        found = self._all.get(name)
        if found is None:
            raise no_such(self.noun, name, param, status=status)
        return found

    def where(self, name: str, value: str) -> list[R]:
        """All items with a value of an indexed attribute, newest first."""
        return list(reversed(self._by.get((name, value), {}).values()))

    def page(
        self, arguments: Arguments, url: str, keep: Callable[[R], bool] | None = None
    ) -> tuple[list[R], Wire]:
        """One page as Stripe pages: newest first, after or before a named object.

        Returns:
            The objects, and the list object around them, whose `data` is still to be filled.
        """
        limit = _limit(arguments)
        after, before = arguments.text("starting_after"), arguments.text("ending_before")
        if after and before:
            message = "You cannot parameterize both starting_after and ending_before."
            raise invalid(message, code="parameters_exclusive")
        source = self._narrowest(arguments)
        tests = [test for test in (_created(arguments), keep) if test is not None]
        cursor = before or after
        if cursor is not None:
            self.need(cursor, "ending_before" if before else "starting_after")
        walk = iter(source.values()) if before else reversed(source.values())
        found = _take(walk, cursor, limit + 1, tests)
        more, found = len(found) > limit, found[:limit]
        if before:
            found.reverse()
        return found, {"object": "list", "url": url, "has_more": more, "data": []}

    def _narrowest(self, arguments: Arguments) -> dict[str, R]:
        """The smallest indexed set, thinned by the other indexed filters."""
        wanted = [(name, arguments.text(name)) for name in self._indexed if name in arguments]
        if not wanted:
            return self._all
        sets = sorted((self._by.get(key, {}) for key in wanted), key=len)
        if len(sets) == 1:
            return sets[0]
        return {name: item for name, item in sets[0].items() if all(name in other for other in sets[1:])}


def _take(walk: Iterator[R], cursor: str | None, limit: int, tests: list[Callable[[R], bool]]) -> list[R]:
    if cursor is not None:
        for item in walk:
            if item.id == cursor:
                break
    found: list[R] = []
    for item in walk:
        if all(test(item) for test in tests):
            found.append(item)
            if len(found) == limit:
                break
    return found


def _limit(arguments: Arguments) -> int:
    limit = arguments.integer("limit")
    if limit is None:
        return 10
    if not 1 <= limit <= 100:
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        message = f"This value must be {bound} (currently {limit})."
        raise invalid(message, code="parameter_invalid_integer", param="limit")
    return limit


def _created(arguments: Arguments) -> Callable[[Resource], bool] | None:
    wanted = arguments.values.get("created")
    if isinstance(wanted, int):
        return lambda item: item.created == wanted
    bounds = arguments.branch("created")
    if not bounds.values:
        return None
    above, at_least = bounds.integer("gt"), bounds.integer("gte")
    below, at_most = bounds.integer("lt"), bounds.integer("lte")
    low = max(-1 if above is None else above + 1, -1 if at_least is None else at_least)
    high = min(2**62 if below is None else below - 1, 2**62 if at_most is None else at_most)
    return lambda item: low <= item.created <= high
