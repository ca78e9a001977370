"""Simulated people and instruments: what the market is tried with when nobody is at hand.

photographs    handwriting -> sheet, motion -> camera -> sensor
traders        contributor (the HTTP side) -> phone, instrument
adversaries    cheats, credentials (home-made C2PA authorities)

Whatever is measured with these is labelled *simulated* wherever it is shown.
"""
