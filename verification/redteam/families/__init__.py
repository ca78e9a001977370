"""One file a family: a cheat (or an honest way) and how it is made."""
