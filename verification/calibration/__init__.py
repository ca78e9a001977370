"""Learning the constants of fusion from captures of known truth, scoring them, and the page that tells."""
