"""What the knowledge base is asked, and what is said when it cannot answer."""

from __future__ import annotations

import pytest

from chat.prompts import PromptProblem, Prompts
from chat.retrieval import Retrieval
from edge.errors import AwsError
from edge.http_api import Problem
from tests.lambdas.chat_world import FOUR_DAYS, World

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")


def test_a_search_is_limited_to_the_tenants_documents_whatever_the_filter(world: World) -> None:
    world.settings["tenant_key"] = "tenant"
    own = {"equals": {"key": "tenant", "value": "acme"}}
    for asked, sent in [
        (None, own),
        ({"equals": {"key": "tenant", "value": "other"}},
         {"andAll": [own, {"equals": {"key": "tenant", "value": "other"}}]}),
        ({"orAll": [own, own]}, {"andAll": [own, {"orAll": [own, own]}]}),
        ({"andAll": [own, own]}, {"andAll": [own, own, own]}),
    ]:  # fmt: skip
        world.ask(f"How long? {asked}", filter=asked)
        configuration = world.bedrock.asked("Retrieve")[-1]["retrievalConfiguration"]
        assert configuration["vectorSearchConfiguration"]["filter"] == sent


def test_reranking_searches_wider_than_it_keeps(world: World) -> None:
    arn = "arn:aws:bedrock:eu-west-1::foundation-model/cohere.rerank-v3-5:0"
    retrieval = Retrieval(
        world.bedrock.call, knowledge_base_id="KB12345678", chunks=1, search_type="HYBRID",
        rerank_model_arn=arn,
    )  # fmt: skip
    assert len(retrieval.search("q", filter=None)) == 1
    sent = world.bedrock.asked("Retrieve")[-1]["retrievalConfiguration"]
    search = sent["vectorSearchConfiguration"]
    assert search["numberOfResults"] == 4 and search["overrideSearchType"] == "HYBRID"
    assert search["rerankingConfiguration"]["bedrockRerankingConfiguration"][
        "numberOfRerankedResults"
    ] == 1  # fmt: skip


@pytest.mark.parametrize(("least", "found"), [(0.0, 2), (0.5, 2), (0.51, 0)])
def test_chunks_below_the_least_score_are_not_used(world: World, least: float, found: int) -> None:
    retrieval = Retrieval(
        world.bedrock.call, knowledge_base_id="KB12345678", chunks=5, least_score=least
    )
    assert len(retrieval.search("q", filter=None)) == found
    world.settings["least_score"] = least
    world.bedrock.says = lambda prompt: FOUR_DAYS
    answer = world.ask(f"For how long does a queue keep messages, at {least}?")
    assert answer["answered"] is bool(found)
    assert bool(world.bedrock.asked("Converse")) is bool(found)


@pytest.mark.parametrize(
    ("message", "status"),
    [("The Aurora DB instance is resuming after being auto-paused.", 503),
     ("The filter is invalid: key year is not filterable", 400)],
)  # fmt: skip
def test_a_search_that_cannot_be_says_what_to_do(world: World, message: str, status: int) -> None:
    world.bedrock.fail["Retrieve"] = AwsError("ValidationException", 400, message, False)
    with pytest.raises(Problem) as raised:
        world.ask("How?", filter={"equals": {"key": "year", "value": 1}})
    assert raised.value.status == status


def test_a_prompt_is_read_once_and_a_missing_one_is_named(world: World) -> None:
    prompts = Prompts(world.bedrock.call, world.arns)
    assert prompts.get("rag") is prompts.get("rag")
    assert len(world.bedrock.asked("GetPrompt")) == 1
    with pytest.raises(PromptProblem, match="PROMPTS names no prompt other"):
        prompts.get("other")
