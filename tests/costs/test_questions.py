"""docs/costs.md says of questions what the price list and the programs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chat import measures
from costs.prices import price
from costs.questions import MODELS, TENANT_METRICS, cache, documents, model, others, tenant
from edge import json_log
from stacks.inference_profiles import GLOBAL
from stacks.language_models import LANGUAGE_MODELS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "costs.md").read_text()


def row(start: str) -> str:
    (found,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| {start}")]
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_document_says_what_a_model_costs(name: str) -> None:
    assert f"{model(name):.2f}" in row(f"`{name}`")


def test_the_document_says_what_comes_on_top() -> None:
    assert f"{others()['embedding']:.4f}" in row("the question's embedding")
    assert f"{others()['guardrail, policies']:.2f}" in row("guardrail: content")
    assert f"{others()['guardrail, grounding']:.2f}" in row("guardrail: grounding")
    for kind in ("amazon", "cohere"):
        assert f"{others()[f'rerank, {kind}']:.2f}" in row("reranking")
    assert f"{cache():.4f}" in row("the cache on S3 Vectors")
    assert f"a thousand documents of 1,000 tokens cost {documents():.3f}" in DOCUMENT


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_the_function_counts_with_the_same_prices(name: str) -> None:
    (key,) = [each for each in MODELS if f".{each}-" in name]
    assert LANGUAGE_MODELS[name].prices(GLOBAL) == pytest.approx(
        (price(f"bedrock.{key}.input") * 1000, price(f"bedrock.{key}.output") * 1000)
    )


def test_every_tenant_has_as_many_metrics_as_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(json_log, "write_metrics", lambda _name, **line: written.append(line))
    measures.Measures(tenant="one", environ={}).write(
        input_tokens=1, output_tokens=1, milliseconds=1
    )
    (line,) = written
    assert set(line["dimensions"]) == {"Tenant"}
    assert len(line["metrics"]) == TENANT_METRICS
    assert f"{TENANT_METRICS} metrics of each tenant" in DOCUMENT
    assert f"{tenant():.2f} a month" in DOCUMENT
