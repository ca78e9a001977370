"""Where hostile image bytes are parsed: a sandboxed child process, called by `verification.picture` only."""
