"""Tests of every."""
