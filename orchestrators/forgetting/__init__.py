"""Forget what is held on a user, a session, documents or a run."""
