"""Networks: one torch module a file. Only `verification.engine` imports from here."""
