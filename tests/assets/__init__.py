"""Files that tests and benchmarks hand in: the second module adds its own to those of the first."""

from tests.assets import boxed, build

__all__ = ["boxed", "build"]
