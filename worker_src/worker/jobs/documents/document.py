"""What every format is turned into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """Clean text, its title, and what the document says of itself.

    `attributes` become metadata that a knowledge base can filter by: `service`, `operation`.
    """

    title: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)
