"""Vectors of the benchmark's texts, made once and kept in .cache/bench/rag.

`python -m bench.rag_vectors 100000` makes them, block by block, and goes on where it was stopped.
Every block is a file; a set of vectors is used only when all its blocks are there. The model is
MiniLM in the faster form that `bench.rag_requantise` makes of the wheel's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.rag_texts import texts
from bench.worker_install import FOLDER, python_packages
from local.models.embedding import DIMENSION, WINDOW
from local.models.files import EMBEDDING, TOKENIZER, model_file

QUERIES = 300
"""Held out of the index: texts that are looked for."""
BLOCK = 2_000
BATCH = 16
RAG = FOLDER / "rag"
MODEL = RAG / "minilm-fast.onnx"
REQUANTISER = ["onnx==1.23.2", "onnxruntime==1.32.0"]
NICE = 15


class VectorsMissingError(RuntimeError):
    """Vectors are not there; the message says how they are made."""


def vectors(count: int) -> tuple[Any, Any]:
    """`count` vectors to index and those of the queries. Raises VectorsMissingError."""
    chosen = texts(count + QUERIES)
    files = [_file(block) for block in _blocks(chosen)]
    if missing := sum(not file.is_file() for file in files):
        raise VectorsMissingError(
            f"{missing} of {len(files)} blocks of vectors are missing; run: "
            f"python -m bench.rag_vectors {count}"
        )
    found = np.concatenate([np.load(file) for file in files])
    return found[QUERIES:], found[:QUERIES]


def make(count: int) -> None:
    """Make what is missing, and say how far it is."""
    chosen = texts(count + QUERIES)
    todo = [block for block in _blocks(chosen) if not _file(block).is_file()]
    if not todo:
        return
    embed = _Fast()
    started = time.monotonic()
    for done, block in enumerate(todo, start=1):
        made = embed(block)
        file = _file(block)
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, made)
        unfinished.replace(file)
        rate = done * BLOCK / (time.monotonic() - started)
        print(f"{done} of {len(todo)} blocks, {rate:.0f} texts/s", file=sys.stderr, flush=True)


def _blocks(chosen: Sequence[str]) -> list[Sequence[str]]:
    return [chosen[first : first + BLOCK] for first in range(0, len(chosen), BLOCK)]


def _file(block: Sequence[str]) -> Path:
    return RAG / f"{hashlib.sha256(chr(0).join(block).encode()).hexdigest()[:24]}.npy"


class _Fast:
    """The re-quantised model on one thread."""

    def __init__(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        if not MODEL.is_file():
            _requantise()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(MODEL), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(model_file(TOKENIZER)))
        self._tokenizer.enable_truncation(WINDOW)
        self._tokenizer.no_padding()

    def __call__(self, chosen: Sequence[str]) -> Any:
        encoded = [each.ids for each in self._tokenizer.encode_batch(list(chosen))]
        order = sorted(range(len(chosen)), key=lambda at: len(encoded[at]))
        made = np.zeros((len(chosen), DIMENSION), dtype=np.float32)
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            made[rows] = self._run([encoded[row] for row in rows])
        return made

    def _run(self, encoded: Sequence[Sequence[int]]) -> Any:
        ids = np.zeros((len(encoded), max(map(len, encoded))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, each in enumerate(encoded):
            ids[row, : len(each)] = each
            mask[row, : len(each)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(["last_hidden_state"], feed)
        weights = mask[:, :, None].astype(np.float32)
        means = (states * weights).sum(axis=1) / weights.sum(axis=1)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def _requantise() -> None:
    interpreter = python_packages("requantise", REQUANTISER)
    RAG.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("rag_requantise.py")
    unfinished = MODEL.with_suffix(".part")
    command = [str(interpreter), str(script), str(model_file(EMBEDDING)), str(unfinished)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    unfinished.replace(MODEL)


if __name__ == "__main__":
    os.nice(NICE)
    make(int(sys.argv[1].replace(",", "").replace("_", "")))
