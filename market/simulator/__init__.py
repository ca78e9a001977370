"""Simulated people and instruments: what the market is tried with when nobody is at hand.

An honest burst in five lines:

    phone, here = draw_phone(7, isp_ranges("reported")), draw_conditions("indoor", default_rng(7))
    shot = render(photo, code="K7P3QX", seed=7, size=(640, 480), still=(1280, 960), frames=16, fps=10,
                  motion=pan("LR"), phone=phone, conditions=here, mode="web")
    media, burst = shot.jpeg, shot.burst("web")  # `burst` is a verification.evidence.Burst
    # motion: hold, pan("LRUD..."), pan("LU>"), sidestep(); torch="0110"; held=False lays the sheet down;
    # code=None

A cheat's, with the same camera, hand and file:

    rng = default_rng(7)
    source = screen(photo, rng, focal=phone.focal, size=(1280, 960), pitch=1.7)  # printed, two_layer, playing
    sheet = make_sheet("K7P3QX", False, phone.focal * 1280, (1280, 960), rng)  # None: no real sheet
    shot = film(source, hold(16, 10, rng), rng, sheet=sheet, size=(640, 480), still=(1280, 960),
                phone=phone, conditions=here, mode="web")  # then shot.jpeg and shot.burst("web")

and one without a second camera:

    forged = composited(photo, "K7P3QX", rng, care=0.8)  # spliced, made_night, ai_like, with_fingerprint...
    shot = virtual_camera(forged, hold(16, 10, rng), rng, care=0.5, still=(1280, 960), mode="web")

photographs    handwriting -> sheet, scene (photo -> depth), isp (phones, conditions), motion
               -> view (pose, rays) -> camera -> sensor (noise, tone, file)
flat sources   optics (screen, paper) -> flat -> camera; forged (software only) -> sensor
traders        contributor (the HTTP side) -> phone, instrument
adversaries    cheats, credentials (home-made C2PA authorities)

Whatever is measured with these is labelled *simulated* wherever it is shown.
"""
