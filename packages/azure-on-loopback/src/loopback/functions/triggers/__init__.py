"""Triggers other than HTTP: timers, queues, blobs, Event Grid."""
