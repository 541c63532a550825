"""Set-up and checks, as commands that work alone."""
