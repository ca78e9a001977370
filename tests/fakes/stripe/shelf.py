"""Collections of one kind of object: found by id, listed newest first, by index where one helps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
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
    """Objects in the order they were made, which is also the order of their times.

    Args:
        noun: how Stripe's messages name one of them.
        indexed: attributes that lists are filtered by.
    """

    def __init__(self, noun: str, *indexed: str) -> None:
        self.noun = noun
        self._indexed = indexed
        self._places: dict[str, int] = {}
        self._count = 0
        self._all: dict[str, R] = {}
        self._order: list[R] = []
        self._by: dict[tuple[str, object], list[R]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[R]:
        return iter(self._all.values())

    def _place(self, item: R) -> int:
        return self._places[item.id]

    def add(self, item: R) -> R:
        self._count += 1
        self._places[item.id] = self._count
        self._all[item.id] = item
        self._order.append(item)
        for name in self._indexed:
            self.reindex(item, name)
        return item

    def reindex(self, item: R, name: str) -> None:
        """Puts the item under an attribute that was set after it was added; old entries are harmless."""
        value = getattr(item, name)
        if value is not None:
            insort(self._by.setdefault((name, value), []), item, key=self._place)

    def drop_before(self, created: int) -> None:
        """Forgets the oldest items, as Stripe forgets events."""
        if not self._order or self._order[0].created >= created:
            return
        gone = self._order[: bisect_left(self._order, created, key=_created)]
        del self._order[: len(gone)]
        for name in self._indexed:
            for value in {getattr(item, name) for item in gone}:
                kept = self._by[name, value]
                del kept[: bisect_left(kept, created, key=_created)]
        for item in gone:
            del self._all[item.id], self._places[item.id]

    def get(self, name: str) -> R | None:
        return self._all.get(name)

    def need(self, name: str, param: str, *, status: int = 400) -> R:
        found = self._all.get(name)
        if found is None:
            raise no_such(self.noun, name, param, status=status)
        return found

    def where(self, name: str, value: str) -> list[R]:
        """All items with a value of an indexed attribute, newest first."""
        return self._by.get((name, value), [])[::-1]

    def like(self, name: str, fits: Callable[[str], bool]) -> list[R]:
        """All items whose value of an indexed attribute fits, oldest first."""
        found = [items for (field, value), items in self._by.items() if field == name and fits(str(value))]
        if len(found) == 1:
            return found[0]
        return sorted(chain.from_iterable(found), key=self._place)

    def page(
        self,
        arguments: Arguments,
        url: str,
        keep: Callable[[R], bool] | None = None,
        *,
        among: list[R] | None = None,
    ) -> tuple[list[R], Wire]:
        """One page as Stripe pages: newest first, after or before a named object.

        Args:
            among: what to choose from, oldest first, where it is not everything.

        Returns:
            The objects, and the list object around them, whose `data` is still to be filled.
        """
        limit = _limit(arguments)
        after, before = arguments.text("starting_after"), arguments.text("ending_before")
        if after and before:
            message = "You cannot parameterize both starting_after and ending_before."
            raise invalid(message, code="parameters_exclusive")
        named = self._indexed if among is None else ()
        wanted = {name: arguments.text(name) for name in named if name in arguments}
        sources = [self._by.get(key, []) for key in wanted.items()]
        source = min(sources, key=len, default=self._order) if among is None else among
        low, high = _between(source, arguments)
        if before:
            cursor = self._place(self.need(before, "ending_before"))
            low = max(low, bisect_right(source, cursor, key=self._place))
        elif after:
            cursor = self._place(self.need(after, "starting_after"))
            high = min(high, bisect_left(source, cursor, key=self._place))

        def fits(item: R) -> bool:
            chosen = all(getattr(item, name) == value for name, value in wanted.items())
            return chosen and (keep is None or keep(item))

        places = range(low, high) if before else range(high - 1, low - 1, -1)
        found = list(islice((source[place] for place in places if fits(source[place])), limit + 1))
        more, found = len(found) > limit, found[:limit]
        if before:
            found.reverse()
        return found, {"object": "list", "url": url, "has_more": more, "data": []}


def _limit(arguments: Arguments) -> int:
    limit = arguments.integer("limit")
    if limit is None:
        return 10
    if not 1 <= limit <= 100:
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
        message = f"This value must be {bound} (currently {limit})."
        raise invalid(message, code="parameter_invalid_integer", param="limit")
    return limit


def _created(item: Resource) -> int:
    return item.created


def _between(source: Sequence[Resource], arguments: Arguments) -> tuple[int, int]:
    """Where in a shelf's order the wanted times begin and end."""
    exact = arguments.values.get("created")
    if isinstance(exact, int):
        return bisect_left(source, exact, key=_created), bisect_right(source, exact, key=_created)
    bounds, low, high = arguments.branch("created"), 0, len(source)
    for name, find in (("gt", bisect_right), ("gte", bisect_left)):
        if (bound := bounds.integer(name)) is not None:
            low = max(low, find(source, bound, key=_created))
    for name, find in (("lt", bisect_left), ("lte", bisect_right)):
        if (bound := bounds.integer(name)) is not None:
            high = min(high, find(source, bound, key=_created))
    return low, high
