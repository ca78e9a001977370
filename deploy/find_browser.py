"""Finds a Chromium for the page tests, or installs one (Playwright's, apt's), or says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium on this machine: $SPOTCHECK_CHROMIUM, on PATH, or Playwright's own."""
    named = os.environ.get("SPOTCHECK_CHROMIUM")
    if named and Path(named).exists():
        return named
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    kept = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    found = sorted(kept.glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


def install() -> None:
    """Tries Playwright's download, then apt when root."""
    tried = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], check=False, timeout=300
    )
    if tried.returncode == 0 or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    subprocess.run(["apt-get", "update", "-qq"], check=False, timeout=300)
    subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, timeout=600)


if __name__ == "__main__":
    path = find()
    if path is None:
        install()
        path = find()
    if path is None:
        sys.exit("no Chromium: install one (apt-get install chromium) or set SPOTCHECK_CHROMIUM to its path")
    print(path)
