"""Triggers other than HTTP: timers, queues, blobs and Event Grid."""
