"""Captures by honest people: what must be accepted."""
