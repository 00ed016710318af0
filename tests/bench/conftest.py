"""The templates that the tests of the stacks synthesize, and the fleets in them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bench.fleet_template import Fleet
from tests.stacks.conftest import assemblies, templates

__all__ = ["assemblies", "templates"]
Template = dict[str, Any]
Change = Callable[[Template], None]
Fleets = Callable[..., Fleet]


@pytest.fixture
def fleet_of(templates: Mapping[str, Mapping[str, Template]]) -> Fleets:
    """The fleet of a variant, after a change of its template."""

    def read(variant: str = "prod", change: Change | None = None) -> Fleet:
        template = copy.deepcopy(templates[variant]["Fleet"])
        if change:
            change(template)
        return Fleet.from_template(template)

    return read
