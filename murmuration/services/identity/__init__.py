"""Identity: the secrets that the app may read."""
