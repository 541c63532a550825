"""How people decide: gates, panels, votes. What workflows await is here; what speaks HTTP is in `web`."""
