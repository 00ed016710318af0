"""Settings of the offline stack: the AppSync API and its versioned tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.settings_model import Capability, LogRetentionDays, unit

# DataStore asks for pages of 1,000 items, each of which may resolve what it belongs to.
# https://docs.amplify.aws/gen1/javascript/build-a-backend/more-features/datastore/conflict-resolution/
RESOLVERS_OF_A_PAGE = 1_001
MINUTES_PER_DAY = 24 * 60


class SyncSettings(Capability):
    """What is remembered for clients that were away"""

    retain_data: Annotated[
        bool,
        Field(
            default=True,
            description="Keep tables and users when the stack is deleted, and refuse to delete "
            "them by themselves (deletion protection).",
        ),
    ]
    delta_minutes: Annotated[
        int,
        Field(
            default=MINUTES_PER_DAY,
            ge=1,
            le=30 * MINUTES_PER_DAY,
            description="How long the delta table remembers changes. A client that was away for "
            "less reads the changes alone; one that was away for longer reads every item of every "
            "table: 0.5 read units per 4 KB, 100,000 items of 1 KB for about 0.0016 USD and many "
            "seconds of waiting on a phone. In return the table holds a full copy of an item per "
            "change for as long: 1 KB a change is 0.0003 USD a month for 1,000 changes a day "
            "and one day, plus one write unit per KB and change whatever is chosen. Amplify uses "
            "30 minutes.",
            json_schema_extra=unit("minutes"),
        ),
    ]
    tombstone_minutes: Annotated[
        int,
        Field(
            default=30 * MINUTES_PER_DAY,
            ge=MINUTES_PER_DAY,
            le=365 * MINUTES_PER_DAY,
            description="How long a deleted item stays in its table as a tombstone. A client that "
            "was away for longer never hears of the deletion and keeps the item until it clears "
            "its store, so choose more than the longest absence. Costs the storage of the item "
            "(0.25 USD per GB and month) and its share of every full read.",
            json_schema_extra=unit("minutes"),
        ),
    ]
    customer_key: Annotated[
        bool,
        Field(
            default=False,
            description="Encrypt the tables with a KMS key of your own (1 USD a month and request "
            "charges) instead of DynamoDB's (free).",
        ),
    ]

    @model_validator(mode="after")
    def _deletions_outlive_changes(self) -> Self:
        if self.tombstone_minutes < self.delta_minutes:
            raise ValueError(
                f"tombstone_minutes ({self.tombstone_minutes}) is less than delta_minutes "
                f"({self.delta_minutes}): a deletion would be forgotten before the change that it "
                "is; raise the first or lower the second"
            )
        return self


class AccessSettings(Capability):
    """Who may ask what"""

    api_key: Annotated[
        bool,
        Field(
            default=False,
            description="Let whoever has the API key do anything, without signing in. For "
            "development; a web page gives its key away.",
        ),
    ]
    api_key_expires: Annotated[
        str,
        Field(
            default="",
            pattern=r"^$|^\d{4}-\d{2}-\d{2}$",
            description="Day on which the API key stops working, at most 365 days ahead. Empty: "
            "seven days after it was created, which is AppSync's default.",
            json_schema_extra=unit("YYYY-MM-DD"),
        ),
    ]
    multi_factor: Annotated[
        Literal["optional", "required"],
        Field(
            default="required",
            description="Whether users need a one-time password from an authenticator app "
            "beside their password.",
        ),
    ]
    threat_protection: Annotated[
        bool,
        Field(
            default=False,
            description="Cognito looks for leaked passwords and unusual sign-ins and blocks them. "
            "Needs Cognito's Plus plan (0.02 USD per user and month instead of 0.015, and no free "
            "10,000 users).",
        ),
    ]
    introspection: Annotated[
        bool,
        Field(
            default=False,
            description="Answer questions about the schema. For development; generators read "
            "appsync_src/api.graphql instead.",
        ),
    ]
    query_depth_limit: Annotated[
        int,
        Field(
            default=6,
            ge=4,
            le=75,
            description="Deepest nesting that a query may have. DataStore needs 4; the question "
            "that tools ask about the schema needs 13.",
            json_schema_extra=unit("levels"),
        ),
    ]
    resolver_count_limit: Annotated[
        int,
        Field(
            default=2_500,
            ge=RESOLVERS_OF_A_PAGE,
            le=10_000,
            description="Most resolvers that one request may run. A page of 1,000 synchronised "
            "items resolves what each belongs to, hence the least value.",
            json_schema_extra=unit("resolvers"),
        ),
    ]
    waf: Annotated[
        bool,
        Field(
            default=False,
            description="Put AWS WAF in front: addresses with a bad reputation, known bad inputs, "
            "and too many requests from one address are refused. 5 USD a month, 1 USD per rule "
            "(three), 0.60 USD per million requests.",
        ),
    ]
    waf_requests_per_five_minutes: Annotated[
        int,
        Field(
            default=3_000,
            ge=10,
            le=2_000_000,
            description="Requests in five minutes above which an address is refused. A depot's "
            "phones share one.",
            json_schema_extra=unit("requests"),
        ),
    ]


class ObservationSettings(Capability):
    """What is written down"""

    field_log_level: Annotated[
        Literal["NONE", "ERROR", "INFO", "DEBUG", "ALL"],
        Field(
            default="ERROR",
            description="What AppSync logs about fields. ALL and DEBUG write every request and "
            "response of every resolver, at 0.50 USD per GB.",
        ),
    ]
    log_contents: Annotated[
        bool,
        Field(
            default=False,
            description="Log headers, queries and contents as well: personal data, and tokens' "
            "claims. For development.",
        ),
    ]
    log_retention_days: Annotated[
        LogRetentionDays,
        Field(
            default=14,
            description="How long the logs are kept.",
            json_schema_extra=unit("days, a value that CloudWatch Logs accepts"),
        ),
    ]
    tracing: Annotated[
        bool,
        Field(
            default=True,
            description="Trace requests with X-Ray (5 USD per million traces that are kept; one a "
            "second and 5 % of the rest).",
        ),
    ]
    latency_alarm_ms: Annotated[
        int,
        Field(
            default=3_000,
            ge=100,
            le=30_000,
            description="Alarm when one request in ten takes longer for a quarter of an hour.",
            json_schema_extra=unit("milliseconds"),
        ),
    ]


class OfflineSettings(ObservationSettings, AccessSettings, SyncSettings):
    """The API that devices synchronise with, and its users."""

    @model_validator(mode="after")
    def _key_that_expires(self) -> Self:
        if self.api_key_expires and not self.api_key:
            raise ValueError(
                "api_key_expires is set, but api_key is false: set it to true, or remove the day"
            )
        self.api_key_expires_at  # noqa: B018 - a day that does not exist is said at once
        return self

    @property
    def api_key_expires_at(self) -> int | None:
        """Epoch seconds, or None for AppSync's default."""
        if not self.api_key_expires:
            return None
        try:
            day = date.fromisoformat(self.api_key_expires)
        except ValueError:
            raise ValueError(
                f"api_key_expires ({self.api_key_expires}) is no day of the calendar"
            ) from None
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
