"""The first root: the HTTP application. It opens what requests need and nothing a worker needs: no torch."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from limits import RateLimitItemPerMinute
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from starlette.exceptions import HTTPException

import bounties.account_routes
import bounties.routes
import bounties.work_routes
import core.accounts.routes
import payments.routes
from bounties.under_way import UnderWay
from bounties.waiting import Waiters
from core import errors, log, log_routes
from core.accounts.door import limited
from core.config import Settings
from core.db import Database
from core.queue import Queue
from core.rates import Rates
from core.storage import Storage
from market.envelope import Envelope, problem, too_large
from market.keys import signer_of, storage_of
from market.openapi import Application
from market.rails import stripe_of
from payments import halts

_log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parent.parent
WEB, DOCS = ROOT / "web", ROOT / "docs"
_SERVED = {
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".py": "text/plain; charset=utf-8",
    ".xz": "application/x-xz",
}  # of docs/, by how a name ends


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings. Opens the database, the queue's sending end and the storage."""
    database = Database(settings.database, Queue(settings.broker))
    storage, signer = storage_of(settings), signer_of(settings, database)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.dispose()

    app = Application(
        title="Spotcheck",
        version="0.1.0",
        description="The market where software agents buy a look. Amounts are decimal strings of US dollars.",
        lifespan=lifespan,
        docs_url=None,  # the docs are Markdown (below); Swagger's page would load scripts from elsewhere
        redoc_url=None,
        dependencies=[Depends(limited)],
    )
    app.state.settings = settings
    app.state.database = database
    app.state.storage = storage
    app.state.stripe = stripe_of(settings, database)
    app.state.waiters = Waiters()
    app.state.under_way = UnderWay()
    app.state.rates = Rates(settings.broker)
    app.state.rate = RateLimitItemPerMinute(settings.rate_limit)
    _add_doors(app, database, signer.verifier.vkey)
    _add_health(app, database, storage)
    _add_error_handlers(app)
    app.add_middleware(Envelope)
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
        """The database and the storage answer too, the log is whole. Halted payouts are said, no more."""
        try:
            with database.reading() as session:
                session.execute(text("SELECT 1 FROM accounts LIMIT 1"))
                log.check(session)
                halted = halts.in_force(session, halts.PAYOUTS)
        except SQLAlchemyError as error:
            raise errors.Unavailable("the database does not answer, or is not migrated") from error
        if not storage.ready():
            raise errors.Unavailable("the storage does not answer")
        return {"status": "ready", "payouts": "halted" if halted else "open"}


def _add_docs(app: FastAPI) -> None:
    """Documentation for agents: every page of docs/ as Markdown with what it shows, and /llms.txt."""
    pages = {path.name: path for path in sorted(DOCS.glob("*.md"))}
    files = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*") if path.suffix in _SERVED}

    @app.get("/llms.txt", response_class=PlainTextResponse, tags=["docs"])
    def llms() -> PlainTextResponse:
        """Where an agent starts reading."""
        return PlainTextResponse((ROOT / "llms.txt").read_text(encoding="utf-8"))

    @app.get("/docs/", response_class=PlainTextResponse, include_in_schema=False)
    @app.get("/docs", response_class=PlainTextResponse, tags=["docs"])
    def index() -> PlainTextResponse:
        """What there is to read: the pages, by title, and the OpenAPI description."""
        links = [f"- [{_title(path)}](/docs/{name})" for name, path in pages.items()]
        more = [
            "- [OpenAPI](/openapi.json): every route and shape",
            "- [For agents](/llms.txt): where to start",
        ]
        return _markdown("\n".join(["# Spotcheck's documentation", "", *links, *more, ""]))

    @app.get("/docs/{page:path}", response_class=FileResponse, tags=["docs"])
    def page(page: str) -> FileResponse:
        """One page of documentation, such as `api.md`, or a drawing or file that one shows."""
        if page not in files:
            raise errors.NotFound("no such page", hint=f"Pages: {', '.join(pages)}.")
        return FileResponse(files[page], media_type=_SERVED[files[page].suffix], headers=_DRAWN)


# A drawing is styled within itself; nothing else of it is believed.
_DRAWN = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _markdown(text: str) -> PlainTextResponse:
    return PlainTextResponse(text, media_type=_SERVED[".md"])


def _add_error_handlers(app: FastAPI) -> None:
    """Everything that goes wrong leaves as problem JSON (RFC 9457) with a code and a hint."""

    @app.exception_handler(errors.SpotcheckError)
    def ours(request: Request, error: errors.SpotcheckError) -> JSONResponse:
        # RFC 9110, section 15.5.9: who was too slow is hung up on.
        ends = {"Connection": "close"} if getattr(request.state, "hangs_up", False) else None
        return problem(request, error, headers=ends)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(request, errors.BadInput(f"{where}: {first['msg']}", field=where))

    @app.exception_handler(HTTPException)
    def framework(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            return problem(request, errors.NotFound("no such page", hint="See /openapi.json for the routes."))
        if error.status_code == 413:
            return problem(request, too_large(request))
        return problem(request, errors.BadInput(str(error.detail)), error.status_code, error.headers)

    @app.exception_handler(IntegrityError)
    def collided(request: Request, error: IntegrityError) -> JSONResponse:
        # A guarantee of the database stopped the slower of two requests; nothing of it is stored.
        _log.info("collided: %s", error)
        return problem(request, errors.Conflict("another request changed this first", hint="Read it again."))

    @app.exception_handler(OperationalError)
    def database_away(request: Request, error: OperationalError) -> JSONResponse:
        _log.warning("database away: %s", error)
        return problem(request, errors.Unavailable("the database is busy or away"))

    @app.exception_handler(log.LogBroken)
    def log_broken(request: Request, error: log.LogBroken) -> JSONResponse:
        _log.error("the log is broken: %s", error)
        hint = "An operator has to look; what is not signed yet stays unsigned until then."
        return problem(request, errors.Unavailable(f"the log is broken: {error}", hint=hint))

    @app.exception_handler(Exception)
    def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.exception("unforeseen", exc_info=error)
        return problem(request, errors.SpotcheckError("an unforeseen fault; it has been logged"))
