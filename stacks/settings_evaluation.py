"""Settings of the scheduled evaluation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings_model import Capability, unit


class EvaluationSettings(Capability):
    """Scheduled evaluation"""

    # Judges: https://docs.aws.amazon.com/bedrock/latest/userguide/evaluation-judge.html

    evaluation: Annotated[
        bool,
        Field(
            default=False,
            description="Let Bedrock evaluate the knowledge base on a schedule, with a model as "
            "the judge: every question costs an answer and a judgement for each metric. Needs a "
            "Claude model: the cards of Nova do not say that they answer for knowledge bases.",
        ),
    ]
    evaluation_schedule: Annotated[
        str,
        Field(
            default="cron(0 3 ? * SUN *)",
            pattern=r"^(cron|rate)\(.+\)$",
            description="When, in UTC.",
            json_schema_extra=unit("schedule expression of EventBridge Scheduler"),
        ),
    ]
    evaluation_judge: Annotated[
        Literal[
            "amazon.nova-pro-v1:0",
            "amazon.nova-2-lite-v1:0",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
        ],
        Field(
            default="amazon.nova-pro-v1:0",
            description="Model that judges, asked through the same inference profile.",
        ),
    ]
    evaluation_questions: Annotated[
        str,
        Field(
            default="evaluation/questions.jsonl",
            pattern=r"^[^/\s]\S*\.jsonl$",
            description="Key of the questions in the evaluation bucket, in Bedrock's format.",
            json_schema_extra=unit("key"),
        ),
    ]
