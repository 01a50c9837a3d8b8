"""What is kept from one call to the next: bounded, and shared by threads."""

import collections
import threading
from collections.abc import Callable, Hashable
from typing import Any


class Cache:
    """The latest results of a function, by keys.

    Args:
        entries: kept at most.
        size: of a value in bytes.
        limit: bytes of all values kept; the latest is kept whatever its size.
    """

    def __init__(
        self,
        entries: int,
        size: Callable[[Any], float] = lambda value: 0,
        limit: float = 0,
    ):
        self.entries, self.size, self.limit = entries, size, limit
        self._values: collections.OrderedDict[Hashable, Any] = collections.OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of that key, made if it is not kept: by one thread, others wait for it."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
                while len(self._values) > 1 and self._is_full():
                    self._values.popitem(last=False)
            self._values.move_to_end(key)
            return self._values[key]

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        return len(self._values)

    def _is_full(self):
        return len(self._values) > self.entries or sum(map(self.size, self._values.values())) > (
            self.limit
        )
