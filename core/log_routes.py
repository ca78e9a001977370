"""The log's public reading room: key, checkpoint, consistency proofs, static tiles (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import base64
import re
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from core import log
from core.db import Database
from core.errors import NotFound

_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_BRIEFLY = {"Cache-Control": "public, max-age=1"}
_PLACE = re.compile(r"^((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?$", re.ASCII)
_LEVEL = re.compile(r"^(0|[1-9][0-9]?)$", re.ASCII)

Size = Annotated[int, Query(ge=0, lt=2**63, description="a tree size, in leaves")]


class ConsistencyProof(BaseModel):
    """Hashes that show one tree to be a prefix of another (RFC 9162 section 2.1.4), standard base64."""

    proof: list[str]


def log_router(database: Database, vkey: str) -> APIRouter:
    """The routes under /log; `vkey` is the log's public key line. None needs an account."""
    router = APIRouter(prefix="/log", tags=["log"])

    @router.get("/key", response_class=PlainTextResponse)
    def key() -> PlainTextResponse:
        """The key that signs checkpoints, as one `name+id+base64` line."""
        return PlainTextResponse(f"{vkey}\n", headers=_BRIEFLY)

    @router.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint() -> PlainTextResponse:
        """The newest signed tree head (c2sp.org/tlog-checkpoint)."""
        with database.reading() as session:
            head = log.latest(session)
            if head is None:
                raise NotFound("the log has signed nothing yet", hint="Retry in a second.")
            return PlainTextResponse(head.note, headers=_BRIEFLY)

    @router.get("/consistency")
    def consistency(old: Size, new: Size) -> ConsistencyProof:
        """Shows that the log of `new` leaves extends the log of `old` leaves."""
        with database.reading() as session:
            proof = log.consistency(session, old, new)
        return ConsistencyProof(proof=[base64.b64encode(node).decode() for node in proof])

    @router.get("/tile/{level}/{place:path}", response_class=Response)
    def tile(level: str, place: str) -> Response:
        """A tile of hashes `<level>/<index>[.p/<width>]`, or a bundle `entries/<index>[.p/<width>]`."""
        index, width = _read_place(place)
        with database.reading() as session:
            if level == "entries":
                body = log.entries(session, index, width)
            else:
                body = log.tile(session, _read_level(level), index, width)
        return Response(body, media_type="application/octet-stream", headers=_FOREVER)

    return router


def _read_place(place: str) -> tuple[int, int]:
    """Index and width from `x001/x234/067.p/8`; the last of the three-digit groups has no x."""
    match = _PLACE.match(place)
    if match is None or (match[2] and int(match[2]) >= log.TILE_WIDTH) or match[1].startswith("x000/"):
        raise NotFound("no tile has that path", hint="Paths are as c2sp.org/tlog-tiles writes them.")
    return int(match[1].replace("x", "").replace("/", "")), int(match[2] or log.TILE_WIDTH)


def _read_level(level: str) -> int:
    if not _LEVEL.match(level):
        raise NotFound("no tile has that level", hint="Levels are 0..63, or `entries`.")
    return int(level)
