"""What fusion may learn from: other cheats, other parameters and other photographs than those reported."""
