"""Is it genuine? Checks turn Evidence into Findings; findings fuse into one probability; a policy judges."""
