"""What one step does: one file per agent or side effect, each safe to run twice."""
