"""Loops that turn verified observations into knowledge, and stop when the next one is not worth its price.

    from agent_sdk.loops import BinaryQuestion, ForecastLoop, Reading, Site

The maths is in `agent_sdk.loops.belief` (pure), the record in `agent_sdk.loops.journal`.
"""

from agent_sdk.loops.forecast import ForecastLoop
from agent_sdk.loops.journal import Entry, Journal, read_journal
from agent_sdk.loops.question import BinaryQuestion, Budget, Reading, Score, Site, Step

__all__ = [
    "BinaryQuestion",
    "Budget",
    "Entry",
    "ForecastLoop",
    "Journal",
    "Reading",
    "Score",
    "Site",
    "Step",
    "read_journal",
]
