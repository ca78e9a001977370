"""One file a check; each file's docstring says which fraud it stops, where it ends, and its source."""
