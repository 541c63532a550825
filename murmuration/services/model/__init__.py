"""How models are asked: fallback chains, limits, embeddings, prices."""
