"""The first root: the HTTP application. It opens what requests need and nothing a worker needs: no torch."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from starlette.exceptions import HTTPException

import bounties.account_routes
import bounties.routes
import bounties.work_routes
import core.accounts.routes
import payments.routes
from core import errors, log_routes
from core.accounts.door import limited
from core.config import Settings
from core.db import Database
from core.note import Signer, load_or_make_key
from core.queue import Queue
from core.storage import Storage

_log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
WEB, DOCS = ROOT / "web", ROOT / "docs"
MAX_JSON_BODY = 512 * 1024
_CSP = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings. Opens the database, the queue's sending end and the storage."""
    database = Database(settings.database, Queue(settings.broker))
    storage = Storage(settings.storage, settings.seal_key())
    signer = Signer(settings.log_origin, load_or_make_key(settings.home / "log.pem"))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.dispose()

    app = FastAPI(
        title="Spotcheck",
        version="0.1.0",
        description="The market where software agents buy a look. Amounts are decimal strings of US dollars.",
        lifespan=lifespan,
        docs_url=None,  # the docs are Markdown (below); Swagger's page would load scripts from elsewhere
        redoc_url=None,
        dependencies=[Depends(limited)],
        max_body_size=MAX_JSON_BODY,  # also of a body whose length nobody stated
    )
    app.state.settings = settings
    app.state.database = database
    app.state.storage = storage
    shared = settings.broker if settings.broker.startswith("redis") else "memory://"
    app.state.limiter = FixedWindowRateLimiter(storage_from_string(shared))
    app.state.rate = RateLimitItemPerMinute(settings.rate_limit)
    _add_doors(app, database, signer.verifier.vkey)
    _add_health(app, database, storage)
    _add_error_handlers(app)
    app.middleware("http")(_envelope)
    _add_docs(app)
    app.mount("/", StaticFiles(directory=WEB, html=True), name="web")
    return app


def _add_doors(app: FastAPI, database: Database, vkey: str) -> None:
    app.include_router(core.accounts.routes.router)
    app.include_router(payments.routes.router)
    app.include_router(bounties.work_routes.router)  # before bounties.routes: /bounties/near is no id
    app.include_router(bounties.routes.router)
    app.include_router(bounties.account_routes.router)
    app.include_router(log_routes.log_router(database, vkey))


def _add_health(app: FastAPI, database: Database, storage: Storage) -> None:
    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    def readyz() -> dict[str, str]:
        """The database and the storage answer too."""
        try:
            with database.reading() as session:
                session.execute(text("SELECT 1 FROM accounts LIMIT 1"))
        except SQLAlchemyError as error:
            raise errors.Unavailable("the database does not answer, or is not migrated") from error
        if not storage.ready():
            raise errors.Unavailable("the storage does not answer")
        return {"status": "ready"}


def _add_docs(app: FastAPI) -> None:
    """Documentation for agents: every page of docs/ as Markdown, and /llms.txt."""
    pages = {path.name: path for path in sorted(DOCS.glob("*.md"))}

    @app.get("/llms.txt", response_class=PlainTextResponse, tags=["docs"])
    def llms() -> PlainTextResponse:
        """Where an agent starts reading."""
        return PlainTextResponse((ROOT / "llms.txt").read_text(encoding="utf-8"))

    @app.get("/docs/{page}", response_class=PlainTextResponse, tags=["docs"])
    def page(page: str) -> PlainTextResponse:
        """One page of documentation, such as `api.md`."""
        if page not in pages:
            raise errors.NotFound("no such page", hint=f"Pages: {', '.join(pages)}.")
        text = pages[page].read_text(encoding="utf-8")
        return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")


async def _envelope(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """Gives each request an id, refuses oversized JSON, sets the headers every answer has."""
    request.state.id = f"req_{secrets.token_hex(10)}"
    length = request.headers.get("content-length", "0")
    is_media = request.method == "PUT" and request.url.path.endswith("/media")
    if not is_media and (not length.isdigit() or int(length) > MAX_JSON_BODY):
        response: Response = _problem(request, errors.TooLarge("the body is too large", limit=MAX_JSON_BODY))
    else:
        response = await proceed(request)
    response.headers["X-Request-Id"] = request.state.id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Content-Security-Policy"] = _CSP
    return response


def _add_error_handlers(app: FastAPI) -> None:
    """Everything that goes wrong leaves as problem JSON (RFC 9457) with a code and a hint."""

    @app.exception_handler(errors.SpotcheckError)
    def ours(request: Request, error: errors.SpotcheckError) -> JSONResponse:
        return _problem(request, error)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return _problem(request, errors.BadInput(f"{where}: {first['msg']}", field=where))

    @app.exception_handler(HTTPException)
    def framework(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return _problem(
                request, errors.NotFound("no such page", hint="See /openapi.json for the routes.")
            )
        if error.status_code == 413:
            return _problem(request, errors.TooLarge("the body is too large", limit=MAX_JSON_BODY))
        return _problem(request, errors.BadInput(str(error.detail)), error.status_code, error.headers)

    @app.exception_handler(IntegrityError)
    def collided(request: Request, error: IntegrityError) -> JSONResponse:
        # A guarantee of the database stopped the slower of two requests; nothing of it is stored.
        _log.info("collided: %s", error)
        return _problem(request, errors.Conflict("another request changed this first", hint="Read it again."))

    @app.exception_handler(OperationalError)
    def database_away(request: Request, error: OperationalError) -> JSONResponse:
        _log.warning("database away: %s", error)
        return _problem(request, errors.Unavailable("the database is busy or away"))

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.exception("unforeseen", exc_info=error)
        return _problem(request, errors.SpotcheckError("an unforeseen fault; it has been logged"))


def _problem(
    request: Request,
    error: errors.SpotcheckError,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Problem JSON; `status` and `headers` are the framework's own, where it has its own (405 and Allow)."""
    sent = dict(headers or {})
    if "retry_after" in error.facts:
        sent["Retry-After"] = str(error.facts["retry_after"])
    status = status or error.status
    body = error.problem(getattr(request.state, "id", "")) | {"status": status}
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=sent)
