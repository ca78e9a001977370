"""The forecasting example's beginning: money that comes, and money that a person must pay first."""

from __future__ import annotations

import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from agent_sdk.types import Operation

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "forecast.py"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example with a clock that only its sleeping moves."""
    spec = importlib.util.spec_from_file_location("forecast_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    clock = SimpleNamespace(seconds=0.0)

    def sleep(seconds: float) -> None:
        clock.seconds += seconds

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.seconds))
    return module


class House:
    """A client whose deposits go through these statuses, and stay in the last."""

    def __init__(self, *statuses: str) -> None:
        self.statuses, self.asked = list(statuses), 0
        self.deposits = self

    def balance(self) -> Any:
        return SimpleNamespace(available=Decimal(4))

    def create(self, value: Decimal) -> Operation:
        assert value == 6
        return self.get("ops_1")

    def get(self, operation_id: str) -> Operation:
        self.asked += 1
        status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
        return Operation(
            id="ops_1", kind="deposit", amount=Decimal(6), status=status, url="https://pay.example/1"
        )


def test_it_goes_on_once_the_money_is_there(example: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    house = House("new", "sent", "done")
    example.fund(house, "10")
    assert json.loads(capsys.readouterr().out)["event"] == "funded"
    assert house.asked == 3


@pytest.mark.parametrize("status", ["waiting", "unknown", "failed", "returned"])
def test_it_says_where_to_pay_and_does_not_wait_for_ever(
    example: ModuleType, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    house = House("new", status)
    with pytest.raises(SystemExit):
        example.fund(house, "10")
    said = json.loads(capsys.readouterr().out)
    assert (said["event"], said["status"], said["pay_at"]) == ("not funded", status, "https://pay.example/1")
    assert house.asked < 2000
