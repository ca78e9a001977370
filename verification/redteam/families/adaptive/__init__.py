"""Cheats that look at the verdict and try again."""
