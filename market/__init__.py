"""The roof: the doors people, agents and machines come in by, and the two roots (app, worker)."""
