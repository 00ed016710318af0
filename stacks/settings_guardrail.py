"""Settings of the guardrail: what may be asked, and what may be answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stacks.settings_model import Capability, unit

Topic = Literal["legal_advice", "medical_advice", "investment_advice"]
WORDS_OF_A_PHRASE = 3


def _few(phrase: str) -> str:
    if len(phrase.split()) > WORDS_OF_A_PHRASE:
        raise ValueError(
            f"{phrase!r} has more than {WORDS_OF_A_PHRASE} words, which a guardrail does not look "
            "for: shorten it"
        )
    return phrase


class GuardrailSettings(Capability):
    """Guardrail"""

    # https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-word-filters.html
    # https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html

    guardrail: Annotated[
        bool,
        Field(
            default=True,
            description="Check questions and answers. Each policy is billed by the characters that "
            "it reads; docs/costs.md has the sums.",
        ),
    ]
    content_filters: Annotated[
        Literal["LOW", "MEDIUM", "HIGH"],
        Field(
            default="HIGH",
            description="How readily hate, insults, sexual content, violence, misconduct and "
            "attacks on the prompt are stopped. HIGH stops what is merely likely as well. Attacks "
            "are looked for in questions, not in documents (docs/rag.md).",
        ),
    ]
    personal_data: Annotated[
        Literal["mask", "block", "allow"],
        Field(
            default="mask",
            description="Names, addresses, mail and telephone numbers in questions and answers. "
            "Passwords, keys and card numbers are blocked either way.",
        ),
    ]
    denied_topics: Annotated[
        tuple[Topic, ...],
        Field(
            default=("legal_advice", "medical_advice", "investment_advice"),
            description="What is not talked about. stacks/guardrail_topics.py says what each "
            "means.",
            json_schema_extra=unit("list"),
        ),
    ]
    denied_words: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_few)], ...],
        Field(
            default=(),
            max_length=10_000,
            description="Words, and phrases of two or three, that stop a question or an answer, "
            "beside profanity.",
            json_schema_extra=unit("list"),
        ),
    ]
    grounding_threshold: Annotated[
        float,
        Field(
            default=0.7,
            ge=0,
            le=0.99,
            description="Answers that documents support less than this are stopped. AWS does not "
            "support the check for conversations: it is given the question rewritten so that it "
            "stands alone (docs/rag.md).",
            json_schema_extra=unit("confidence"),
        ),
    ]
    relevance_threshold: Annotated[
        float,
        Field(
            default=0.5,
            ge=0,
            le=0.99,
            description="Answers that have less than this to do with the question are stopped.",
            json_schema_extra=unit("confidence"),
        ),
    ]
