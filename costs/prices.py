"""The prices of costs/prices.json: list prices with their unit, Region, date and source.

`source` is the page of AWS's that sets a price. `read` names the copies, in `copies`, in which the
number was seen when it was last checked; a price without any was not seen again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("prices.json")
HOURS_PER_MONTH = 730
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600


@dataclass(frozen=True, kw_only=True)
class Price:
    """One price in US dollars per unit, free tiers left out."""

    name: str
    region: str
    unit: str
    price: float
    as_of: str
    source: str
    note: str = ""
    read: Sequence[str] = ()


@cache
def all_prices() -> dict[str, Price]:
    """Every price by its name."""
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return {entry["name"]: Price(**entry) for entry in content["prices"]}


def price(name: str) -> float:
    """The price of one unit. KeyError names what the file lacks."""
    try:
        return all_prices()[name].price
    except KeyError:
        raise KeyError(f"{name}: no such price; add it to {FILE.name} with its source") from None
