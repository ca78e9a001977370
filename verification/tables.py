"""What the verifier remembers of past captures: enough to know a copy and a place, nothing else.

No foreign key leads out of here: verification knows captures by name only.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Remembered(Base):
    """One past capture.

    Attributes:
        order: its place among all submitted captures; queries look at smaller ones only.
        media_sha256: hex, of the original bytes.
        hashes: 20 hashes of 32 bytes (`pdq.index_views`), or None when there was no picture.
        words: up to 160 features of 12 bytes (`words.entries`), or None.
        look: hex SHA-256 of the sealed `registration.Look`, or None.
        lat / lon: where the device said it was, or None.
        cell: the coarse H3 cell of that spot, or None.
        at: server time of the commitment, or of the submission when there was none.
    """

    __tablename__ = "remembered"
    __table_args__ = (
        CheckConstraint("(hashes IS NULL) = (look IS NULL)", name="picture_whole"),
        CheckConstraint("(words IS NULL) = (look IS NULL)", name="words_whole"),
        CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="spot_whole"),
        Index(None, "bounty", "order"),
        Index(None, "cell", "order"),
        Index(None, "account", "order"),
    )

    capture: Mapped[str] = mapped_column(primary_key=True)
    order: Mapped[int] = mapped_column(BigInteger, unique=True)
    account: Mapped[str]
    bounty: Mapped[str]
    media_sha256: Mapped[str] = mapped_column(index=True)
    hashes: Mapped[bytes | None] = mapped_column(LargeBinary)
    words: Mapped[bytes | None] = mapped_column(LargeBinary)
    look: Mapped[str | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    cell: Mapped[str | None]
    at: Mapped[datetime]


class RememberedMoment(Base):
    """One of the further pictures of a past capture that is a film (`verification.moments`).

    Attributes:
        picture: its number, from 1; the key is `Remembered`'s own.
        order, hashes, look: as of `Remembered`.
    """

    __tablename__ = "remembered_moments"

    capture: Mapped[str] = mapped_column(primary_key=True)
    picture: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order: Mapped[int] = mapped_column(BigInteger, index=True)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)
    look: Mapped[str]


class CameraPrint(Base):
    """The sensor noise of a past capture's picture (`measures.prnu`).

    Attributes:
        frame: the picture's size as stored, "4032x3024".
        print: hex SHA-256 of the sealed `prnu.NoisePrint.packed`.
    """

    __tablename__ = "camera_prints"
    __table_args__ = (Index(None, "account", "frame", "order"), Index(None, "frame", "order"))

    capture: Mapped[str] = mapped_column(primary_key=True)
    order: Mapped[int] = mapped_column(BigInteger, unique=True)
    account: Mapped[str]
    frame: Mapped[str]
    print: Mapped[str]


class SeriesMark(Base):
    """One mark (`verification.series`) of the series of a past capture."""

    __tablename__ = "series_marks"

    mark: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    order: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
