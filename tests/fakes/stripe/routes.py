"""The table of routes: which function answers what, and which of Stripe's parameters it understands."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.fakes.stripe.arguments import Arguments
from tests.fakes.stripe.errors import Wire, invalid, unsupported

if TYPE_CHECKING:
    from tests.fakes.stripe.shelf import R, Shelf
    from tests.fakes.stripe.world import Tenant, World

ALWAYS = frozenset({"expand", "limit", "starting_after", "ending_before"})


@dataclass
class Call:
    """One request on its way to the function that answers it."""

    world: World
    tenant: Tenant
    arguments: Arguments
    ids: builtins.list[str]
    path: str

    def list(
        self,
        shelf: Shelf[R],
        keep: Callable[[R], bool] | None = None,
        *,
        among: builtins.list[R] | None = None,
    ) -> Wire:
        """A page of a shelf, filtered by its indexes, by `created` and by `keep`."""
        found, page = shelf.page(self.arguments, self.path, keep, among=among)
        page["data"] = [item.wire() for item in found]
        return page


Answer = Callable[[Call], Wire]


@dataclass(frozen=True)
class Route:
    """One line of the table."""

    name: str
    params: str
    answer: Answer
    supports: frozenset[str] = field(default_factory=frozenset)

    def check(self, arguments: Arguments) -> None:
        """Refuses loudly what Stripe knows and the fake would otherwise ignore."""
        for path in arguments.paths():
            parts = path.split(".")
            if not any(".".join(parts[:end]) in self.supports for end in range(1, len(parts) + 1)):
                raise unsupported(f"the parameter {path} of {self.name}")


ROUTES: dict[str, Route] = {}


def route(method: str, template: str, params: str, *, supports: str = "") -> Callable[[Answer], Answer]:
    """Puts a function into the table.

    Args:
        params: the SDK's type of the request's parameters.
        supports: the parameters the function understands; one named alone covers all below it.
    """
    name = f"{method} {template}"

    def enter(answer: Answer) -> Answer:
        ROUTES[name] = Route(name, params, answer, ALWAYS | frozenset(supports.split()))
        return answer

    return enter


def find(method: str, path: str) -> tuple[Route, list[str]]:
    """The route of a request and the ids in its path.

    Raises:
        Refused: there is no such route.
    """
    parts = path.strip("/").split("/")
    if parts[1:2] == ["checkout"]:
        parts[1:3] = ["/".join(parts[1:3])]
    ids = [unquote(part) for part in parts[2::2]]
    parts[2::2] = [":id"] * len(ids)
    found = ROUTES.get(f"{method} /{'/'.join(parts)}")
    if found is None:
        message = f"Unrecognized request URL ({method}: {path}), or one the fake does not have."
        raise invalid(message, status=404)
    return found, ids
