"""The demo's house: a fresh home, and the real server in it as a child process.

The server is started as a person starts it, `python -m market serve`, with another home, a free port
and a shorter freshness (so that a late commitment can be seen in seconds, not in ten minutes).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from core.config import Settings
from core.note import Signer, load_or_make_key
from market.simulator.credentials import Authority, new_authority

ROOT = Path(__file__).resolve().parent.parent.parent
FRESHNESS_S = 16.0
START_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0


class HouseDown(Exception):
    """The server did not start, or ended: the message says where its log is."""


class House:
    """The running market of one demo.

    Attributes:
        folder: its home (database, storage, keys, `serve.log`).
        settings: the settings its processes run with; reads of its database go by them.
        maker: a camera maker's C2PA authority whose root this house trusts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "trust").mkdir(parents=True)
        self.maker: Authority = new_authority("Example Cameras (simulated)", "Example Cameras Root 1")
        (self.folder / "trust" / "example-cameras.pem").write_bytes(self.maker.root_pem)
        self.settings = Settings(
            home=self.folder,
            port=_free_port(),
            max_freshness_s=FRESHNESS_S,
            database_url="",
            broker_url="",
            storage_url="",
            trust_folder=None,
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def log(self) -> Path:
        """What the server and its worker said."""
        return self.folder / "serve.log"

    def log_key(self) -> str:
        """The transparency log's vkey line, read from the house itself: pinned out of band, not over HTTP."""
        signer = Signer(self.settings.log_origin, load_or_make_key(self.folder / "log.pem"))
        return signer.verifier.vkey

    def environment(self) -> dict[str, str]:
        """The environment of the house's processes: this one's, without other SPOTCHECK_ settings."""
        base = {name: value for name, value in os.environ.items() if not name.startswith("SPOTCHECK_")}
        return {
            **base,
            "SPOTCHECK_HOME": str(self.folder),
            "SPOTCHECK_PORT": str(self.settings.port),
            "SPOTCHECK_MAX_FRESHNESS_S": str(FRESHNESS_S),
        }

    def start(self) -> float:
        """Starts the server and waits until database and storage answer; returns the seconds it took.

        Raises:
            HouseDown: it ended, or was not ready in time.
        """
        began = time.monotonic()
        with self.log.open("wb") as out:
            command = [sys.executable, "-m", "market", "serve"]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=out, stderr=out, start_new_session=True
            )
        while time.monotonic() - began < START_WITHIN_S:
            if self._process.poll() is not None:
                raise HouseDown(f"the server ended with {self._process.returncode}: see {self.log}")
            if self._ready():
                return time.monotonic() - began
            time.sleep(0.05)
        raise HouseDown(f"the server was not ready in {START_WITHIN_S:.0f} s: see {self.log}")

    def operator(self) -> str:
        """A new reviewer's API key, made as an operator makes it: on the command line."""
        command = [sys.executable, "-m", "market", "account", "reviewer", "--kind", "operator"]
        made = subprocess.run(
            command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=True
        )
        return made.stdout.split()[-1]

    def stop(self) -> None:
        """Stops the server and its worker."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
