"""Who may start, watch and answer a run? HTTP."""
