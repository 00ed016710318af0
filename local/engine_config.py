"""What one engine is: where it listens, where it keeps its state, which account it plays."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
DEFAULT_REGION = "eu-west-1"
LARGEST_TIME_SCALE = 3600.0


class EngineConfigError(ValueError):
    """A configuration that cannot be started; names the field, its value and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """One engine's configuration.

    `time_scale` is how many AWS seconds pass in one wall second for everything that is measured or
    scaled (1 is real time); the services' own clocks stay on wall time. `vcpus` is what each
    instance of the fleet believes to have.
    """

    port: int
    state_directory: Path
    account: str
    region: str = DEFAULT_REGION
    time_scale: float = 1.0
    vcpus: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise EngineConfigError(f"port {self.port} must be from 1 to 65535")
        if not (len(self.account) == 12 and self.account.isdigit()):
            raise EngineConfigError(f"account {self.account!r} must be twelve digits")
        if not 0 < self.time_scale <= LARGEST_TIME_SCALE:
            raise EngineConfigError(
                f"time scale {self.time_scale} must be above 0 and at most "
                f"{LARGEST_TIME_SCALE:g} (1 is real time)"
            )
        if not 1 <= self.vcpus <= 64:
            raise EngineConfigError(f"vCPUs per instance {self.vcpus} must be from 1 to 64")

    @property
    def endpoint(self) -> str:
        """The URL that every client talks to; loopback only."""
        return f"http://{HOST}:{self.port}"

    def to_json(self) -> str:
        """One line of JSON, as handed to the engine's process."""
        return json.dumps({**asdict(self), "state_directory": str(self.state_directory)})

    @classmethod
    def from_json(cls, text: str) -> EngineConfig:
        """The other way round."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "state_directory": Path(values["state_directory"])})
