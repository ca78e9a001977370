"""A seeded simulation of all money: see `bench.money_simulation`.

| file | what |
|---|---|
| `scheduler.py` | one clock, one source of chance, processes that pause and die at named places |
| `house.py` | a market's money on a fake Stripe, and what the simulation reads of it |
| `actors.py` | buyers, contributors and bounties: what requests would ask |
| `outside.py` | payers, banks and Stripe itself: what happens without us, faults among it |
| `machine.py` | workers, sweepers, webhooks, reconciliation |
| `checks.py` | what must hold at every moment, and what at the end |
| `life.py` | one seeded run, from an empty market to one where nothing is due |
"""
