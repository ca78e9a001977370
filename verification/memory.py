"""The verifier's memory of past captures: what checks may ask of it, and its SQL keeping.

A capture is remembered when its examination starts, before any later one is examined; every question
names an order and is answered from earlier captures only, so the answer does not depend on which
worker is quicker.

The hashes and words of all pictures are also held in RAM (`matching.hash_index`, `word_index`: some 4.5
KB a picture) and read again from the database when a worker starts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError

from core.accounts.tables import Account
from core.db import Database, insert_once
from core.geo import COARSE_RESOLUTION, Spot, cell
from core.storage import Storage
from verification import series
from verification.evidence import Evidence
from verification.matching import pdq, words
from verification.matching.hash_index import HashIndex
from verification.matching.registration import Eyes, Features, Look, look
from verification.matching.residue import residue
from verification.matching.word_index import WordIndex
from verification.measures.prnu import NoisePrint
from verification.moments import Moments
from verification.picture import Picture, Pixels
from verification.statement import parse_statement, spot_of
from verification.tables import CameraPrint, Remembered, SeriesMark

_LOOKS_KEPT = 32  # of about 0.6 MB


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier capture.

    Attributes:
        distance: smallest Hamming distance 0..256 between the views sought and its own; None when it
            was found otherwise.
        way: the dihedral turn (`pdq.turn`) of the sought picture that came so close.
        picture: which of its pictures: 0 but for a film.
    """

    capture: str
    order: int
    account: str
    bounty: str
    distance: int | None = None
    way: int = 0
    picture: int = 0


@dataclass(frozen=True, slots=True)
class PastSpot:
    """Where an account's device said it was, and when the server heard of it."""

    spot: Spot
    at: datetime


class Memory(Protocol):
    """What checks may ask about the past. `before_order` is the asking capture's own order."""

    def remember(
        self,
        evidence: Evidence,
        picture: Picture | None,
        noise: NoisePrint | None = None,
        moments: Sequence[Pixels] = (),
    ) -> None:
        """Keeps a capture for later questions; `moments`: a film's further pictures. Twice is kept once."""
        ...

    def look_of(self, capture: str, picture: int = 0) -> Look | None:
        """What a remembered picture looks like; None when it is unknown or had no such picture."""
        ...

    def same_bytes(self, sha256: str, before_order: int) -> list[Past]:
        """Earlier captures with exactly these original bytes (hex SHA-256), oldest first."""
        ...

    def nearest(self, views: pdq.Hashes, before_order: int, limit: int) -> list[Past]:
        """Earlier pictures closest to `pdq.query_views` (uint64[16, k, 4]), closest first."""
        ...

    def sharing(self, features: Features, before_order: int, limit: int) -> list[Past]:
        """Earlier pictures that show most of these features, placed alike, those with most first."""
        ...

    def around(self, bounty: str, spot: Spot | None, before_order: int, limit: int) -> list[Past]:
        """Earlier pictures of the same bounty or taken in the same coarse cell, latest first."""
        ...

    def last_spot(self, account: str, before_order: int) -> PastSpot | None:
        """The account's latest earlier capture that had a position."""
        ...

    def prints(self, account: str, frame: str, before_order: int, limit: int) -> list[bytes]:
        """The sensor noise (`prnu.NoisePrint.packed`) of an account's earlier pictures of one size, the
        latest first."""
        ...

    def refused_prints(
        self, account: str, frame: str, before_order: int, accounts: int, limit: int
    ) -> list[list[bytes]]:
        """`prints` of other accounts that are frozen now, at most `limit` each, those seen last first."""
        ...

    def shared_marks(self, marks: Sequence[int], before_order: int) -> list[int]:
        """Those of a series' marks that one earlier series has: of the one that has most of them."""
        ...


