"""The red team: cheats made to order, judged by the verifier, counted and published.

One file a family in `families/`; `registry` finds them, `workshop` holds what they are made with,
`runner` judges them, `table` says how often each passes. Everything here is simulated.
"""
