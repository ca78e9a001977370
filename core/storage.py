"""Bytes by their SHA-256: plain blobs for what is delivered, sealed ones for what is not.

A sealed object is AES-256-GCM under the house's key, named by the SHA-256 of the *plain* bytes,
which is also its associated data: a swapped or altered file does not open. What is uploaded is sealed in
pieces as it comes (`core.sealing`): it may be larger than should be held. Sealed objects lie on shelves:
what people upload (`originals`) never shares a name with what the house keeps for itself (`looks`), so
nobody can have the one dropped by sending the other. One obstore URL serves
local folders, S3, GCS and Azure alike.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl, urlsplit

import obstore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from core.errors import NotFound, Unavailable
from core.sealing import HEAD, MAGIC, PIECE, TAG, Sealer, unsealed

_log = logging.getLogger(__name__)
DROP_TORN = "core.drop_torn_files"
TORN_FOR = timedelta(hours=1)
_RETRIED_FOR = timedelta(seconds=20)  # what a storage in the net did not answer; somebody waits for it
_NONCE_BYTES = 12
_TORN = re.compile(r"[0-9a-f]{64}#[0-9]+", re.ASCII)  # what obstore writes before it has its name
_PART = 8 * PIECE  # of a multipart upload; two are on their way at a time
Shelf: TypeAlias = Literal["originals", "looks"]


class Incoming:
    """An upload on its way, sealed as it comes into a file that has no name: whatever ends it, and be it
    the process, nothing is left behind.

    Attributes:
        size: plain bytes so far.
    """

    def __init__(self, house: AESGCM, folder: Path | None) -> None:
        self._sealer = Sealer(house)
        self._hash = hashlib.sha256()
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (closed by `close`)
        self._file.seek(HEAD)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._hash.update(data)
        self.size += len(data)
        try:
            self._file.write(self._sealer.add(data))
        except OSError as error:
            raise Unavailable("the storage has no room for the upload") from error

    @property
    def sha256(self) -> str:
        """Hex, of the plain bytes so far."""
        return self._hash.hexdigest()

    def sealed(self, name: bytes) -> IO[bytes]:
        """The whole sealed object, to be read from its beginning. Nothing can be written any more."""
        try:
            self._file.write(self._sealer.end())
            self._file.seek(0)
            self._file.write(self._sealer.head(name))
            self._file.seek(0)
        except OSError as error:
            raise Unavailable("the storage has no room for the upload") from error
        return self._file

    def close(self) -> None:
        """Drops the file."""
        with contextlib.suppress(OSError):  # what is dropped need not fit on the disk
            self._file.close()

    def __enter__(self) -> Incoming:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Storage:
    """Content-addressed storage behind one URL.

    Args:
        url: `file:///folder`, or `s3://bucket?endpoint=…&access_key_id=…&…` (obstore's options).
        seal_key: 32 bytes that originals are sealed under.
        spool: a folder on a disk, where uploads wait, sealed and without a name, until their hash is known;
            the local folder unless told, the system's for temporary files where there is none.
    """

    def __init__(self, url: str, seal_key: bytes, spool: Path | None = None) -> None:
        self._cipher = AESGCM(seal_key)
        self._folder: Path | None = None
        self._store: ObjectStore
        parts = urlsplit(url)
        if parts.scheme == "file":
            self._folder = Path(parts.path)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(self._folder)
        else:
            options: dict[str, str] = dict(parse_qsl(parts.query))
            self._store = from_url(
                url.split("?", maxsplit=1)[0],
                config=options,
                client_options={"allow_http": True},
                retry_config={"retry_timeout": _RETRIED_FOR},
            )  # type: ignore[call-overload]
        self._spool = spool or self._folder

    def put(self, data: bytes) -> str:
        """Stores bytes durably and returns their SHA-256 in hex. The same bytes twice are one object."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._keep(_path("blobs", sha256), data, lambda: self.get(sha256))
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes with this SHA-256.

        Raises:
            NotFound: no such object, or its bytes no longer have that hash (never served).
        """
        data = self._read(_path("blobs", sha256))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise NotFound("the stored bytes are damaged", sha256=sha256)
        return data

    def pieces(
        self, sha256: str, start: int = 0, stop: int | None = None, *, size: int | None = None
    ) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, a piece at a time. The whole object's hash is checked on
        the way: of a damaged one the last piece never comes. A part of it is given as it lies there.

        Args:
            size: how many bytes the object has, where that is known: one of another size is damaged.

        Raises:
            NotFound: at once when there is no such object, or it is not of that size; on the way when it is
            damaged otherwise. Unavailable.
        """
        whole = start == 0 and stop is None
        parts = self._parts(_path("blobs", sha256), None if whole else (start, stop), size)
        return _checked(parts, sha256) if whole else parts

    def incoming(self) -> Incoming:
        """An upload that begins: write to it, then `take` it, or close it."""
        try:
            return Incoming(self._cipher, self._spool)
        except OSError as error:
            raise Unavailable("the storage has no room for the upload") from error

    def take(self, upload: Incoming, shelf: Shelf = "originals") -> str:
        """Stores an upload; returns the SHA-256 of the plain bytes. One there already is replaced whole."""
        sha256 = upload.sha256
        sealed, path = upload.sealed(_name(shelf, sha256)), _path(shelf, sha256)
        try:
            obstore.put(self._store, path, sealed, chunk_size=_PART, max_concurrency=2)
        except (OSError, BaseError) as error:
            raise Unavailable("the storage did not take the bytes") from error
        self._sync(path)
        return sha256

    def seal(self, data: bytes, shelf: Shelf = "originals") -> str:
        """Stores bytes encrypted; returns the SHA-256 of the plain bytes."""
        sha256 = hashlib.sha256(data).hexdigest()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        box = nonce + self._cipher.encrypt(nonce, data, _name(shelf, sha256))
        self._keep(_path(shelf, sha256), box, lambda: self.unseal(sha256, shelf))
        return sha256

    def unseal(self, sha256: str, shelf: Shelf = "originals") -> bytes:
        """Opens a sealed object. Callers that open an original log why (`core.states.record`).

        Raises:
            NotFound: no such object, another key, or altered bytes.
        """
        parts, name = self._parts(_path(shelf, sha256)), _name(shelf, sha256)
        first = next(parts, b"")
        parts = itertools.chain([first], parts)
        try:
            if first.startswith(MAGIC):
                return _joined(unsealed(self._cipher, name, parts))
            box = _joined(parts)
            return self._cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], name)
        except (InvalidTag, ValueError) as error:  # ValueError: not even a nonce is left
            raise NotFound("the sealed object does not open", sha256=sha256) from error

    def drop_original(self, sha256: str) -> None:
        """Deletes an original for good; one that is gone already is fine."""
        try:
            obstore.delete(self._store, _path("originals", sha256))
        except FileNotFoundError:
            return
        except (OSError, BaseError) as error:
            raise Unavailable("the storage did not drop the object") from error

    def drop_torn(self, now: datetime) -> int:
        """Deletes files that a killed process left half written in the folder: unnamed yet, and nobody wrote
        to them for TORN_FOR. Gives how many. (Of a bucket its own rule ends what was begun: see README.md.)
        """
        dropped = 0
        for path in self._folder.glob("*/??/*#*") if self._folder is not None else ():
            try:
                if _TORN.fullmatch(path.name) and path.stat().st_mtime < (now - TORN_FOR).timestamp():
                    path.unlink()
                    dropped += 1
            except FileNotFoundError:  # it has its name by now, or another dropped it
                continue
            except OSError as error:
                raise Unavailable("the storage did not drop the file") from error
        if dropped:
            _log.warning("%d files dropped that killed processes left half written", dropped)
        return dropped

    def ready(self) -> bool:
        """Whether the storage answers (used by /readyz and doctor)."""
        try:
            obstore.list_with_delimiter(self._store, prefix="ready")
        except (OSError, BaseError):
            return False
        return True

    def is_ours(self) -> bool:
        """Whether what is sealed here is sealed under this key; where nothing is yet, it is from now on.
        Raises Unavailable: the storage does not answer, or does not take the mark."""
        mark = self._mark()
        if mark is None or len(mark) != _MARK_BYTES:  # none yet, or one that was torn
            if not self._opens_what_lies_here():
                return False
            nonce = secrets.token_bytes(_NONCE_BYTES)
            box = nonce + self._cipher.encrypt(nonce, b"", _MARK.encode())
            if self._write(_MARK, box, "create" if mark is None else "overwrite"):
                return True
            mark = self._mark() or b""  # another was first
        with contextlib.suppress(InvalidTag, ValueError):
            self._cipher.decrypt(mark[:_NONCE_BYTES], mark[_NONCE_BYTES:], _MARK.encode())
            return True
        return False

    def _mark(self) -> bytes | None:
        try:
            return self._read(_MARK)
        except NotFound:
            return None

    def _opens_what_lies_here(self) -> bool:
        """Whether this key opens a sealed object that is here; True where there is none."""
        try:
            for shelf in get_args(Shelf):
                for found in itertools.chain.from_iterable(obstore.list(self._store, prefix=shelf)):
                    self.unseal(found["path"].rpartition("/")[2], shelf)
                    return True
        except NotFound:
            return False
        except (OSError, BaseError) as error:
            raise Unavailable("the storage does not answer") from error
        return True

    def _keep(self, path: str, data: bytes, read_back: Callable[[], bytes]) -> None:
        """Stores an object unless a whole one is there; bytes given again repair a damaged one."""
        if self._write(path, data, "create"):
            return
        try:
            read_back()
        except NotFound:
            self._write(path, data, "overwrite")

    def _write(self, path: str, data: bytes, mode: Literal["create", "overwrite"]) -> bool:
        """Stores bytes durably. False when an object of that name was there and was left as it is."""
        made = True
        try:
            obstore.put(self._store, path, data, mode=mode)
        except AlreadyExistsError:
            made = False  # still synced below: its writer may have died before
        except (OSError, BaseError) as error:
            raise Unavailable("the storage did not take the bytes") from error
        self._sync(path)
        return made

    def _sync(self, path: str) -> None:
        if self._folder is not None:
            _sync(self._folder / path, self._folder)

    def _parts(
        self, path: str, span: tuple[int, int | None] | None = None, size: int | None = None
    ) -> Iterator[bytes]:
        """An object's bytes in order, or those from the first of two numbers to before the second.

        Raises:
            NotFound: at once; also when the object is not of this size. Unavailable: at once, or on the way.
        """
        try:
            if span is None:
                found = obstore.get(self._store, path)
            elif span[1] is None:
                found = obstore.get(self._store, path, options={"range": {"offset": span[0]}})
            else:
                found = obstore.get(self._store, path, options={"range": (span[0], span[1])})
            lies = found.meta["size"]
        except FileNotFoundError as error:
            raise NotFound("no such stored object") from error
        except (OSError, BaseError) as error:
            # A range beyond the end of what is left is no different from a storage that is away, until asked.
            if size is None or (lies := self._size(path)) == size:
                raise Unavailable("the storage does not answer") from error
        if size is not None and lies != size:
            _log.error("%s has %d bytes instead of %d: damaged", path, lies, size)
            raise NotFound("the stored bytes are damaged")
        return _coming(found.stream(min_chunk_size=PIECE))

    def _size(self, path: str) -> int:
        try:
            return obstore.head(self._store, path)["size"]
        except (OSError, BaseError) as error:
            raise Unavailable("the storage does not answer") from error

    def _read(self, path: str) -> bytes:
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError as error:
            raise NotFound("no such stored object") from error
        except (OSError, BaseError) as error:
            raise Unavailable("the storage does not answer") from error


