"""Everything outside of the process: models, search, storage, notifications, secrets, settings and logs."""
