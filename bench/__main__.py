"""Runs every benchmark of this folder in turn: `python -m bench --quick`. Exits 1 when one missed a bar."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import bench

_NOT_BENCHMARKS = {
    "__main__",
    "cover",
    "displays",
    "mutants",
    "peers",
    "plates_drawn",
    "plates_films",
    "simulation",
    "veil_films",
}


def main() -> int:
    """Runs each benchmark as a process of its own, with the options given here."""
    failed = []
    for module in pkgutil.iter_modules(bench.__path__):
        if module.name in _NOT_BENCHMARKS:
            continue
        print(f"\n== bench.{module.name}", flush=True)
        command = [sys.executable, "-m", f"bench.{module.name}", *sys.argv[1:]]
        if subprocess.run(command, check=False).returncode:
            failed.append(module.name)
    print(f"\n{len(failed)} missed a bar: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
