"""The groups of calls a client offers, one file each; every method is written once for both clients."""
