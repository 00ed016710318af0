"""The fleet's entry into the engine."""

from __future__ import annotations

from local.engine_config import EngineConfig
from local.fleet import embedded_metrics, scheduled_rules
from local.fleet.autoscaling_api import AutoScalingApi
from local.fleet.group_types import GroupType
from local.fleet.supervisor import Supervisor


def register(config: EngineConfig) -> Supervisor:
    """Hook the tables and make the part that the engine starts; once per process."""
    supervisor = Supervisor(config)
    embedded_metrics.register(supervisor.clock)
    scheduled_rules.register(supervisor.clock)
    AutoScalingApi(supervisor).register()
    GroupType(supervisor).register()
    return supervisor
