"""Bytes by their SHA-256: plain blobs for what is delivered, sealed ones for what is not.

A sealed object is AES-256-GCM under the house's key, named by the SHA-256 of the *plain* bytes,
which is also its associated data: a swapped or altered file does not open. Sealed objects lie on shelves:
what people upload (`originals`) never shares a name with what the house keeps for itself (`looks`), so
nobody can have the one dropped by sending the other. One obstore URL serves
local folders, S3, GCS and Azure alike.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import obstore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from core.errors import NotFound, Unavailable

_NONCE_BYTES = 12
Shelf: TypeAlias = Literal["originals", "looks"]


class Storage:
    """Content-addressed storage behind one URL.

    Args:
        url: `file:///folder`, or `s3://bucket?endpoint=…&access_key_id=…&…` (obstore's options).
        seal_key: 32 bytes that originals are sealed under.
    """

    def __init__(self, url: str, seal_key: bytes) -> None:
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
                url.split("?", maxsplit=1)[0], config=options, client_options={"allow_http": True}
            )  # type: ignore[call-overload]

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
        box = self._read(_path(shelf, sha256))
        try:
            return self._cipher.decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _name(shelf, sha256))
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

    def ready(self) -> bool:
        """Whether the storage answers (used by /readyz and doctor)."""
        try:
            obstore.list_with_delimiter(self._store, prefix="ready")
        except (OSError, BaseError):
            return False
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
        if self._folder is not None:
            _sync(self._folder / path, self._folder)
        return made

    def _read(self, path: str) -> bytes:
        try:
            return bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError as error:
            raise NotFound("no such stored object") from error
        except (OSError, BaseError) as error:
            raise Unavailable("the storage does not answer") from error


def _name(shelf: str, sha256: str) -> bytes:
    """What a sealed object is bound to."""
    return f"{shelf}/{sha256}".encode()


def _path(kind: str, sha256: str) -> str:
    return f"{kind}/{sha256[:2]}/{sha256}"


def _sync(path: Path, root: Path) -> None:
    """Forces a file and the folders that name it to the disk: the row that names it is committed next."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    for target in (path, *folders):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
