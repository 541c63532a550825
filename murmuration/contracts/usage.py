"""What a run has used."""

from murmuration.contracts.base import Contract


class Tokens(Contract):
    """Counts of one model; they add up."""

    input: int = 0
    cached_input: int = 0
    """Of `input`: what the provider had seen before, and charges less for."""
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
    """Counts add up; a step that failed reports what it used before it failed."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0
    by_model: dict[str, Tokens] = {}
    """The same tokens by the name under which the settings, and the frozen prices, know the model."""

    @property
    def tokens(self) -> int:
        """All tokens: input, output and embedding."""
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
    """What some calls of one model took."""
    return Usage(
        model_calls=calls,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        embedding_tokens=tokens.embedding,
        by_model={model: tokens},
    )
