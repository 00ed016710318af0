"""What was said before."""

from __future__ import annotations

from constructs import Construct

from stacks.constructs.on_demand_table import on_demand_table

# lambda_src/chat/__init__.py describes the items.
PARTITION_KEY, SORT_KEY = "conversation", "turn"
EXPIRY_ATTRIBUTE = "expires_at"
UNRECOVERED = (
    "Recovery is a setting (assistant.memory_recovery), on in prod. What is lost in dev is what an "
    "assistant remembers of a conversation."
)


class ConversationTable(Construct):
    """Turns by conversation, forgotten by time to live; on demand, so free while nobody asks.

    A conversation's key begins with tenant and user, who come from the caller's identity: nobody
    reads another one's by naming it.

    It goes with its stack in every stage: conversations are kept for days, and not longer than the
    assistant that held them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, point_in_time_recovery: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = on_demand_table(
            self,
            "Table",
            partition_key=PARTITION_KEY,
            sort_key=SORT_KEY,
            expiry_attribute=EXPIRY_ATTRIBUTE,
            unrecovered="" if point_in_time_recovery else UNRECOVERED,
        )
