"""Storage: bytes by their hash, sealed originals, damage found and never served."""

from __future__ import annotations

import hashlib
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import NotFound, Unavailable
from core.storage import Storage
from tests.servers import free_port

KEY = secrets.token_bytes(32)
ABSENT = hashlib.sha256(b"nothing").hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def storage(folder: Path) -> Storage:
    return Storage(f"file://{folder}", KEY)


def file_of(folder: Path, kind: str, sha256: str) -> Path:
    return folder / kind / sha256[:2] / sha256


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.binary(max_size=2000))
def test_bytes_come_back_by_their_hash(storage: Storage, data: bytes) -> None:
    assert storage.put(data) == storage.seal(data) == hashlib.sha256(data).hexdigest()
    assert storage.get(storage.put(data)) == storage.unseal(storage.seal(data)) == data


def test_a_sealed_original_is_unreadable_without_the_key(storage: Storage, folder: Path) -> None:
    original = b"GPS 35.6892 51.3890 " * 100
    sha256 = storage.seal(original)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"GPS" not in everything
    with pytest.raises(NotFound):
        Storage(f"file://{folder}", secrets.token_bytes(32)).unseal(sha256)
    with pytest.raises(NotFound):
        storage.get(sha256)


def test_the_same_original_sealed_under_one_key_never_repeats_its_nonce(
    storage: Storage, folder: Path
) -> None:
    sha256 = storage.seal(b"one")
    first = file_of(folder, "originals", sha256).read_bytes()
    file_of(folder, "originals", sha256).unlink()
    storage.seal(b"one")
    assert file_of(folder, "originals", sha256).read_bytes()[:12] != first[:12]


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("damage", [
    lambda d: b"", lambda d: d[:5], lambda d: d[:-1], lambda d: d + b"x", lambda d: flip(d, 0),
    lambda d: flip(d, len(d) // 2), lambda d: flip(d, len(d) - 1), lambda d: bytes(len(d)),
])  # fmt: skip
def test_damage_is_found_never_served_and_repaired_by_the_same_bytes(
    storage: Storage, folder: Path, damage: object
) -> None:
    assert callable(damage)
    data = secrets.token_bytes(500)
    for kind, put, get in (("blobs", storage.put, storage.get), ("originals", storage.seal, storage.unseal)):
        sha256 = put(data)
        path = file_of(folder, kind, sha256)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(NotFound):
            get(sha256)
        assert get(put(data)) == data


def test_swapped_sealed_files_do_not_open(storage: Storage, folder: Path) -> None:
    one, two = storage.seal(b"one"), storage.seal(b"two")
    file_of(folder, "originals", one).write_bytes(file_of(folder, "originals", two).read_bytes())
    with pytest.raises(NotFound):
        storage.unseal(one)


def test_the_same_bytes_twice_are_one_object(storage: Storage, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(storage.put, [b"same"] * 32))) == 1
        assert len(set(pool.map(storage.seal, [b"same"] * 32))) == 1
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 2


def test_what_is_not_there_is_not_found(storage: Storage) -> None:
    for read in (storage.get, storage.unseal):
        with pytest.raises(NotFound):
            read(ABSENT)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "..", "/etc/passwd", "a/b", "\x00"])
def test_no_name_leads_out_of_the_folder(storage: Storage, name: str) -> None:
    for read in (storage.get, storage.unseal):
        with pytest.raises(ValueError):
            read(name)


def test_a_folder_that_is_gone_is_unavailable_not_a_crash(storage: Storage, folder: Path) -> None:
    sha256 = storage.put(b"x")
    assert storage.ready()
    folder.rename(folder.with_name("moved"))
    folder.write_text("a file where the folder was")
    assert not storage.ready()
    for call in (lambda: storage.put(b"y"), lambda: storage.seal(b"y"), lambda: storage.get(sha256)):
        with pytest.raises(Unavailable):
            call()


def test_an_s3_that_is_away_is_unavailable() -> None:
    url = f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}&region=us-east-1&access_key_id=a&secret_access_key=b"
    with pytest.raises(Unavailable):
        Storage(url, KEY).get(ABSENT)


def test_no_draft_is_left_beside_the_objects(storage: Storage, folder: Path) -> None:
    sha256 = storage.put(b"x")
    storage.put(b"x")
    assert [p.name for p in folder.rglob("*") if p.is_file()] == [sha256]
    assert stat.S_ISREG(file_of(folder, "blobs", sha256).stat().st_mode)


def test_an_upload_never_shares_a_name_with_what_the_house_keeps(storage: Storage) -> None:
    """Somebody who knows the bytes of a look may upload them, and have that upload dropped."""
    look = storage.seal(b"what a picture looks like", "looks")
    assert storage.seal(b"what a picture looks like") == look
    storage.drop_original(look)
    assert storage.unseal(look, "looks") == b"what a picture looks like"
    with pytest.raises(NotFound):
        storage.unseal(look)
