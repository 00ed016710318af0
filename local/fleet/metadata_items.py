"""What the metadata service of an instance says about it, at the moment it is asked.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html ,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html ,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from local.fleet.instance import Instance


def metadata_items(instance: Instance, *, region: str, ip: str) -> Callable[[str], str | None]:
    """A function from the item's path to its text; None for what does not exist."""

    def item(path: str) -> str | None:
        items: dict[str, Callable[[], str | None]] = {
            "instance-id": lambda: instance.instance_id,
            "instance-type": lambda: instance.instance_type,
            "instance-life-cycle": lambda: instance.market,
            "local-ipv4": lambda: ip,
            "placement/availability-zone": lambda: instance.zone,
            "placement/region": lambda: region,
            "autoscaling/target-lifecycle-state": lambda: instance.target_state,
            "spot/instance-action": lambda: _interruption(instance),
            "spot/termination-time": lambda: _termination_time(instance),
            "events/recommendations/rebalance": lambda: _rebalance(instance),
        }
        return items[path]() if path in items else None

    return item


def _interruption(instance: Instance) -> str | None:
    moment = _termination_time(instance)
    return None if moment is None else json.dumps({"action": "terminate", "time": moment})


def _termination_time(instance: Instance) -> str | None:
    return None if instance.interrupted_at is None else _iso(instance.interrupted_at)


def _rebalance(instance: Instance) -> str | None:
    moment = instance.at_risk_since
    return None if moment is None else json.dumps({"noticeTime": _iso(moment)})


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
