"""What a child says of bytes it does not take."""

from __future__ import annotations


class Refused(Exception):
    """These bytes are no picture or film we take; `args[0]` is the reason code."""
