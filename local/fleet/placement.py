"""Where and as what an instance is launched.

New instances go to the zone with the fewest
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html#arch-AutoScalingMultiAZ).
The on-demand base is filled first; above it the percentage decides, rounded up in favour of
on-demand
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups.html).
No capacity pool is ever short here: on-demand takes the first instance type, spot goes round.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.fleet.instance import ON_DEMAND, SPOT, Instance


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The place and kind of a new instance."""

    zone: str
    instance_type: str
    market: str


def place(
    existing: Sequence[Instance],
    *,
    zones: Sequence[str],
    instance_types: Sequence[str],
    distribution: Mapping[str, Any],
) -> Placement:
    """Choose for one more instance, given those that stay."""
    staying = [instance for instance in existing if not instance.leaving]
    sizes = Counter(instance.zone for instance in staying)
    zone = min(zones, key=lambda name: (sizes[name], zones.index(name)))
    market = _market(staying, distribution)
    if market == ON_DEMAND or not instance_types:
        instance_type = instance_types[0] if instance_types else "unknown"
    else:
        spot = sum(instance.market == SPOT for instance in staying)
        instance_type = instance_types[spot % len(instance_types)]
    return Placement(zone=zone, instance_type=instance_type, market=market)


def _market(staying: Sequence[Instance], distribution: Mapping[str, Any]) -> str:
    if not distribution:
        return ON_DEMAND
    base = int(distribution.get("OnDemandBaseCapacity", 0))
    percentage = int(distribution.get("OnDemandPercentageAboveBaseCapacity", 100))
    on_demand = sum(instance.market == ON_DEMAND for instance in staying)
    above = max(0, len(staying) + 1 - base)
    wanted = min(base, len(staying) + 1) + math.ceil(above * percentage / 100)
    return ON_DEMAND if on_demand < wanted else SPOT
