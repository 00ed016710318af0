"""What an answer cost and how it came about, as one line that CloudWatch makes metrics of.

The tenant is the only dimension: every tenant is billed as metrics of its own (0.30 USD a month for
each of the twelve below), so tenants are many at a price.
"""

from __future__ import annotations

from edge import json_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "Groundwork/Chat"
PER_TOKENS = 1_000_000


class Measures:
    """Counts of one answer."""

    def __init__(self, *, tenant: str, environ: Mapping[str, str]) -> None:
        self._tenant = tenant
        self._input_price = float(environ.get("INPUT_PRICE") or 0)
        self._output_price = float(environ.get("OUTPUT_PRICE") or 0)
        self.counts = dict.fromkeys(
            (
                "CacheHits", "CacheFailures", "GuardrailInterventions", "Throttles", "Refusals",
                "CitationsDropped", "SentencesWithheld",
            ),
            0,
        )  # fmt: skip

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the counts."""
        self.counts[name] += by

    def cost(self, *, input_tokens: int, output_tokens: int) -> float:
        """USD of the model's tokens; 0 where no prices are given."""
        return (input_tokens * self._input_price + output_tokens * self._output_price) / PER_TOKENS

    def write(
        self, *, input_tokens: int, output_tokens: int, milliseconds: int, **properties: object
    ) -> None:
        """Log the line; none of what was asked or answered is in it."""
        cost = self.cost(input_tokens=input_tokens, output_tokens=output_tokens)
        json_log.write_metrics(
            "answer",
            namespace=NAMESPACE,
            dimensions={"Tenant": self._tenant},
            metrics={
                "Answers": (1, "Count"),
                "Latency": (milliseconds, "Milliseconds"),
                "InputTokens": (input_tokens, "Count"),
                "OutputTokens": (output_tokens, "Count"),
                "Cost": (round(cost, 8), "None"),
                **{name: (count, "Count") for name, count in self.counts.items()},
            },
            **properties,
        )
