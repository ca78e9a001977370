"""A request's checked parameters, read by name and type, and the rules that hold for many of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from tests.fakes.stripe.errors import invalid, missing

# The smallest charge of each currency the fake knows, in its minor unit.
MINIMUMS = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "jpy": 50, "huf": 17500}
LARGEST = 99_999_999


class Arguments:
    """Typed access to the parameters; the types were settled by the SDK's TypedDict before."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values = values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name, "") != ""

    def text(self, name: str) -> str | None:
        """The text, or None where it was not sent or sent empty."""
        return cast("str | None", self.values.get(name) or None)

    def need_text(self, name: str) -> str:
        found = self.text(name)
        if found is None:
            raise missing(name)
        return found

    def integer(self, name: str) -> int | None:
        return cast("int | None", self.values.get(name))

    def flag(self, name: str) -> bool:
        """Whether it was sent as true, or as one of the words that stand for a kind of true."""
        return self.values.get(name, False) not in {False, ""}

    def branch(self, name: str) -> Arguments:
        """A nested object's parameters; empty where none was sent."""
        found = self.values.get(name)
        return Arguments(cast("dict[str, object]", found) if isinstance(found, dict) else {})

    def branches(self, name: str) -> list[Arguments]:
        return [Arguments(one) for one in cast("list[dict[str, object]]", self.values.get(name) or [])]

    def texts(self, name: str) -> list[str]:
        return cast("list[str]", self.values.get(name) or [])

    def metadata(self) -> dict[str, str]:
        """The metadata within Stripe's limits; a key with an empty value is one that was unset.

        Raises:
            Refused: more than 50 keys, a key over 40 or a value over 500 characters.
        """
        given = cast("dict[str, str]", self.values.get("metadata") or {})
        kept = {key: value for key, value in given.items() if value}
        if len(kept) > 50:
            raise invalid("Metadata can have up to 50 keys.", param="metadata")
        for key, value in kept.items():
            if len(key) > 40:
                raise invalid(f"Metadata keys can have up to 40 characters: {key}", param="metadata")
            if len(value) > 500:
                message = f"Metadata values can have up to 500 characters, but you passed in {len(value)}."
                raise invalid(message, param="metadata")
        return kept

    def currency(self, name: str = "currency") -> str:
        """The currency in lower case, one of those the fake knows."""
        found = self.need_text(name).lower()
        if found not in MINIMUMS:
            known = ", ".join(MINIMUMS)
            raise invalid(f"Invalid currency: {found}. Supported currencies: {known}", param=name)
        return found

    def amount(self, name: str = "amount") -> int:
        """A positive amount that Stripe can hold.

        Raises:
            Refused: none was sent, it is below 1, or over eight digits.
        """
        found = self.integer(name)
        if found is None:
            raise missing(name)
        if found < 1:
            code = "parameter_invalid_integer"
            raise invalid("This value must be greater than or equal to 1.", code=code, param=name)
        if found > LARGEST:
            raise invalid("Amount must be no more than $999,999.99", code="amount_too_large", param=name)
        return found

    def paths(self) -> Iterator[str]:
        """Dotted names of everything that was sent, list indexes left out."""
        yield from _paths(self.values, "")


def _paths(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _paths(inner, path)
    elif path:
        yield path


def at_least_the_minimum(amount: int, currency: str, param: str = "amount") -> None:
    """Refuses a charge that is smaller than Stripe takes."""
    if amount < MINIMUMS[currency]:
        message = f"Amount must be at least {MINIMUMS[currency]} in the smallest unit of {currency}"
        raise invalid(message, code="amount_too_small", param=param)
