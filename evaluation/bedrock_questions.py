"""The golden questions as Bedrock's own evaluation jobs read them, one to a line.

    python -m evaluation.bedrock_questions | aws s3 cp - "$EVALUATION_QUESTIONS_URI"

The output EvaluationQuestionsUri of the stack Assistant says where the scheduled job looks for
them. They are about the documents that `python -m evaluation --ingest` uploads: for documents of
your own, write such a file with your own questions.

https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-evaluation-prompt-retrieve-generate.html
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from evaluation.golden.golden_set import Question, golden_set

FEW = 50
MOST = 1_000
"""Prompts in a dataset, Bedrock's limit."""


def lines(questions: Iterable[Question]) -> Iterator[str]:
    """A conversation of one turn for each: what is asked, and what would be right."""
    for each in questions:
        turn = {
            "prompt": {"content": [{"text": each.question}]},
            "referenceResponses": [{"content": [{"text": each.reference}]}],
        }
        yield json.dumps({"conversationTurns": [turn]}, ensure_ascii=False)


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.bedrock_questions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--questions",
        type=int,
        default=FEW,
        help=f"how many, spread over the golden set (default {FEW}; each is paid for)",
    )
    count = parser.parse_args(arguments).questions
    if not 1 <= count <= MOST:
        parser.error(f"--questions is {count}: Bedrock takes 1 to {MOST}")
    for line in lines(golden_set().part(count).questions):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
