"""From a request to an answer: the deployment's parts put together, and failures put into words."""

from __future__ import annotations

import json
import os
import time

from chat.answer_cache import LEAST_SIMILARITY, AnswerCache, Pause
from chat.assistant import Assistant, Parts
from chat.callers import caller_of
from chat.embedding import vector_of
from chat.guardrail import Guardrail
from chat.measures import Measures
from chat.memory import Memory
from chat.misconfigured import REMEDIES
from chat.model import Model
from chat.prompts import PromptProblem, Prompts
from chat.questions import question_of
from chat.retrieval import Retrieval
from edge import json_log
from edge.aws import Aws
from edge.errors import THROTTLING_CODES, AwsError
from edge.http_api import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from chat.answer_cache import CacheStore
    from chat.assistant import Tell
    from edge.http_api import Request

SECONDS_PER_DAY = 86_400
CACHE_SECONDS = 0.7
EMBEDDING_SECONDS = 2.0
BUSY_CODES = THROTTLING_CODES | {
    "ModelNotReadyException", "ServiceQuotaExceededException", "ServiceUnavailableException",
}  # fmt: skip
LATE_CODES = ("Timeout", "ModelTimeoutException")

AWS = Aws().prepare("bedrock-agent-runtime", "bedrock-runtime", "dynamodb")


class Kept:
    """What a copy keeps between questions."""

    def __init__(self) -> None:
        self.prompts: Prompts | None = None
        self.store: CacheStore | None = None
        self.pause = Pause()


KEPT = Kept()


def answered(
    event: Mapping[str, Any], request: Request, *, tell: Tell | None = None
) -> dict[str, Any]:
    """The content of the answer. Raises Problem, whatever went wrong."""
    question = question_of(request.body)
    caller = caller_of(event, request, named=question.tenant, environ=os.environ)
    measures = Measures(tenant=caller.tenant, environ=os.environ)
    started = time.monotonic()
    status = 500
    parts = None
    content: dict[str, Any] = {}
    try:
        parts = _deployed_parts(measures)
        content = Assistant(parts, tell=tell).answer(question, caller)
        status = 200
        return content
    except Exception as error:
        problem = problem_of(error)
        status = problem.status
        if status == 429:
            measures.count("Throttles")
        raise problem from error
    finally:
        usage = parts.model.usage if parts else None
        measures.write(
            input_tokens=usage.input if usage else 0,
            output_tokens=usage.output if usage else 0,
            milliseconds=round((time.monotonic() - started) * 1000),
            status=status,
            technique=question.technique,
            cache=parts.cache.kind if parts else "off",
            answered=content.get("answered", False),
            conversation=question.conversation_id,
        )


def _deployed_parts(measures: Measures) -> Parts:
    """Raises Problem for a setting that is missing."""
    try:
        return parts_of(os.environ, measures=measures)
    except KeyError as error:
        json_log.write("setting missing", level="ERROR", error=f"{error.args[0]} is not set")
        said = f"{error.args[0]} is not set; deploy again"
        raise Problem(500, "Misconfigured", said) from error


def parts_of(environ: Mapping[str, str], *, measures: Measures) -> Parts:
    """The parts of this deployment, as its environment names them."""
    if KEPT.prompts is None:
        KEPT.prompts = Prompts(AWS.call, json.loads(environ.get("PROMPTS") or "{}"))
    model_id = environ["MODEL_ID"]
    guardrail_id = environ.get("GUARDRAIL_ID", "")
    version = environ.get("GUARDRAIL_VERSION", "")
    return Parts(
        call=AWS.call,
        knowledge_table=environ["KNOWLEDGE_TABLE"],
        model_id=model_id,
        guardrail_name=f"{guardrail_id}:{version}",
        tenant_key=environ.get("TENANT_METADATA_KEY", ""),
        retrieval=Retrieval(
            AWS.call,
            knowledge_base_id=environ["KNOWLEDGE_BASE_ID"],
            chunks=int(environ.get("RETRIEVED_CHUNKS") or 5),
            search_type=environ.get("SEARCH_TYPE", ""),
            rerank_model_arn=environ.get("RERANK_MODEL_ARN", ""),
            least_score=float(environ.get("LEAST_SCORE") or 0),
        ),
        prompts=KEPT.prompts,
        model=Model(AWS, model_id=model_id, guardrail_id=guardrail_id, guardrail_version=version),
        guardrail=Guardrail(AWS.call, id=guardrail_id, version=version),
        memory=Memory(
            AWS.call,
            table=environ["CONVERSATIONS_TABLE"],
            keep_seconds=float(environ.get("MEMORY_DAYS") or 30) * SECONDS_PER_DAY,
        ),
        cache=_cache(environ, measures=measures),
        measures=measures,
        seconds_left=lambda: AWS.give_up_at - time.monotonic(),
    )


