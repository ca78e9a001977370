"""Whether two pictures show the same thing, and whether they are one exposure.

Found by `pdq` hashes in a `hash_index` and by local features (`words`) in a `word_index`; laid on each other
by `registration` (and `flat_maps`), in quarter turns where `colours` agree, through tone curves by `folding`,
through a bend by `bending`; what that means says `comparison`; proven one exposure by their noise (`residue`,
`same_exposure`), and one take of a film by how its moments lie (`same_take`).
"""
