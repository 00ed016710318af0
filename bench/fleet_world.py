"""The world around the policies, in discrete time: queue, metrics, alarms, instances.

Instances are counted, not held one by one, so a fleet of thousands and a billion messages take as
long as a fleet of four. What happens between AWS's services is taken from these pages; where AWS
gives no number, the value is an assumption and says so:

- SQS metrics come once a minute; a queue without messages and calls for six hours is forgotten, and
  its metrics come back after up to 15 minutes
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html);
- data points reach alarms with a delay, so that the newest minute may have none (note at FILL in
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html); how late
  is not documented: one minute is assumed, and the sensitivity is printed by --sweep;
- EC2 launches 1,000 instances at once and 2 a second thereafter
  (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html);
- from the launch request to "running" takes about 20 s, from there to SSH 3 to 6 s (measured by
  https://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html and
  https://www.martysweet.co.uk/ec2-launch-times/, which sees encrypted volumes take longer); the
  user data then installs packages and the program: 60 s from running to the first message assumed;
- a spot instance gets a notice two minutes before it ends
  (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html);
  those of one pool go within about three minutes (https://www.scholarfeed.org/paper/2604.16457);
- at most 120,000 messages of a standard queue are in flight
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.fleet_loads import Load
from local.scaling.alarms import AlarmState
from local.scaling.evaluation import evaluate
from local.scaling.group import GroupState
from local.scaling.metric_spec import MetricSource
from local.scaling.policy_spec import ScalingSpec
from local.scaling.series import Points

IN_FLIGHT_LIMIT = 120_000
FORGOTTEN_AFTER_SECONDS = 6 * 3600
NOTICE_SECONDS = 120
MINUTE = 60
VISIBLE = "ApproximateNumberOfMessagesVisible"
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
SENT = "NumberOfMessagesSent"
QUEUE_METRICS = (VISIBLE, IN_FLIGHT, SENT)
IN_SERVICE = "GroupInServiceInstances"
DESIRED = "GroupDesiredCapacity"


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Seconds that things take, and the rate at which EC2 launches."""

    queue_metric: int = 60
    group_metric: int = 60
    activation: int = 900
    launch: int = 20
    boot: int = 60
    drain: int = 30
    launches_at_once: int = 1000
    launches_per_second: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What one instance does: messages per second, and messages it holds at a time."""

    rate: float
    in_hand: int


@dataclass(kw_only=True)
class _Cohort:
    """Instances that were launched together."""

    count: int
    spot: bool
    launched: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """What happened, per step: messages that came and were done, and instances."""

    load: Load
    done: NDArray[np.float64]
    backlog: NDArray[np.float64]
    desired: NDArray[np.int64]
    working: NDArray[np.int64]
    billed_on_demand: NDArray[np.int64]
    billed_spot: NDArray[np.int64]

    @property
    def billed(self) -> NDArray[np.int64]:
        """Instances that cost money."""
        return self.billed_on_demand + self.billed_spot


@dataclass(kw_only=True)
class _Metrics:
    """What CloudWatch has, by metric and minute, and when each data point can be seen."""

    delays: Delays
    asleep: bool
    values: dict[str, list[float | None]] = field(default_factory=dict)
    idle_seconds: float = 0.0
    awake_at: float = 0.0

    def record(self, now: float, *, active: bool, values: Mapping[str, float]) -> None:
        """Store the minute that ends now; a forgotten queue reports nothing until it is awake."""
        if active:
            if self.asleep:
                self.asleep, self.awake_at = False, now + self.delays.activation
            self.idle_seconds = 0.0
        else:
            self.idle_seconds += MINUTE
            self.asleep = self.asleep or self.idle_seconds >= FORGOTTEN_AFTER_SECONDS
        silent = self.asleep or now < self.awake_at
        for name, value in values.items():
            missing = name in QUEUE_METRICS and (silent or (name == IN_FLIGHT and not value))
            self.values.setdefault(name, []).append(None if missing else value)

    def read(self, source: MetricSource, count: int) -> Points:
        """The newest minutes as they can be seen now."""
        series = self.values[source.name]
        queue = source.name in QUEUE_METRICS
        late = self.delays.queue_metric if queue else self.delays.group_metric
        hidden = -(-late // MINUTE)
        seen = series[: len(series) - hidden] if hidden else series
        newest = seen[-(count - hidden) :] if count > hidden else []
        return [None] * (count - hidden - len(newest)) + newest + [None] * hidden


class World:
    """One run of a load against the policies of a template."""

    def __init__(
        self, spec: ScalingSpec, load: Load, *, capacity: Capacity, delays: Delays
    ) -> None:
        self._spec = spec
        self._load = load
        self._capacity = capacity
        self._delays = delays
        self._maximum = load.maximum or spec.group.maximum
        self._minimum = spec.group.minimum if load.minimum is None else load.minimum
        self._cohorts: list[_Cohort] = []
        self._leaving: deque[tuple[float, int, bool]] = deque()
        self._tokens = float(delays.launches_at_once)
        self._desired = self._minimum
        self._launch(-3600.0, self._desired)
        if load.warm_start:
            share = float(load.arrivals[0]) / load.step_seconds / capacity.rate
            self._desired = max(self._desired, min(self._maximum, round(share * 1.2)))
            self._launch(-3600.0, self._desired - self._alive())

    def run(self) -> Run:
        """Play the whole load."""
        load, step = self._load, self._load.step_seconds
        metrics = _Metrics(delays=self._delays, asleep=load.asleep)
        alarms: Mapping[str, AlarmState] = {}
        steps = load.arrivals.size
        columns = np.zeros((6, steps))
        backlog = sent = 0.0
        losses = dict(load.spot_losses)
        for index in range(steps):
            now = index * step
            self._settle(now)
            if now in losses:
                self._interrupt(now, losses[now])
            self._replace(now, step)
            backlog += float(load.arrivals[index])
            sent += float(load.arrivals[index])
            working = self._older_than(now, self._delays.launch + self._delays.boot)
            done = min(backlog, working * self._capacity.rate * step)
            backlog -= done
            if backlog < 1e-6:
                backlog = 0.0
            if (now + step) % MINUTE == 0:
                alarms = self._minute(now + step, backlog, sent, working, metrics, alarms)
                sent = 0.0
            columns[:, index] = (done, backlog, self._desired, working, *self._billed(now))
        return Run(
            load=load,
            done=columns[0],
            backlog=columns[1],
            desired=columns[2].astype(np.int64),
            working=columns[3].astype(np.int64),
            billed_on_demand=columns[4].astype(np.int64),
            billed_spot=columns[5].astype(np.int64),
        )

    def _minute(
        self,
        now: float,
        backlog: float,
        sent: float,
        working: int,
        metrics: _Metrics,
        alarms: Mapping[str, AlarmState],
    ) -> Mapping[str, AlarmState]:
        in_flight = min(backlog, working * self._capacity.in_hand, IN_FLIGHT_LIMIT)
        in_service = self._older_than(now, self._delays.launch)
        metrics.record(
            now,
            active=backlog > 0 or working > 0,
            values={
                VISIBLE: backlog - in_flight,
                IN_FLIGHT: in_flight,
                SENT: sent,
                IN_SERVICE: in_service,
                DESIRED: self._desired,
            },
        )
        group = self._spec.group
        result = evaluate(
            self._spec.policies,
            group=GroupState(
                minimum=self._minimum,
                maximum=self._maximum,
                desired=self._desired,
                pending=self._alive() - in_service,
                in_service=in_service,
                warming=in_service
                - self._older_than(now, self._delays.launch + group.warmup_seconds),
                terminating=sum(count for _, count, _ in self._leaving),
            ),
            read=metrics.read,
            alarms=alarms,
        )
        if result.desired < self._alive():
            self._terminate(now, self._alive() - result.desired)
        self._desired = result.desired
        return result.alarms

    def _alive(self) -> int:
        return sum(cohort.count for cohort in self._cohorts)

    def _older_than(self, now: float, age: float) -> int:
        return sum(cohort.count for cohort in self._cohorts if now - cohort.launched >= age)

    def _billed(self, now: float) -> tuple[int, int]:
        """Instances are billed from running to terminated."""
        counts = [0, 0]
        for cohort in self._cohorts:
            if now - cohort.launched >= self._delays.launch:
                counts[cohort.spot] += cohort.count
        for _, count, spot in self._leaving:
            counts[spot] += count
        return counts[0], counts[1]

    def _settle(self, now: float) -> None:
        while self._leaving and self._leaving[0][0] <= now:
            self._leaving.popleft()

    def _replace(self, now: float, step: int) -> None:
        self._tokens = min(
            float(self._delays.launches_at_once),
            self._tokens + self._delays.launches_per_second * step,
        )
        missing = self._desired - self._alive()
        if missing > 0:
            self._launch(now, min(missing, int(self._tokens)))

    def _launch(self, now: float, count: int) -> None:
        group = self._spec.group
        start, end = self._load.spot_outage
        launched = {False: 0, True: 0}
        on_demand = sum(cohort.count for cohort in self._cohorts if not cohort.spot)
        total = self._alive() + count
        above = max(0, total - group.on_demand_base)
        wanted = min(total, group.on_demand_base) + -(-above * group.on_demand_percentage // 100)
        launched[False] = max(0, min(count, wanted - on_demand))
        launched[True] = 0 if start <= now < end else count - launched[False]
        for spot, number in launched.items():
            if number > 0:
                self._cohorts.append(_Cohort(count=number, spot=spot, launched=now))
        self._tokens -= max(0, sum(launched.values())) if now >= 0 else 0

    def _terminate(self, now: float, count: int) -> None:
        for cohort in self._cohorts:
            taken = min(cohort.count, count)
            cohort.count -= taken
            count -= taken
            if taken:
                self._leaving.append((now + self._delays.drain, taken, cohort.spot))
        self._forget_empty()

    def _interrupt(self, now: float, share: float) -> None:
        """Part of the spot instances get their notice: they stop receiving, and end after it."""
        for cohort in self._cohorts:
            if cohort.spot:
                lost = round(cohort.count * share)
                cohort.count -= lost
                if lost:
                    self._leaving.append((now + NOTICE_SECONDS, lost, True))
        self._forget_empty()

    def _forget_empty(self) -> None:
        self._cohorts = [cohort for cohort in self._cohorts if cohort.count]
        self._leaving = deque(sorted(self._leaving))
