"""The instances that have not ended, in memory: their histories need not be read from the store at each episode."""

import json

from loopback.functions.engine.episode import History, LiveInstance
from loopback.functions.storage.store import Store

MAX_LIVE = 1000
"""Instances in memory; the one that has been idle longest is read from the store again."""


class LiveInstances:
    """A cache. An instance whose episode is not committed stays in it."""

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._live: dict[str, LiveInstance] = {}
        """The instance that was used last comes last."""
        self._in_episode: set[str] = set()

    def get(self, instance: str) -> LiveInstance | None:
        """Return an instance; None if it has ended or is unknown."""
        live = self._live.pop(instance, None)
        if live is None:
            row = self._store.instance(instance)
            if row is None or row.ended:
                return None
            live = LiveInstance(row, History())
            texts = self._store.history(instance)
            live.history.add([json.loads(text) for text in texts], texts)
        self._live[instance] = live
        if len(self._live) > self._limit:
            idle = (name for name in self._live if name != instance and name not in self._in_episode)
            self._live.pop(next(idle, ""), None)
        return live

    def begin_episode(self, instance: str) -> None:
        self._in_episode.add(instance)

    def end_episode(self, live: LiveInstance) -> bool:
        """Return whether the instance is still the same; it may have been terminated, purged or replaced."""
        self._in_episode.discard(live.row.id)
        return self._live.get(live.row.id) is live

    def forget(self, instance: str) -> None:
        self._live.pop(instance, None)
        self._in_episode.discard(instance)
