"""The verifier's command line: `python -m verification COMMAND ...`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS: dict[str, str] = {
    "calibrate": "verification.calibration.command:main",
    "report": "verification.calibration.report_page:main",
    "examine": "verification.standalone:main",
    "redteam": "verification.redteam.command:main",
}
"""Name -> "module:function" from the words after it to an exit code; loaded only when it is called."""


def main(argv: Sequence[str]) -> int:
    """Runs one command."""
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    chosen = parser.parse_args(argv[:1])
    module, function = COMMANDS[chosen.command].split(":")
    code: int = getattr(importlib.import_module(module), function)(argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
