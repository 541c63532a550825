"""HTTP triggers: start, watch, answer, stop and forget runs."""
