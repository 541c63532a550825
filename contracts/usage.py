"""What a run has used."""

from contracts.base import Contract


class Usage(Contract):
    """Counts add up; a step that failed reports what it used before it failed."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    embedding_tokens: int = 0

    @property
    def tokens(self) -> int:
        """All tokens: input, output and embedding."""
        return self.input_tokens + self.output_tokens + self.embedding_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            model_calls=self.model_calls + other.model_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            embedding_tokens=self.embedding_tokens + other.embedding_tokens,
        )
