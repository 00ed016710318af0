"""The models that play Bedrock's: one process on loopback, started at first use, one thread.

Embeddings by all-MiniLM-L6-v2, text by SmolLM2-135M-Instruct, and an answerer that quotes sentences
instead of writing any. What each is worth: docs/fidelity.md.
"""
