"""The verifier outside the market: `python -m verification examine CONTEXT.json...`.

One JSON line a context. The same checks, fusion and policy as in the market; docs/examine.md says what
a context holds, what its absence costs, and what a line says.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import SpotcheckError, Unavailable
from verification import context as contexts
from verification.case import Tools
from verification.context import Context
from verification.engine import Choice, Engine
from verification.evidence import Json, Report
from verification.picture import Decoder, Undecodable
from verification.pipeline import examine
from verification.reading import Reader
from verification.recall import Looks, Recall, undecodable
from verification.report_json import report_json
from verification.trust import TrustList


class Standalone:
    """The real decoder, nets and reader, opened once; any number of contexts through them.

    Safe between threads (decoder, engine and reader take turns). It writes nothing to disk.

    Args:
        trust: the C2PA roots that count; nobody's unless told.
        device: where the nets run, see `Engine`.
        threads: of the nets and the reader.
        copies: whether buyers' copies are made, as in the market; nobody is handed them here.

    Raises:
        Unavailable: weights are missing, or CUDA was asked for in vain.
    """

    def __init__(
        self,
        trust: TrustList | None = None,
        *,
        device: Choice = "auto",
        threads: int = 1,
        copies: bool = False,
    ) -> None:
        self._decoder = Decoder()
        self._engine = Engine(device, threads=threads)
        self._reader = Reader(self._engine, threads)
        self._trust = trust or TrustList()
        self._looks = Looks(self._decoder, self._engine)
        self._copies = copies

    def examine(self, context: Context) -> Report:
        """Judges one context against its own memory and no other's.

        Raises:
            BadInput: an earlier capture, a reference or an example cannot be decoded.
            Unavailable: the decoding child cannot be kept alive.
        """
        self._require_pictures("references", context.evidence.references)
        self._require_pictures("examples", context.evidence.examples)
        memory = Recall(context.memory, self._looks)
        tools = Tools(self._decoder, memory, self._engine, self._reader, self._trust)
        return examine(context.evidence, tools, copies=self._copies)

    def _require_pictures(self, key: str, pictures: Sequence[bytes]) -> None:
        for index, data in enumerate(pictures):
            try:
                self._decoder.open(data)
            except Undecodable as broken:
                raise undecodable(f"{key}[{index}]", broken) from None

    def close(self) -> None:
        """Ends the decoding child."""
        self._decoder.close()

    def __enter__(self) -> Standalone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def line(name: str, report: Report) -> dict[str, Json]:
    """What one context's JSON line says (docs/examine.md)."""
    said = report_json(report)
    del said["derivatives"]  # nobody is handed copies here
    rounded = {
        "p_genuine": round(report.p_genuine, 6),
        "interval": [round(edge, 6) for edge in report.interval],
        "p_answer": round(report.p_answer, 6) if report.p_answer is not None else None,
    }
    return {"context": name, **said, **rounded}


def refusal(name: str, error: SpotcheckError) -> dict[str, Json]:
    """The line of a context that could not be judged."""
    facts: dict[str, Json] = {
        key: [*value] if isinstance(value, list) else value for key, value in error.facts.items()
    }
    said: dict[str, Json] = {"code": error.code, "message": error.message, "hint": error.advice, **facts}
    return {"context": name, "error": said}


def judge(standalone: Standalone, path: Path) -> dict[str, Json]:
    """The line of one context file, whatever becomes of it."""
    try:
        return line(str(path), standalone.examine(contexts.load(path)))
    except SpotcheckError as error:
        return refusal(str(path), error)


def main(argv: Sequence[str]) -> int:
    """Judges context files; returns 1 when one could not be judged, else 0."""
    parser = argparse.ArgumentParser(prog="python -m verification examine", description=__doc__)
    parser.add_argument("contexts", nargs="+", type=Path, metavar="CONTEXT.json")
    parser.add_argument("--trust", type=Path, help="folder of C2PA roots (*.pem) and revoked.txt")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    chosen = parser.parse_args(argv)
    try:
        trust = _trust(chosen.trust)
    except (ValueError, OSError) as error:
        parser.error(f"--trust: {error}")
    try:
        with Standalone(trust, device=chosen.device) as standalone:
            told = [_tell(judge(standalone, path)) for path in chosen.contexts]
    except Unavailable as error:  # the nets could not be opened, so nothing was judged
        told = [_tell(refusal(str(path), error)) for path in chosen.contexts]
    return 0 if all(told) else 1


def _trust(folder: Path | None) -> TrustList:
    if folder is not None and not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    return TrustList.load(folder) if folder is not None else TrustList()


def _tell(said: dict[str, Json]) -> bool:
    """Prints a line at once; whether it is a judgement."""
    sys.stdout.write(json.dumps(said, allow_nan=False) + "\n")
    sys.stdout.flush()
    return "error" not in said
