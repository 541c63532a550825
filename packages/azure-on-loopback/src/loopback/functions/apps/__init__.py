"""The app that the host runs: its folder, its settings, loading it and calling its functions."""
