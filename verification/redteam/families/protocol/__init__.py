"""Cheats with keys, times, claims and files: the pictures are honest, the paperwork is not."""