def prepare() -> None:
    """For warm pings: what only a deployment with Valkey has to import."""
    if os.environ.get("CACHE") == "valkey":
        import valkey  # noqa: F401


def problem_of(error: Exception) -> Problem:
    """What the caller hears of a failure; the log hears the rest."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, AwsError):
        json_log.write("AWS call failed", level="ERROR", code=error.code, error=str(error))
        return _refused(error)
    if isinstance(error, PromptProblem):
        json_log.write("prompt unusable", level="ERROR", error=str(error))
        return Problem(501, "Not deployed", str(error))
    raise error


def _refused(error: AwsError) -> Problem:
    if error.code in BUSY_CODES or error.status == 429:
        wait = 2 + os.urandom(1)[0] % 8
        return Problem(
            429,
            "Busy",
            f"the model is asked more than its quota allows; try again in {wait} seconds",
            headers={"retry-after": str(wait)},
        )
    if error.code in LATE_CODES:
        return Problem(504, "Out of time", "no answer in time; ask less at once, or try again")
    if error.code in REMEDIES:
        said = f"{error.code}: {REMEDIES[error.code]}; the function's log has what AWS said"
        return Problem(500, "Misconfigured", said)
    return Problem(
        503, "Unavailable", f"{error.code}; try again later", headers={"retry-after": "5"}
    )


def _cache(environ: Mapping[str, str], *, measures: Measures) -> AnswerCache:
    kind = environ.get("CACHE") or "off"
    dimension = int(environ.get("EMBEDDING_DIMENSION") or 0)
    if KEPT.store is None and kind != "off":
        KEPT.store = _store(kind, environ, dimension=dimension)

    def failed(doing: str, error: Exception) -> None:
        measures.count("CacheFailures")
        json_log.write("cache failed", level="WARN", doing=doing, error=repr(error)[:500])

    return AnswerCache(
        KEPT.store if kind != "off" else None,
        embed=lambda text: vector_of(
            AWS,
            text,
            model_id=environ["EMBEDDING_MODEL_ID"],
            dimension=dimension,
            timeout_seconds=float(environ.get("EMBEDDING_TIMEOUT_SECONDS") or EMBEDDING_SECONDS),
        ),
        seconds=int(environ.get("CACHE_TTL_SECONDS") or SECONDS_PER_DAY),
        pause=KEPT.pause,
        failed=failed,
        similarity=float(environ.get("CACHE_SIMILARITY") or LEAST_SIMILARITY),
    )


def _store(kind: str, environ: Mapping[str, str], *, dimension: int) -> CacheStore:
    timeout = float(environ.get("CACHE_TIMEOUT_SECONDS") or CACHE_SECONDS)
    if kind == "s3_vectors":
        from chat.cache_on_s3_vectors import S3VectorsCache

        return S3VectorsCache(AWS, index_arn=environ["CACHE_INDEX_ARN"], timeout_seconds=timeout)
    if kind == "valkey":
        from chat.cache_on_valkey import ValkeyCache, client_of

        endpoint = environ["CACHE_ENDPOINT"]
        user = environ.get("CACHE_USER")
        return ValkeyCache(
            lambda: client_of(
                endpoint,
                timeout_seconds=timeout,
                token=(lambda: (user, _token(user, environ))) if user else None,
            ),
            dimension=dimension,
            timeout_seconds=timeout,
        )
    raise Problem(500, "Misconfigured", f"CACHE is {kind!r}; set it to off, s3_vectors or valkey")


def _token(user: str, environ: Mapping[str, str]) -> str:
    from chat.cache_token import token_of
    from edge.credentials import CredentialSource

    return token_of(
        cache=environ["CACHE_NAME"],
        user=user,
        region=environ["AWS_REGION"],
        credentials=CredentialSource(environ).current(),
        serverless=environ.get("CACHE_KIND") == "serverless",
        now=time.time(),
    )