def _coming(stream: Iterable[bytes]) -> Iterator[bytes]:
    try:
        for part in stream:
            yield bytes(part)
    except (OSError, BaseError) as error:
        raise Unavailable("the storage does not answer") from error


def _checked(parts: Iterator[bytes], sha256: str) -> Iterator[bytes]:
    """The parts; the last one only when the hash of all is right. Raises NotFound when it is not."""
    seen, held = hashlib.sha256(), b""
    for part in parts:
        if held:
            yield held
        seen.update(part)
        held = part
    if seen.hexdigest() != sha256:
        raise NotFound("the stored bytes are damaged", sha256=sha256)
    yield held


def _joined(parts: Iterable[bytes]) -> bytes:
    """All of them, without a second copy: BytesIO hands out what it holds."""
    whole = io.BytesIO()
    for part in parts:
        whole.write(part)
    return whole.getvalue()


def _name(shelf: str, sha256: str) -> bytes:
    """What a sealed object is bound to."""
    return f"{shelf}/{sha256}".encode()


def _path(kind: str, sha256: str) -> str:
    return f"{kind}/{sha256[:2]}/{sha256}"


_MARK = _path(
    "house", hashlib.sha256(b"sealed by").hexdigest()
)  # opens under the key that all is sealed under
_MARK_BYTES = _NONCE_BYTES + TAG


def _sync(path: Path, root: Path) -> None:
    """Forces a file and the folders that name it to the disk: the row that names it is committed next."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    for target in (path, *folders):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
