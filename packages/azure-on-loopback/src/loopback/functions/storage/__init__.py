"""The SQLite database, and the rows for instances, messages and activities in it."""
