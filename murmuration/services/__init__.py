"""How the outside is reached: model, search, artifacts, secrets, settings, logs."""
