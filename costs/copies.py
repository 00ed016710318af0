"""Replays requests over the copies of a function (execution environments) and counts cold starts.

What is documented: a copy serves one invocation at a time; an invocation that finds no idle copy
gets a new one; Lambda ends a copy after some time without work and, worked or not, every few hours.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
What is not documented is how long those times are, so they are assumptions here, stated and
settable; and that an invocation gets the copy which worked last. Provisioned copies are always
ready; what exceeds them runs on demand.
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field

from costs.traffic import DAY, HOUR, Traffic

MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Times in seconds. `start`: what a caller waits for a new copy, and what of it is billed."""

    start: float
    billed_start: float
    idle_lifetime: float = 10 * MINUTE
    longest_lifetime: float = 2 * HOUR


@dataclass(frozen=True, kw_only=True)
class Pings:
    """`copies` parallel pings every `every` seconds, each holding its copy for `hold`."""

    copies: int
    every: float
    hold: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Window:
    """More provisioned copies from one hour to another on weekdays, like a scheduled action."""

    first_hour: float
    last_hour: float
    copies: int


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """At least `least` copies; with `target`, Application Auto Scaling follows the utilization.

    It scales out when three minutes in a row exceed the target, in when fifteen are below nine
    tenths of it: https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
    """

    least: int
    most: int
    target: float | None = None
    window: Window | None = None

    def at_least(self, now: float) -> int:
        """The minimum at this moment."""
        window = self.window
        if window is not None and now // DAY % 7 < 5:
            hour = now % DAY / HOUR
            if window.first_hour <= hour < window.last_hour:
                return max(self.least, window.copies)
        return self.least


@dataclass(kw_only=True)
class Outcome:
    """Counts over the trace. Seconds are billed seconds."""

    requests: int = 0
    cold: int = 0
    pings: int = 0
    starts: int = 0
    on_demand_seconds: float = 0.0
    provisioned_busy_seconds: float = 0.0
    provisioned_seconds: float = 0.0
    most_copies: int = 0


@dataclass(kw_only=True)
class _Pool:
    """Copies on demand. `busy` holds (free at, born), `idle` the same in the order of `free at`."""

    assumptions: Assumptions
    busy: list[tuple[float, float]] = field(default_factory=list)
    idle: deque[tuple[float, float]] = field(default_factory=deque)

    def take(self, now: float, duration: float) -> bool:
        """Run an invocation; True when it needed a new copy."""
        while self.busy and self.busy[0][0] <= now:
            self.idle.append(heapq.heappop(self.busy))
        while self.idle and now - self.idle[0][0] > self.assumptions.idle_lifetime:
            self.idle.popleft()
        while self.idle:
            _, born = self.idle.pop()
            if now - born <= self.assumptions.longest_lifetime:
                heapq.heappush(self.busy, (now + duration, born))
                return False
        heapq.heappush(self.busy, (now + self.assumptions.start + duration, now))
        return True


class Replay:
    """One run of a trace under one strategy."""

    def __init__(
        self,
        traffic: Traffic,
        assumptions: Assumptions,
        *,
        pings: Pings | None = None,
        provisioned: Provisioned | None = None,
    ) -> None:
        self._traffic = traffic
        self._assumptions = assumptions
        self._pings = pings
        self._provisioned = provisioned
        self._pool = _Pool(assumptions=assumptions)
        self._ready = provisioned.at_least(0.0) if provisioned else 0
        self._at_work: list[float] = []
        self._peak = 0
        self._utilizations: deque[float] = deque(maxlen=15)
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Replay the whole trace."""
        next_ping = 0.0 if self._pings else float("inf")
        next_minute = 0.0 if self._provisioned else float("inf")
        end = self._traffic.days * DAY
        requests = [*zip(self._traffic.arrivals, self._traffic.durations, strict=True), (end, -1.0)]
        for arrival, duration in requests:
            while min(next_ping, next_minute) <= arrival and min(next_ping, next_minute) < end:
                if next_ping <= next_minute:
                    self._ping(next_ping)
                    next_ping += self._pings.every if self._pings else 0.0
                else:
                    self._minute(next_minute)
                    next_minute += MINUTE
            if duration >= 0:
                self._request(arrival, duration)
        return self.outcome

    def _request(self, now: float, duration: float) -> None:
        outcome = self.outcome
        outcome.requests += 1
        if self._ready:
            while self._at_work and self._at_work[0] <= now:
                heapq.heappop(self._at_work)
            if len(self._at_work) < self._ready:
                heapq.heappush(self._at_work, now + duration)
                self._peak = max(self._peak, len(self._at_work))
                outcome.provisioned_busy_seconds += duration
                return
            self._peak = max(self._peak, self._ready)
        outcome.cold += self._on_demand(now, duration)

    def _ping(self, now: float) -> None:
        assert self._pings is not None  # nosec B101
        for _ in range(self._pings.copies):
            self.outcome.pings += 1
            self._on_demand(now, self._pings.hold)

    def _on_demand(self, now: float, duration: float) -> int:
        outcome = self.outcome
        new = self._pool.take(now, duration)
        outcome.on_demand_seconds += duration
        if new:
            outcome.starts += 1
            outcome.on_demand_seconds += self._assumptions.billed_start
        outcome.most_copies = max(outcome.most_copies, len(self._pool.busy))
        return int(new)

    def _minute(self, now: float) -> None:
        """Note the last minute's utilization; set how many copies the next one has."""
        settings = self._provisioned
        assert settings is not None  # nosec B101
        self._utilizations.append(self._peak / self._ready if self._ready else 0.0)
        self._peak = len([end for end in self._at_work if end > now])
        wanted = self._ready
        if settings.target is not None:
            wanted = self._tracked(settings.target)
        elif settings.window is not None:
            wanted = settings.at_least(now)
        wanted = min(max(wanted, settings.at_least(now)), settings.most)
        if wanted != self._ready:
            self._ready = wanted
            self._utilizations.clear()
        self.outcome.provisioned_seconds += self._ready * MINUTE

    def _tracked(self, target: float) -> int:
        seen = list(self._utilizations)
        if len(seen) >= 3 and min(seen[-3:]) > target:
            return max(self._ready + 1, round(self._ready * seen[-1] / target + 0.499))
        if len(seen) == 15 and max(seen) < 0.9 * target:
            return max(1, round(self._ready * max(seen) / target + 0.499))
        return self._ready
