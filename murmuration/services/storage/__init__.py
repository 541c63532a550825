"""The object store: artifacts, conversations, records of runs and deletion logs; and the Durable histories of runs."""
