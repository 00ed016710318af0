"""What a guardrail is given, and what it says: shared by those who ask and those who judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Source = Literal["INPUT", "OUTPUT"]
GROUNDING_SOURCE, QUERY, GUARD_CONTENT = "grounding_source", "query", "guard_content"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A text, and what it is for."""

    text: str
    qualifiers: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`texts` are the parts as they may go on, masked where the guardrail says so."""

    blocked: bool
    masked: bool
    texts: Sequence[str]
    message: str
    assessment: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def intervened(self) -> bool:
        """Whether anything was blocked or masked."""
        return self.blocked or self.masked

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        if self.blocked:
            return "Guardrail blocked."
        return "Guardrail masked." if self.masked else "No action."
