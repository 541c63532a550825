"""HTTP triggers: routes, constraints and access keys."""
