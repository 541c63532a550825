"""Ask people within a goal's run."""
