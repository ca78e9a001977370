"""Storage: bytes by their hash, sealed originals, damage found and never served."""

from __future__ import annotations

import contextlib
import hashlib
import resource
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import obstore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import NotFound, Unavailable
from core.storage import TORN_FOR, Storage
from tests.servers import ROOT, S3, free_port

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


def upload(storage: Storage, data: bytes, step: int = 65_536) -> str:
    with storage.incoming() as coming:
        for at in range(0, len(data), step):
            coming.write(data[at : at + step])
        assert (coming.size, coming.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        return storage.take(coming)


@pytest.fixture(params=["folder", "s3"])
def either(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Iterator[Storage]:
    """A storage in a folder, and one on an S3 server."""
    if request.param == "folder":
        yield Storage(f"file://{folder}", KEY)
        return
    server = S3(tmp_path)
    server.start()
    yield Storage(server.url, KEY, spool=tmp_path)
    server.stop()


def test_an_upload_opens_as_what_was_sealed_at_once(either: Storage) -> None:
    large = secrets.token_bytes(9 * 1024 * 1024 + 11)  # more than one part of a multipart upload
    for data in (b"x", secrets.token_bytes(1024 * 1024), large):
        sha256 = upload(either, data)
        assert either.unseal(sha256) == data
        assert upload(either, data) == sha256
        assert either.seal(data) == sha256
        either.drop_original(sha256)
        with pytest.raises(NotFound):
            either.unseal(sha256)


def test_pieces_are_the_object_or_a_part_of_it(either: Storage) -> None:
    data = secrets.token_bytes(3 * 1024 * 1024 + 5)
    sha256 = either.put(data)
    assert b"".join(either.pieces(sha256)) == data
    assert b"".join(either.pieces(sha256, 1000, 2_000_000)) == data[1000:2_000_000]
    assert b"".join(either.pieces(sha256, len(data) - 3)) == data[-3:]
    with pytest.raises(NotFound):  # at once: an answer has not begun
        either.pieces(ABSENT)


def test_an_upload_lies_sealed_and_a_swapped_one_does_not_open(storage: Storage, folder: Path) -> None:
    data = b"a face in the window" * 100_000
    one, two = upload(storage, data), upload(storage, b"two")
    assert b"a face in the window" not in file_of(folder, "originals", one).read_bytes()
    file_of(folder, "originals", one).write_bytes(file_of(folder, "originals", two).read_bytes())
    with pytest.raises(NotFound):
        storage.unseal(one)
    assert storage.unseal(upload(storage, data)) == data  # sent again, it is whole again


def test_an_upload_that_is_not_taken_leaves_nothing(storage: Storage, folder: Path) -> None:
    with storage.incoming() as coming:
        coming.write(bytes(3_000_000))
        assert [path for path in folder.rglob("*") if path.is_file()] == []  # not even while it comes
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_of_a_damaged_object_the_last_piece_never_comes(storage: Storage, folder: Path) -> None:
    data = secrets.token_bytes(5 * 1024 * 1024)
    path = file_of(folder, "blobs", storage.put(data))
    path.write_bytes(flip(data, 100))
    pieces, given = storage.pieces(path.name), 0

    def read() -> None:
        nonlocal given
        for piece in pieces:
            given += len(piece)

    with pytest.raises(NotFound):
        read()
    assert 0 < given < len(data)


def test_a_full_disk_is_unavailable(storage: Storage, folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    with pytest.raises(Unavailable):
        storage.incoming()


def test_what_a_killed_process_left_half_written_is_dropped_after_an_hour(
    storage: Storage, folder: Path
) -> None:
    """A real process, killed while it copies a whole upload to its place."""
    whole = upload(storage, b"whole"), storage.put(b"whole"), storage.seal(b"a look", "looks")
    program = (
        "import sys; from core.storage import Storage\n"
        "storage = Storage(sys.argv[1], bytes(32)); coming = storage.incoming()\n"
        "for _ in range(150): coming.write(bytes(1 << 20))\n"
        "storage.take(coming)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, f"file://{folder}"], cwd=ROOT)
    until = time.monotonic() + 60
    while not (torn := list(folder.rglob("*#*"))) and time.monotonic() < until:
        time.sleep(0.001)
    child.kill()
    child.wait()
    assert len(torn) == 1, "the child was done before it was killed"
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    now = datetime.now(UTC)
    for later in (timedelta(0), TORN_FOR - timedelta(minutes=1)):
        assert storage.drop_torn(now + later) == 0, "it may still be written"
    assert torn[0].exists()
    assert storage.drop_torn(now + TORN_FOR + timedelta(minutes=1)) == 1
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left == names - {torn[0].name} == set(whole)
    assert storage.drop_torn(now + 2 * TORN_FOR) == 0


def test_only_half_written_files_are_dropped(storage: Storage, folder: Path) -> None:
    sha256 = storage.put(b"x")
    for name in (f"{sha256}#", f"{sha256}#x", "note#1", f"{sha256}#1.txt"):
        (folder / "blobs" / sha256[:2] / name).touch()
    assert storage.drop_torn(datetime.now(UTC) + 2 * TORN_FOR) == 0


def test_a_bucket_has_no_such_files(tmp_path: Path) -> None:
    url = f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}&region=us-east-1&access_key_id=a&secret_access_key=b"
    assert Storage(url, KEY, spool=tmp_path).drop_torn(datetime.now(UTC)) == 0


SPANS: list[tuple[int, int | None]] = [
    (0, None),
    (1000, 2000),
    (5, 10),
    (0, 2000),
    (1999, 2000),
    (1000, None),
]


@pytest.mark.parametrize("lies", [0, 5, 2001])
def test_an_object_of_another_size_is_damaged_and_not_away(
    either: Storage, lies: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut short, a range beyond what is left is an error of the store's, like that of one that is away."""
    data = secrets.token_bytes(2000)
    sha256 = either.put(data)
    for span in SPANS:
        assert b"".join(either.pieces(sha256, *span, size=2000)) == data[slice(*span)]
    obstore.put(either._store, f"blobs/{sha256[:2]}/{sha256}", secrets.token_bytes(lies))
    for span in SPANS:
        caplog.clear()
        with pytest.raises(NotFound, match="damaged"):  # at once: an answer has not begun
            either.pieces(sha256, *span, size=2000)
        assert [record.levelname for record in caplog.records] == ["ERROR"]


# Whose it is


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow by a byte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def other(folder: Path) -> Storage:
    return Storage(f"file://{folder}", secrets.token_bytes(32))


def mark_of(folder: Path) -> Path:
    [mark] = (path for path in (folder / "house").rglob("*") if path.is_file())
    return mark


def test_a_storage_is_whose_key_came_first(storage: Storage, folder: Path) -> None:
    assert storage.is_ours()
    assert storage.is_ours()
    assert not other(folder).is_ours()
    assert storage.is_ours()


@pytest.mark.parametrize("shelf", ["originals", "looks"])
def test_what_was_sealed_before_there_was_a_mark_says_whose_it_is(
    storage: Storage, folder: Path, shelf: Literal["originals", "looks"]
) -> None:
    storage.put(b"plain bytes are nobody's")
    storage.seal(b"an original", shelf)
    assert not other(folder).is_ours()
    assert not (folder / "house").exists()
    assert storage.is_ours()
    assert not other(folder).is_ours()


@pytest.mark.parametrize("torn", [b"", b"x" * 27])
def test_a_torn_mark_is_mended_by_whoever_opens_what_lies_here(
    storage: Storage, folder: Path, torn: bytes
) -> None:
    storage.seal(b"an original")
    assert storage.is_ours()
    mark_of(folder).write_bytes(torn)
    assert not other(folder).is_ours()
    assert storage.is_ours()
    assert not other(folder).is_ours()


def test_of_many_at_once_one_key_is_the_storages(folder: Path) -> None:
    several = [Storage(f"file://{folder}", bytes([k]) * 32) for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(Storage.is_ours, several)) == 1


def test_a_storage_that_can_only_be_read_says_whose_it_is(storage: Storage, folder: Path) -> None:
    assert storage.is_ours()
    with full_disk():
        assert storage.is_ours()
        assert not other(folder).is_ours()
