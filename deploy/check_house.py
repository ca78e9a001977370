"""What ruff and mypy do not check: the size budget, the migrations against the tables, openapi.json.

Prints one line a check; exits 1 when one fails.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "payments", "verification", "bounties", "market", "agent_sdk", "bench", "deploy", "tests")
MAX_FILE, MAX_FUNCTION, MAX_P90 = 400, 60, 30
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    """Every function in a file, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def size_faults() -> list[str]:
    """Files over 400 lines, functions over 60, a 90th percentile over 30, modules without a docstring."""
    faults, lengths = [], []
    for path in sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py")):
        text, shown = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        tree = ast.parse(text)
        lines = text.count("\n")
        if lines > MAX_FILE:
            faults.append(f"{shown}: {lines} lines (at most {MAX_FILE})")
        if text.strip() and ast.get_docstring(tree) is None:
            faults.append(f"{shown}: no module docstring")
        for function in functions(tree):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            lengths.append(length)
            if length > MAX_FUNCTION:
                faults.append(
                    f"{shown}:{function.lineno} {function.name}: {length} lines (at most {MAX_FUNCTION})"
                )
    p90 = statistics.quantiles(lengths, n=10)[-1]
    median, longest = statistics.median(lengths), max(lengths)
    print(f"size: {len(lengths)} functions, median {median:.0f}, p90 {p90:.0f}, max {longest}")
    if p90 > MAX_P90:
        faults.append(f"function p90 is {p90:.0f} lines (at most {MAX_P90})")
    return faults


def migration_faults() -> list[str]:
    """Differences between what the migrations build and what the tables say (SQLite)."""
    from alembic.util.exc import CommandError

    from alembic import command
    from market.migrate import alembic_config, migrate

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/check.db"
        migrate(url)
        try:
            command.check(alembic_config(url))
        except CommandError as error:
            return [f"migrations: {error}"]
    return []


def openapi_text() -> str:
    """The OpenAPI file as the application says it is now."""
    from core.config import Settings
    from market.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(home=Path(folder)))
        return json.dumps(app.openapi(), indent=1, sort_keys=True) + "\n"


def errors_text() -> str:
    """docs/errors.md: a section for each error, from the classes themselves."""
    from core import errors

    lines = ["# Errors", "", "Problem JSON (RFC 9457). `code` is stable; act on it, not on `detail`.", ""]
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, errors.SpotcheckError) and kind is not errors.SpotcheckError:
            lines += [
                f"## {kind.__name__}",
                "",
                f"{kind.status}. {kind.__doc__}",
                "",
                f"What to do: {kind.hint}",
                "",
            ]
    return "\n".join(lines)


def main() -> int:
    """Runs every check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-openapi", action="store_true")
    written = {"openapi.json": openapi_text(), "errors.md": errors_text()}
    if parser.parse_args().write_openapi:
        for name, text in written.items():
            (ROOT / "docs" / name).write_text(text, encoding="utf-8")
        return 0
    faults = size_faults() + migration_faults()
    for name, text in written.items():
        kept = ROOT / "docs" / name
        if not kept.exists() or kept.read_text(encoding="utf-8") != text:
            faults.append(f"docs/{name} is not what the code says: run `make openapi` and read the diff")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"house: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
