"""Usage of models: calls and tokens."""

from murmuration.contracts.base import Contract


class Tokens(Contract):
    """Token counts of one model; they add up."""

    input: int = 0
    cached_input: int = 0
    """The part of `input` that the provider had cached, and charges less for."""
    output: int = 0
    embedding: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            input=self.input + other.input,
            cached_input=self.cached_input + other.cached_input,
            output=self.output + other.output,
            embedding=self.embedding + other.embedding,
        )


class Usage(Contract):
    """Counts of all models; they add up. A step that failed reports what it used before."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    by_model: dict[str, Tokens] = {}
    """The same tokens by model, under the name that the settings and the prices give it."""

    @property
    def tokens(self) -> int:
        """The sum of input, output and embedding tokens."""
        return self.input_tokens + self.output_tokens + self.embedding_tokens

    def __add__(self, other: "Usage") -> "Usage":
        if self is NOTHING:
            return other
        models = dict(self.by_model)
        for model, tokens in other.by_model.items():
            models[model] = models[model] + tokens if model in models else tokens
        return Usage(
            model_calls=self.model_calls + other.model_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            embedding_tokens=self.embedding_tokens + other.embedding_tokens,
            by_model=dict(sorted(models.items())),
        )


NOTHING = Usage()


def used(model: str, tokens: Tokens, *, calls: int = 0) -> Usage:
    """Make the usage of some calls of one model."""
    return Usage(
        model_calls=calls,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        embedding_tokens=tokens.embedding,
        by_model={model: tokens},
    )
