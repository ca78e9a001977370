"""Classical image forensics: one trace a file, pure functions on pixels, no nets."""
