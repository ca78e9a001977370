"""Money: a double-entry ledger, escrow accounts inside it, and rails at its border."""
