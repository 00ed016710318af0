"""What the settings of every capability have in common."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _log_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, LOG_RETENTION_DAYS))}")
    return value


LogRetentionDays = Annotated[int, AfterValidator(_log_retention)]


def unit(text: str) -> dict[str, str | int | float | bool | list[Any] | dict[str, Any] | None]:
    """The unit of a field, for docs/settings.md and for error messages."""
    return {"unit": text}


class Capability(BaseModel):
    """Settings of one capability: immutable, and nothing that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _lists_from_the_command_line(cls, values: Any) -> Any:
        """`-c fleet.instance_types=c7g.large,c6g.large` arrives as one string."""
        if not isinstance(values, dict):
            return values
        return {
            name: [part.strip() for part in value.split(",") if part.strip()]
            if isinstance(value, str) and cls._holds_a_list(name)
            else value
            for name, value in values.items()
        }

    @classmethod
    def _holds_a_list(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return (
            field is not None
            and get_origin(field.annotation) is tuple
            and bool(get_args(field.annotation))
        )
