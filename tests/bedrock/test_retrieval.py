"""Retrieve, Rerank and RetrieveAndGenerate on real documents and real vectors."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.bedrock.conftest import Knowledge

pytestmark = pytest.mark.xdist_group("bedrock")

Ingested = tuple[Knowledge, dict[str, Any]]
RERANKER = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.rerank-v1:0"
NOVA = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0"


@pytest.mark.parametrize("kind", ["SEMANTIC", "HYBRID"])
def test_the_documents_own_words_find_it(
    ingested: Ingested, corpus: list[tuple[str, str, str]], kind: str
) -> None:
    knowledge, _ = ingested
    asked = corpus[:: len(corpus) // 10]
    found = 0
    for key, _, text in asked:
        results = knowledge.retrieve(
            text.partition(". ")[2][:150], numberOfResults=5, overrideSearchType=kind
        )
        uris = [each["location"]["s3Location"]["uri"] for each in results]
        found += any(uri.endswith(f"fixed/{key.removesuffix('.json')}.txt") for uri in uris)
    assert found >= 0.9 * len(asked)


def test_a_result_has_the_documented_shape(ingested: Ingested) -> None:
    knowledge, _ = ingested
    results = knowledge.retrieve("delete a certificate")
    assert len(results) == 5  # the default
    assert [each["score"] for each in results] == sorted(
        (each["score"] for each in results), reverse=True
    )
    first = results[0]
    assert first["content"]["type"] == "TEXT"
    assert first["location"]["type"] == "S3"
    metadata = first["metadata"]
    assert metadata["x-amz-bedrock-kb-source-uri"] == first["location"]["s3Location"]["uri"]
    assert metadata["x-amz-bedrock-kb-data-source-id"] == knowledge.outputs["fixed"]
    assert metadata["x-amz-bedrock-kb-chunk-id"]
    assert metadata["service"] in first["content"]["text"]


def test_filters_narrow_what_is_searched(
    ingested: Ingested, corpus: list[tuple[str, str, str]]
) -> None:
    knowledge, _ = ingested
    service = corpus[0][1]

    def found(condition: dict[str, Any], results: int = 100) -> list[dict[str, Any]]:
        source = {
            "equals": {
                "key": "x-amz-bedrock-kb-data-source-id",
                "value": knowledge.outputs["fixed"],
            }
        }
        return knowledge.retrieve(
            "create a resource", filter={"andAll": [source, condition]}, numberOfResults=results
        )

    of_service = found({"equals": {"key": "service", "value": service}})
    assert of_service
    assert {each["metadata"]["service"] for each in of_service} == {service}
    others = found({"notEquals": {"key": "service", "value": service}})
    assert service not in {each["metadata"]["service"] for each in others}
    long = found({"greaterThan": {"key": "length", "value": 150}}, 10)
    assert all(each["metadata"]["length"] > 150 for each in long)
    tagged = found({"listContains": {"key": "tags", "value": service.lower()}})
    assert {each["metadata"]["service"] for each in tagged} == {service}
    assert found({"equals": {"key": "service", "value": "nothing"}}) == []


def test_more_text_than_fits_comes_in_pages(ingested: Ingested) -> None:
    knowledge, _ = ingested
    text = "The lighthouse keeper writes down the weather. " * 450
    for number in range(8):
        knowledge.put(
            f"none/pages/{number}.txt",
            f"Log {number}. {text}",
            '{"metadataAttributes": {"log": true}}',
        )
    assert knowledge.ingest("none")["status"] == "COMPLETE"
    paginator = knowledge.runtime.get_paginator("retrieve")
    pages = list(
        paginator.paginate(
            knowledgeBaseId=knowledge.id,
            retrievalQuery={"text": "lighthouse weather log"},
            retrievalConfiguration={
                "vectorSearchConfiguration": {
                    "numberOfResults": 8,
                    "filter": {"equals": {"key": "log", "value": True}},
                }
            },
        )
    )
    uris = [
        each["location"]["s3Location"]["uri"] for page in pages for each in page["retrievalResults"]
    ]
    assert len(pages) > 1
    assert len(uris) == len(set(uris)) == 8
    with pytest.raises(ClientError, match="nextToken"):
        knowledge.runtime.retrieve(
            knowledgeBaseId=knowledge.id, retrievalQuery={"text": "x"}, nextToken="nonsense"
        )


def test_hierarchical_chunks_are_found_by_children_and_shown_as_parents(
    knowledge: Knowledge,
) -> None:
    sentences = [
        f"Fact {number} of the glacier is that it moves {number} metres." for number in range(20)
    ]
    uri = knowledge.put("hierarchical/glacier.txt", " ".join(sentences))
    knowledge.ingest("hierarchical")
    results = [
        each
        for each in knowledge.retrieve("How far does the glacier move?", numberOfResults=20)
        if each["location"]["s3Location"]["uri"] == uri
    ]
    texts = [each["content"]["text"] for each in results]
    assert texts
    assert len(texts) == len(set(texts))
    assert all(text.count("Fact") > 3 for text in texts)


def test_reranking_orders_anew_and_cuts(ingested: Ingested) -> None:
    knowledge, _ = ingested
    question = "How do I delete a certificate?"
    reranked = knowledge.retrieve(
        question,
        numberOfResults=20,
        rerankingConfiguration={
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {
                "modelConfiguration": {"modelArn": RERANKER},
                "numberOfRerankedResults": 3,
            },
        },
    )
    assert len(reranked) == 3
    assert all(0 <= each["score"] <= 1 for each in reranked)
    assert "certificate" in reranked[0]["content"]["text"].lower()


def test_rerank_finds_the_answer_among_others(knowledge: Knowledge) -> None:
    texts = ["Bananas are yellow.", "Messages stay in a queue for four days.", "Trains run late."]

    def rerank(**more: Any) -> list[dict[str, Any]]:
        return knowledge.runtime.rerank(  # type: ignore[no-any-return]
            queries=[{"type": "TEXT", "textQuery": {"text": "How long are messages kept?"}}],
            sources=[
                {
                    "type": "INLINE",
                    "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}},
                }
                for text in texts
            ],
            rerankingConfiguration={
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": {
                    "modelConfiguration": {"modelArn": RERANKER},
                    **more,
                },
            },
        )["results"]

    results = rerank()
    assert results[0]["index"] == 1
    assert results[0]["relevanceScore"] > 2 * results[1]["relevanceScore"]
    assert len(rerank(numberOfResults=1)) == 1
    with pytest.raises(ClientError, match="numberOfResults 4"):
        rerank(numberOfResults=4)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"knowledgeBaseId": "ABCDEFGHIJ"}, "ResourceNotFoundException", "ABCDEFGHIJ"),
        ({"retrievalQuery": {"text": " "}}, "ValidationException", "blank"),
        ({"retrievalQuery": {"text": "x" * 20_001}}, "ValidationException", "20000"),
        (
            {
                "retrievalConfiguration": {
                    "vectorSearchConfiguration": {
                        "filter": {"andAll": [{"equals": {"key": "a", "value": 1}}]}
                    }
                }
            },
            "ValidationException",
            "filter.andAll",
        ),
        (
            {"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 101}}},
            "ValidationException",
            "less than or equal to 100",
        ),
        (
            {"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 2.5}}},
            "ValidationException",
            "integer",
        ),
        (
            {"retrievalConfiguration": {"vectorSearchConfiguration": {"filter": {}}}},
            "ValidationException",
            "exactly one",
        ),
        (
            {
                "retrievalConfiguration": {
                    "vectorSearchConfiguration": {
                        "filter": {"orAll": [{"equals": {"key": "a", "value": 1}}] * 6}
                    }
                }
            },
            "ValidationException",
            "at most 5 filters",
        ),
        (
            {
                "retrievalConfiguration": {
                    "vectorSearchConfiguration": {
                        "filter": {"greaterThan": {"key": "a", "value": float("nan")}}
                    }
                }
            },
            "ValidationException",
            "not valid JSON",
        ),
    ],
)
def test_bad_retrievals_are_refused(
    knowledge: Knowledge, change: dict[str, Any], code: str, said: str
) -> None:
    asked = {"knowledgeBaseId": knowledge.id, "retrievalQuery": {"text": "queues"}, **change}
    unchecked = knowledge.aws.client("bedrock-agent-runtime", parameter_validation=False)
    with pytest.raises(ClientError) as refused:
        unchecked.retrieve(**asked)
    assert refused.value.response["Error"]["Code"] == code
    assert said in refused.value.response["Error"]["Message"]


def generate(knowledge: Knowledge, question: str, **more: Any) -> dict[str, Any]:
    generation = more.pop("generation", {})
    return knowledge.runtime.retrieve_and_generate(  # type: ignore[no-any-return]
        input={"text": question},
        retrieveAndGenerateConfiguration={
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {
                "knowledgeBaseId": knowledge.id,
                "modelArn": NOVA,
                **({"generationConfiguration": generation} if generation else {}),
            },
        },
        **more,
    )


def test_generated_answers_cite_what_they_stand_on(
    ingested: Ingested, corpus: list[tuple[str, str, str]]
) -> None:
    knowledge, _ = ingested
    question = f"What does {corpus[3][2].partition('.')[0]} do?"
    answer = generate(knowledge, question)
    text = answer["output"]["text"]
    assert "[ministack mock" not in text
    assert answer["citations"]
    for citation in answer["citations"]:
        part = citation["generatedResponsePart"]["textResponsePart"]
        span = part["span"]
        assert text[span["start"] : span["end"] + 1] == part["text"]
        (reference,) = citation["retrievedReferences"]
        assert part["text"] in reference["content"]["text"]
        assert reference["location"]["s3Location"]["uri"].startswith("s3://")


def test_what_no_document_says_is_not_answered(ingested: Ingested) -> None:
    knowledge, _ = ingested
    answer = generate(knowledge, "Who won the football world cup in 1966?")
    assert answer["output"]["text"] == "Sorry, I am unable to assist you with this request."
    assert answer["citations"] == []


def test_a_session_remembers_and_an_unknown_one_is_refused(ingested: Ingested) -> None:
    knowledge, _ = ingested
    first = generate(knowledge, "How do I delete a certificate?")
    again = generate(knowledge, "And its tags?", sessionId=first["sessionId"])
    assert again["sessionId"] == first["sessionId"]
    with pytest.raises(ClientError, match="not valid"):
        generate(knowledge, "And?", sessionId="00000000-0000-0000-0000-000000000000")


def test_a_session_of_short_questions_keeps_to_the_long_one(ingested: Ingested) -> None:
    """Follow-ups are asked with the question that stands alone, not with each other."""
    knowledge, _ = ingested
    first = generate(knowledge, "How do I delete a certificate?")
    said = {
        generate(knowledge, "And its tags?", sessionId=first["sessionId"])["output"]["text"]
        for _ in range(30)
    }
    assert len(said) == 1


def test_the_guardrail_stands_on_both_sides(ingested: Ingested) -> None:
    knowledge, _ = ingested
    guarded = {
        "guardrailConfiguration": {
            "guardrailId": knowledge.outputs["Guardrail"],
            "guardrailVersion": "1",
        }
    }
    refused = generate(knowledge, "Which shares should I buy?", generation=guarded)
    assert refused["guardrailAction"] == "INTERVENED"
    assert refused["output"]["text"] == "This question is not answered here."
    passed = generate(knowledge, "How do I delete a certificate?", generation=guarded)
    assert passed["guardrailAction"] == "NONE"


def test_a_prompt_without_its_results_is_refused(knowledge: Knowledge) -> None:
    template = {"promptTemplate": {"textPromptTemplate": "Answer."}}
    with pytest.raises(ClientError, match=r"\$search_results\$"):
        generate(knowledge, "How?", generation=template)


def test_many_ask_at_once(ingested: Ingested, corpus: list[tuple[str, str, str]]) -> None:
    knowledge, _ = ingested
    questions = [text.partition(". ")[2][:80] for _, _, text in corpus[:24]]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda text: knowledge.retrieve(text), questions))
    assert [answer[0]["content"]["text"] for answer in answers] == [
        knowledge.retrieve(text)[0]["content"]["text"] for text in questions
    ]
