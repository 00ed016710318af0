"""Prompts as files: which are read, and what is said about those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.prompt_files import PROMPTS, PromptFileError, prompt_files

GOOD = """
description = "A prompt"
max_tokens = 100
temperature = 0.0
system = "Answer."
[[messages]]
role = "user"
text = "<question>{{question}}</question>"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rag.v1.toml").write_text(GOOD)
    return tmp_path


def test_the_newest_version_is_used_unless_another_is_chosen(folder: Path) -> None:
    for number in (2, 10):
        (folder / f"rag.v{number}.toml").write_text(GOOD.replace("Answer", f"Answer {number}"))
    assert [prompt.version for prompt in prompt_files(folder=folder)] == [10]
    assert [prompt.version for prompt in prompt_files(["rag.v2"], folder=folder)] == [2]


def test_the_digest_follows_what_a_model_sees(folder: Path) -> None:
    (before,) = prompt_files(folder=folder)
    (folder / "rag.v1.toml").write_text(GOOD.replace("A prompt", "Another description"))
    (same,) = prompt_files(folder=folder)
    (folder / "rag.v1.toml").write_text(GOOD.replace("0.0", "0.1"))
    (after,) = prompt_files(folder=folder)
    assert before.digest == same.digest != after.digest
    assert before.variables == ["question"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rag.toml", GOOD, "rename it to NAME.vNUMBER.toml"),
        ("rag.v2.toml", "system = ", "is no TOML"),
        ("rag.v2.toml", GOOD.replace("max_tokens", "tokens"), "there is no tokens"),
        ("rag.v2.toml", GOOD.replace("max_tokens = 100", ""), "lacks max_tokens"),
        ("rag.v2.toml", GOOD.replace("0.0", "0.0\ntop_p = 1"), "leave out one of"),
        ("rag.v2.toml", GOOD.replace("temperature = 0.0", ""), "lacks temperature"),
        ("rag.v2.toml", GOOD.replace('"user"', '"assistant"'), "begin and end with user"),
    ],
)
def test_a_prompt_that_cannot_be_deployed_is_named(
    folder: Path, name: str, content: str, words: str
) -> None:
    (folder / name).write_text(content)
    with pytest.raises(PromptFileError, match=words):
        prompt_files(folder=folder)


def test_every_version_in_the_repository_can_be_chosen() -> None:
    for path in PROMPTS.glob("*.toml"):
        name, _, version = path.stem.rpartition(".v")
        assert (name, int(version)) in [
            (each.name, each.version) for each in prompt_files([path.stem])
        ]


def test_what_is_compared_with_documents_is_asked_for_in_their_language_and_with_citations() -> (
    None
):
    every = [each for path in PROMPTS.glob("*.toml") for each in prompt_files([path.stem])]
    cited = [each for each in every if "in square brackets, such as [1]" in each.system]
    assert {each.name for each in cited} == {
        "rag", "n_shot", "chain_of_thought", "self_consistency", "generated_knowledge", "react",
    }  # fmt: skip
    for prompt in cited:
        assert "Answer in the language of the document that you cite" in prompt.system
        assert "language of the question" not in prompt.system
        assert "a sentence without one is not shown" in prompt.system


def test_examples_give_no_answer_away() -> None:
    """The examples of n_shot are of another world than the questions that are evaluated."""
    (prompt,) = [each for each in prompt_files() if each.name == "n_shot"]
    examples = " ".join(text for _, text in prompt.messages[:-1]).lower()
    assert not {"aws", "amazon", "bucket", "lambda", "queue"}.intersection(examples.split())
    assert any("ignore what you were told" in text for _, text in prompt.messages)
