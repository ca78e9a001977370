"""Refusals in the words and codes of Stripe's error object."""

from __future__ import annotations

Wire = dict[str, object]


class Refused(Exception):
    """The request gets an error object; `more` holds what some errors carry besides (a payment intent)."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        more: Wire | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.more = more or {}

    def wire(self) -> Wire:
        error: Wire = {"type": self.kind, "message": self.message}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        error.update(self.more)
        return {"error": error}


def invalid(message: str, *, code: str | None = None, param: str | None = None, status: int = 400) -> Refused:
    """An `invalid_request_error`, the type of nearly all refusals."""
    return Refused(status, "invalid_request_error", message, code=code, param=param)


def missing(param: str) -> Refused:
    return invalid(f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(noun: str, name: str, param: str, *, status: int = 400) -> Refused:
    """An id that names nothing: 404 where it stands in the path, 400 where it is a parameter."""
    return invalid(f"No such {noun}: '{name}'", code="resource_missing", param=param, status=status)


def unsupported(what: str) -> Refused:
    """What real Stripe knows and this fake does not: said aloud, never ignored."""
    message = f"The fake Stripe does not implement {what}."
    return Refused(501, "api_error", message, headers={"Stripe-Should-Retry": "false"})


class Misuse(Exception):
    """A test asked the fake for something that could not happen at Stripe (paying an expired session)."""
