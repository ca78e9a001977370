"""The red team is held to its own rules."""
