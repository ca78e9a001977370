"""Benchmarks: one file each; every one prints a ratio against a peer or a limit of the same run."""
