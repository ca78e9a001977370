"""What /openapi.json says beyond what the framework knows: bearer keys, one key a POST, how calls fail."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from core.wire import Shape

# OpenAPI 3.1 says of these parameters that they are ignored: security, media types and responses tell them.
_TOLD_ELSEWHERE = {"authorization", "accept", "content-type"}
_WITHOUT_KEY_TOO = {"/v1/devices"}
_ONE_EFFECT = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "One random value per logical call, the same on each retry.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_REFUSED = {
    "description": "Refused: act on `code`, see /docs/errors.md.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Problem(Shape):
    """A refusal (RFC 9457). `code` is stable; `hint` says what to do; `facts` are for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    docs_url: str
    request_id: str
    facts: dict[str, Any]


class Application(FastAPI):
    """FastAPI, with an OpenAPI page that says how this house is called and refuses."""

    def openapi(self) -> dict[str, Any]:
        """The page, made once."""
        made_before = self.openapi_schema is not None
        page = super().openapi()
        if not made_before:
            for path, methods in page["paths"].items():
                for method, operation in methods.items():
                    _amend(path, method, operation)
            parts = page["components"]
            parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for name in ("HTTPValidationError", "ValidationError"):
                parts["schemas"].pop(name)
            parts["schemas"]["Problem"] = Problem.model_json_schema()
        return page


def _amend(path: str, method: str, operation: dict[str, Any]) -> None:
    given = operation.pop("parameters", [])
    names = {parameter["name"] for parameter in given}
    kept = [p for p in given if p["name"] not in _TOLD_ELSEWHERE | {"Idempotency-Key"}]
    if method == "post" and "Idempotency-Key" in names:
        kept.append(_ONE_EFFECT)
    if kept:
        operation["parameters"] = kept
    if "authorization" in names:
        operation["security"] = [{"key": []}, {}] if path in _WITHOUT_KEY_TOO else [{"key": []}]
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = _REFUSED
