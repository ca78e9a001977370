"""Simulated people and instruments: what the market is tried with when nobody is at hand.

An honest burst in five lines:

    phone, here = draw_phone(7, isp_ranges("reported")), draw_conditions("indoor", default_rng(7))
    shot = render(photo, code="K7P3QX", seed=7, size=(640, 480), still=(1280, 960), frames=16, fps=10,
                  motion=pan("LR"), phone=phone, conditions=here, mode="web")
    media, burst = shot.jpeg, shot.burst("web")  # `burst` is a verification.evidence.Burst
    # motion: hold, pan("LRUD..."), sidestep(); torch="0110"; held=False lays the sheet down; code=None

photographs    handwriting -> sheet, scene (photo -> depth), isp (phones, conditions), motion
               -> view (pose, rays) -> camera -> sensor (noise, tone, file)
traders        contributor (the HTTP side) -> phone, instrument
adversaries    cheats, credentials (home-made C2PA authorities)

Whatever is measured with these is labelled *simulated* wherever it is shown.
"""
