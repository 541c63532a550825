"""Language models and embeddings: questions, fallbacks, limits and prices."""
