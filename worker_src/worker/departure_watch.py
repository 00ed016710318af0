"""Watches the metadata service for the announcement that this instance has to go."""

from __future__ import annotations

import logging
import threading

from worker.metadata import Departure, Metadata, MetadataError

# AWS asks for a look every 5 seconds at least.
LOOK_EVERY_SECONDS = 2.0
LOOK_SELDOM_SECONDS = 60.0
MISSES_BEFORE_SELDOM = 3


class DepartureWatch:
    """A thread that sets `announced` once, and knows the instance's id."""

    def __init__(self, metadata: Metadata | None, *, logger: logging.Logger) -> None:
        self._metadata = metadata
        self._logger = logger
        self._lock = threading.Lock()
        self._instance_id: str | None = None
        self._rebalance_seen = False
        self._stop = threading.Event()
        self.announced: Departure | None = None

    def start(self) -> None:
        """Start looking; does nothing when the metadata service is switched off."""
        if self._metadata is not None:
            threading.Thread(target=self._run, name="departure-watch", daemon=True).start()

    def stop(self) -> None:
        """End the thread after its current look."""
        self._stop.set()

    def instance_id(self) -> str | None:
        """The instance's id, None outside EC2."""
        if self._instance_id is None:
            self._instance_id = self._get("instance-id")
        return self._instance_id

    def is_leaving_group(self) -> bool:
        """Whether the group waits for the end of the drain."""
        return self._get("autoscaling/target-lifecycle-state") == "Terminated"

    def _get(self, path: str) -> str | None:
        if self._metadata is None:
            return None
        with self._lock:
            try:
                return self._metadata.get(path)
            except MetadataError:
                return None

    def _run(self) -> None:
        misses = 0
        while not self._stop.is_set():
            try:
                self._look()
                misses = 0
            except MetadataError as error:
                misses += 1
                if misses == MISSES_BEFORE_SELDOM:
                    self._logger.warning(
                        "no instance metadata service: spot notices and scale-in are not seen",
                        extra={"error": str(error)},
                    )
            if self.announced is not None:
                return
            seldom = misses >= MISSES_BEFORE_SELDOM
            self._stop.wait(LOOK_SELDOM_SECONDS if seldom else LOOK_EVERY_SECONDS)

    def _look(self) -> None:
        metadata = self._metadata
        if metadata is None:
            return
        with self._lock:
            if self._instance_id is None:
                self._instance_id = metadata.get("instance-id")
            if not self._rebalance_seen and metadata.get("events/recommendations/rebalance"):
                # Capacity rebalancing starts a replacement first; the drain follows its scale-in.
                self._rebalance_seen = True
                self._logger.info("EC2 recommends to rebalance this spot instance")
            self.announced = metadata.departure()
