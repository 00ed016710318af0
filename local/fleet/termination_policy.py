"""Which instance goes at scale-in.

Zone balance first: candidates are the unprotected instances of the zones that have the most; then
the group's termination policies in order, each narrowing the candidates until one is left
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html).
The default policy prefers old configurations, then the instance closest to its next billing hour;
what is still equal is decided at random by AWS and by the launch time and id here, so that a run
can be repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from local.fleet.instance import Instance

BILLING_HOUR = 3600.0

Narrow = Callable[[list[Instance]], list[Instance]]


class TerminationPolicyError(ValueError):
    """A termination policy that is not played here; names it."""


def choose_victims(
    instances: Sequence[Instance], count: int, *, policies: Sequence[str], now: float
) -> list[Instance]:
    """The instances to end, in order; fewer than `count` when the rest is protected.

    `instances` are all that are not on their way out already; `now` is AWS time.
    """
    left = [instance for instance in instances if not instance.leaving]
    victims: list[Instance] = []
    while len(victims) < count:
        candidates = _in_largest_zones(left)
        if not candidates:
            break
        for name in policies:
            candidates = _policy(name, now)(candidates)
        victim = min(candidates, key=lambda instance: (instance.launched_at, instance.instance_id))
        victims.append(victim)
        left.remove(victim)
    return victims


def _in_largest_zones(instances: list[Instance]) -> list[Instance]:
    free = [instance for instance in instances if not instance.protected]
    sizes = Counter(instance.zone for instance in instances)
    largest = max((sizes[instance.zone] for instance in free), default=0)
    return [instance for instance in free if sizes[instance.zone] == largest]


def _policy(name: str, now: float) -> Narrow:
    policies: dict[str, Narrow] = {
        "Default": lambda found: _closest_to_billing_hour(_oldest_template(found), now),
        "OldestLaunchTemplate": _oldest_template,
        "OldestInstance": lambda found: _least(found, lambda each: each.launched_at),
        "NewestInstance": lambda found: _least(found, lambda each: -each.launched_at),
        "ClosestToNextInstanceHour": lambda found: _closest_to_billing_hour(found, now),
        # Keeps the mix of purchase options and types in line with the strategy, which the launches
        # did already: nothing is out of line locally.
        "AllocationStrategy": lambda found: found,
    }
    if name not in policies:
        raise TerminationPolicyError(
            f"termination policy {name} is not played here; known: {', '.join(sorted(policies))}"
        )
    return policies[name]


def _least(found: list[Instance], key: Callable[[Instance], float]) -> list[Instance]:
    least = min(map(key, found))
    return [instance for instance in found if key(instance) == least]


def _oldest_template(found: list[Instance]) -> list[Instance]:
    return _least(found, lambda each: each.template.version)


def _closest_to_billing_hour(found: list[Instance], now: float) -> list[Instance]:
    return _least(found, lambda each: -((now - each.launched_at) % BILLING_HOUR))