class PictureMemory:
    """The Memory kept in the database, with the looks in the sealed storage. Safe between threads."""

    def __init__(self, database: Database, storage: Storage, eyes: Eyes) -> None:
        self._database = database
        self._storage = storage
        self._eyes = eyes
        self._index = HashIndex()
        self._words = WordIndex()
        self._looks: OrderedDict[str, Look] = OrderedDict()
        self._lock = threading.Lock()
        self._moments = Moments(database, storage, eyes)

    def remember(
        self,
        evidence: Evidence,
        picture: Picture | None,
        noise: NoisePrint | None = None,
        moments: Sequence[Pixels] = (),
    ) -> None:
        """See `Memory`. Reads and writes in transactions of its own; the net runs in neither."""
        with self._database.reading() as session:
            if session.get(Remembered, evidence.capture) is not None:
                return
        spot = spot_of(parse_statement(evidence.session.statement))
        row = {
            "capture": evidence.capture,
            "order": evidence.order,
            "account": evidence.session.account,
            "bounty": evidence.terms.bounty,
            "media_sha256": evidence.media_sha256,
            "hashes": None,
            "words": None,
            "look": None,
            "lat": spot.lat if spot else None,
            "lon": spot.lon if spot else None,
            "cell": cell(spot, COARSE_RESOLUTION) if spot else None,
            "at": evidence.session.committed_at or evidence.session.submitted_at,
        }
        if picture is not None:
            seen = replace(look(picture.rgb, self._eyes), residue=residue(picture.rgb))
            row["hashes"] = pdq.index_views(picture.rgb).astype("<u8").tobytes()
            row["words"] = words.entries(seen.features).tobytes()
            row["look"] = self._storage.seal(seen.pack(), "looks")
            self._keep(evidence.capture, seen)
        sealed = self._storage.seal(noise.packed, "looks") if noise is not None else None
        further = self._moments.rows(evidence.capture, evidence.order, moments)
        try:
            with self._database.transaction() as session:
                if insert_once(session, Remembered, row, ["capture"]):
                    session.add_all(further)
                    if noise is not None and sealed is not None:
                        same = {name: row[name] for name in ("capture", "order", "account")}
                        session.add(CameraPrint(**same, frame=noise.frame, print=sealed))
                    marks = series.marks(evidence.parts)
                    session.add_all(SeriesMark(mark=mark, order=evidence.order) for mark in marks)
        except IntegrityError:
            # Postgres may meet the unique order first when two workers keep one capture at the same moment.
            with self._database.reading() as session:
                if session.get(Remembered, evidence.capture) is None:
                    raise

    def look_of(self, capture: str, picture: int = 0) -> Look | None:
        """See `Memory`.

        Raises:
            core.errors.NotFound: the stored look is lost or damaged.
        """
        if picture:
            return self._moments.look_of(capture, picture)
        with self._lock:
            if capture in self._looks:
                self._looks.move_to_end(capture)
                return self._looks[capture]
        with self._database.reading() as session:
            name = session.scalar(select(Remembered.look).where(Remembered.capture == capture))
        if name is None:
            return None
        seen = Look.unpack(self._storage.unseal(name, "looks"))
        self._keep(capture, seen)
        return seen

    def same_bytes(self, sha256: str, before_order: int) -> list[Past]:
        """See `Memory`."""
        return self._find(Remembered.media_sha256 == sha256, before_order, latest_first=False)

    def nearest(self, views: pdq.Hashes, before_order: int, limit: int) -> list[Past]:
        """See `Memory`."""
        with self._lock:
            self._refresh(before_order)
            earlier = self._index.below(before_order)
        # Unlocked: other threads search and add meanwhile.
        found = [(distance, order, 0, way) for order, distance, way in earlier.search(views, limit)]
        found += self._moments.nearest(views, before_order, limit)
        closest: dict[int, tuple[int, int, int]] = {}  # one picture a capture, or a film would fill the list
        for distance, order, picture, way in sorted(found):
            closest.setdefault(order, (distance, way, picture))
        orders = list(closest)[:limit]
        with self._database.reading() as session:
            chosen = select(Remembered).where(Remembered.order.in_(orders))
            rows = {row.order: row for row in session.scalars(chosen)}
            return [_past(rows[order], *closest[order]) for order in orders]

    def sharing(self, features: Features, before_order: int, limit: int) -> list[Past]:
        """See `Memory`."""
        with self._lock:
            self._refresh(before_order)
            earlier = self._words.below(before_order)
        orders = [order for order, _ in earlier.search(features, limit)]
        with self._database.reading() as session:
            found = session.scalars(select(Remembered).where(Remembered.order.in_(orders)))
            rows = {row.order: row for row in found}
            return [_past(rows[order]) for order in orders]

    def around(self, bounty: str, spot: Spot | None, before_order: int, limit: int) -> list[Past]:
        """See `Memory`."""
        place: ColumnElement[bool] = Remembered.bounty == bounty
        if spot is not None:
            place = or_(place, Remembered.cell == cell(spot, COARSE_RESOLUTION))
        return self._find(place & Remembered.look.is_not(None), before_order, latest_first=True, limit=limit)

    def last_spot(self, account: str, before_order: int) -> PastSpot | None:
        """See `Memory`."""
        with self._database.reading() as session:
            row = session.execute(
                select(Remembered.lat, Remembered.lon, Remembered.at)
                .where(Remembered.account == account, Remembered.order < before_order)
                .where(Remembered.lat.is_not(None))
                .order_by(Remembered.order.desc())
                .limit(1)
            ).first()
        if row is None or row.lat is None or row.lon is None:
            return None
        return PastSpot(Spot(row.lat, row.lon), row.at)

    def prints(self, account: str, frame: str, before_order: int, limit: int) -> list[bytes]:
        """See `Memory`. Raises core.errors.NotFound when a stored print is lost or damaged."""
        chosen = (
            select(CameraPrint.print)
            .where(CameraPrint.account == account, CameraPrint.frame == frame)
            .where(CameraPrint.order < before_order)
            .order_by(CameraPrint.order.desc())
            .limit(limit)
        )
        with self._database.reading() as session:
            names = list(session.scalars(chosen))
        return [self._storage.unseal(name, "looks") for name in names]

    def refused_prints(
        self, account: str, frame: str, before_order: int, accounts: int, limit: int
    ) -> list[list[bytes]]:
        """See `Memory`."""
        chosen = (
            select(CameraPrint.account)
            .join(Account, Account.id == CameraPrint.account)
            .where(Account.status == "frozen", CameraPrint.account != account)
            .where(CameraPrint.frame == frame, CameraPrint.order < before_order)
            .group_by(CameraPrint.account)
            .order_by(func.max(CameraPrint.order).desc())
            .limit(accounts)
        )
        with self._database.reading() as session:
            names = list(session.scalars(chosen))
        return [self.prints(name, frame, before_order, limit) for name in names]

    def shared_marks(self, marks: Sequence[int], before_order: int) -> list[int]:
        """See `Memory`."""
        mine = SeriesMark.mark.in_(marks)
        counted = (
            select(SeriesMark.order)
            .where(mine, SeriesMark.order < before_order)
            .group_by(SeriesMark.order)
            .order_by(func.count().desc(), SeriesMark.order)
            .limit(1)
        )
        with self._database.reading() as session:
            closest = session.scalar(counted)
            if closest is None:
                return []
            return list(session.scalars(select(SeriesMark.mark).where(mine, SeriesMark.order == closest)))

    def _find(
        self, where: ColumnElement[bool], before_order: int, *, latest_first: bool, limit: int | None = None
    ) -> list[Past]:
        by = Remembered.order.desc() if latest_first else Remembered.order
        chosen = select(Remembered).where(where, Remembered.order < before_order).order_by(by).limit(limit)
        with self._database.reading() as session:
            return [_past(row) for row in session.scalars(chosen)]

    def _keep(self, capture: str, seen: Look) -> None:
        with self._lock:
            self._looks[capture] = seen
            while len(self._looks) > _LOOKS_KEPT:
                self._looks.popitem(last=False)

    def _refresh(self, before_order: int) -> None:
        """Reads what was remembered since. All orders below the asking one are in place by now (they are
        remembered before it is examined), so nothing below the mark can appear later.
        """
        if before_order <= self._index.complete_below:
            return
        chosen = (
            select(Remembered.order, Remembered.hashes, Remembered.words)
            .where(Remembered.order >= self._index.complete_below, Remembered.order < before_order)
            .where(Remembered.hashes.is_not(None))
            .order_by(Remembered.order)
        )
        with self._database.reading() as session:
            rows = list(session.execute(chosen))
        self._words.add([(order, held) for order, _, held in rows if held is not None])
        self._index.add([(order, hashes) for order, hashes, _ in rows if hashes is not None], before_order)


def _past(row: Remembered, distance: int | None = None, way: int = 0, picture: int = 0) -> Past:
    return Past(row.capture, row.order, row.account, row.bounty, distance, way, picture)
