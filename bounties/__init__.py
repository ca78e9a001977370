"""The story: ask -> claim -> capture -> verdict -> money. Everything else is a capability it calls."""
