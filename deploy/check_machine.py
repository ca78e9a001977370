"""Checks what `make setup` needs before it starts, and says the one command that mends each lack.

Runs on the system's Python with nothing installed.
"""

import importlib.util
import shutil
import sys

NEEDS_GIB = 6


def lacks() -> list[str]:
    """What is missing, each with what to do."""
    found = []
    if sys.version_info < (3, 11):
        found.append(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make setup PYTHON=python3.11"
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        found.append(
            "Python's venv module is missing: apt-get install python3-venv (or your system's package)"
        )
    free = shutil.disk_usage(".").free >> 30
    if free < NEEDS_GIB:
        found.append(f"{NEEDS_GIB} GiB of disk are needed, {free} GiB are free")
    return found


if __name__ == "__main__":
    missing = lacks()
    for line in missing:
        print(f"setup: {line}", file=sys.stderr)
    sys.exit(1 if missing else 0)
