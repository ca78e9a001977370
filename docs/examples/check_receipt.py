"""Checks saved observations against their receipts, without a network: from the files and the log's key.

    export SPOTCHECK_LOG_KEY=...          # from anywhere but the server being checked
    python docs/examples/check_receipt.py evidence/obs_*.json

Prints one JSON line a step; exit status 0 when no step of any file failed.
"""

import json
import os
import sys
from pathlib import Path

from agent_sdk import Observation, ReceiptBundle, Verifier
from agent_sdk.receipts import LogKey, RamMemory


def check(file: Path, verifier: Verifier) -> bool:
    """Whether every step that could be taken holds for one saved observation."""
    saved = json.loads(file.read_text(encoding="utf-8"))
    seen = Observation.model_validate(saved["observation"])
    bundle = ReceiptBundle.model_validate(saved["bundle"])
    pictures = [(file.parent / f"{item.sha256}.jpg").read_bytes() for item in seen.media]
    report = verifier.examine(bundle, observation=seen, media=pictures)
    for step in report.steps:
        why = str(step.error) if step.error else step.why
        print(json.dumps({"file": file.name, "step": step.name, "status": step.status, "why": why}))
    return report.ok


def main(files: list[str], log_key: str) -> int:
    """The exit status."""
    key = LogKey.parse(log_key)
    # Each file by itself: to hold two checkpoints of different sizes together takes a proof from the log.
    held = [check(Path(file), Verifier(key, RamMemory())) for file in files]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ["SPOTCHECK_LOG_KEY"]))
