"""How our nets came to be: data, training, measuring, and what did not work."""
