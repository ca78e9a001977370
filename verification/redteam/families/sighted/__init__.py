"""Cheats with a valid account, session, key, position and motion: only the named thing is fake."""
