"""Evaluation jobs: recorded, and at once failed with the way to run one.

No judge model is played here, and a job that pretends to run would be believed. What measures
retrieval and answers on this machine is `python -m evaluation`.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateEvaluationJob.html
"""

from __future__ import annotations

import json

from local.bedrock.answers import Answer
from local.bedrock.errors import BedrockError
from local.bedrock.wire import Request

REASON = (
    "Evaluation jobs are not played by the local AWS: it has no model that could judge. Run: "
    "python -m evaluation"
)


def create(request: Request) -> Answer:
    """CreateEvaluationJob: MiniStack's record, with the outcome that it really has."""
    from ministack.services import bedrock

    status, _, content = bedrock._create_evaluation_job(json.dumps(dict(request.members)).encode())
    answer = json.loads(content)
    if status >= 300:
        raise BedrockError(
            "ConflictException" if status == 409 else "ValidationException", answer["message"]
        )
    record = bedrock._evaluation_jobs[answer["jobArn"]]
    record["Status"] = "Failed"
    record["FailureMessages"] = [REASON]
    return Answer(content=answer, status=202)
