"""all-MiniLM-L6-v2 on one CPU thread: texts in, unit vectors of 384 numbers out.

The model reads 256 word pieces of a text and no further
(https://www.sbert.net/docs/sentence_transformer/pretrained_models.html); the rest of a longer text
does not count. Its weights are stored as bytes and its arithmetic is 32-bit floats, so that vectors
agree between processors to the sixth digit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local.models.embedding_cache import EmbeddingCache
from local.models.files import EMBEDDING, TOKENIZER, model_file

NAME = "all-MiniLM-L6-v2"
DIMENSION = 384
WINDOW = 256
BATCH = 8
"""Texts per run: what a question waits for while documents are embedded, about a second."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's unit vector, as 32-bit floats in bytes, and its length in word pieces."""

    vector: bytes
    tokens: int


class EmbeddingModel:
    """The model, loaded at the first text that the cache does not know."""

    def __init__(self, cache: EmbeddingCache) -> None:
        self._cache = cache
        self._loading = threading.Lock()
        self._running = threading.Lock()
        self._bulk = threading.Lock()
        self._session: Any = None
        self._tokenizer: Any = None

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._session is not None

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """In the texts' order. Raises ModelMissingError."""
        known = self._cache.known(texts)
        unknown = sorted({text for text in texts if text not in known}, key=len)
        for batch in _batches(unknown):
            if len(texts) > 1:  # at most one long request queues up before a question
                with self._bulk:
                    made = self._run(batch)
            else:
                made = self._run(batch)
            self._cache.keep(made)
            known |= made
        return [known[text] for text in texts]

    def _run(self, texts: Sequence[str]) -> dict[str, Embedding]:
        import numpy

        self._load()
        encoded = self._tokenizer.encode_batch(list(texts))
        longest = max(min(len(each.ids), WINDOW) for each in encoded)
        ids = numpy.zeros((len(texts), longest), dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for row, each in enumerate(encoded):
            window = _window(each.ids)
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        with self._running:
            (states,) = self._session.run(["last_hidden_state"], feed)
        weights = mask[:, :, None].astype(numpy.float32)
        means = (states * weights).sum(axis=1) / weights.sum(axis=1)
        units = means / numpy.linalg.norm(means, axis=1, keepdims=True)
        return {
            text: Embedding(unit.astype(numpy.float32).tobytes(), len(each.ids))
            for text, unit, each in zip(texts, units, encoded, strict=True)
        }

    def _load(self) -> None:
        with self._loading:
            if self._session is not None:
                return
            import onnxruntime
            from tokenizers import Tokenizer

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self._tokenizer = Tokenizer.from_file(str(model_file(TOKENIZER)))
            self._tokenizer.no_padding()
            self._tokenizer.no_truncation()
            self._session = onnxruntime.InferenceSession(
                str(model_file(EMBEDDING)), options, providers=["CPUExecutionProvider"]
            )


def _window(ids: Sequence[int]) -> Sequence[int]:
    """The first word pieces, and the end mark as the model was trained with it."""
    return ids if len(ids) <= WINDOW else [*ids[: WINDOW - 1], ids[-1]]


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(texts), BATCH):
        yield texts[first : first + BATCH]
