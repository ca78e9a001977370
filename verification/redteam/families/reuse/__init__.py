"""Cheats that hand in again what was handed in before, changed so that it is not recognised."""
