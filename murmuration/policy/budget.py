"""The budget of a run: what it may use, what it has used, and what is reserved for steps that are under way."""

from contextlib import suppress

from murmuration.contracts.goals import Budget
from murmuration.contracts.prices import Cost, PriceTable
from murmuration.contracts.usage import NOTHING, Usage
from murmuration.policy.prices import TOKENS_PRICED, UnknownModel, cost

NEARLY_SPENT = 0.8
"""The used share of a limit from which on a run should save."""
MICRO_DOLLARS = 1_000_000


class BudgetTracker:
    """The budget of one run. A step's estimate is reserved before it is scheduled, and settled with what it used.

    So steps that run side by side can't spend the same rest twice: a run exceeds a limit by no more than its running
    steps use beyond their estimates.
    """

    def __init__(self, budget: Budget, prices: PriceTable | None) -> None:
        self.tokens = 0
        self.model_calls = 0
        self._budget = budget
        self._prices = prices
        self._times = 1
        self._reserved = 0
        self._reserved_calls = 0
        self._by_agent: dict[str, list[Usage]] = {}
        self._usage = NOTHING
        self._not_in_usage: list[Usage] = []

    def reserve(self, tokens: int) -> None:
        """Reserve the estimate of a step before it is scheduled; 0: it calls no model."""
        self._reserved += tokens
        self._reserved_calls += tokens > 0

    def settle(self, tokens: int, used: Usage, agent: str) -> None:
        """Free the reservation of `tokens`, and charge what the step used instead."""
        self._reserved -= tokens
        self._reserved_calls -= tokens > 0
        self.tokens += used.tokens
        self.model_calls += used.model_calls
        self._by_agent.setdefault(agent, []).append(used)
        self._not_in_usage.append(used)

    @property
    def usage(self) -> Usage:
        """Everything that was charged, by model. It is added up on demand: every replay charges all steps again."""
        self._usage = sum(self._not_in_usage, start=self._usage)
        self._not_in_usage.clear()
        return self._usage

    def extend(self) -> None:
        """Allow the original budget once more."""
        self._times += 1

    def reached(self, seconds: float) -> str | None:
        """Say which limit leaves no room for another step after `seconds`; None while there is room."""
        budget, times = self._budget, self._times
        if self.tokens + self._reserved >= budget.tokens * times:
            return f"{self.tokens} of {budget.tokens * times} tokens are used{self._under_way()}"
        if self.model_calls + self._reserved_calls >= budget.model_calls * times:
            return f"{self.model_calls} of {budget.model_calls * times} model calls are used{self._under_way()}"
        if seconds >= budget.seconds * times:
            return f"{seconds:.0f} of {budget.seconds * times} seconds are used"
        return self._money_reached()

    def _under_way(self) -> str:
        return f", about {self._reserved} tokens in {self._reserved_calls} calls under way" if self._reserved else ""

    def _money_reached(self) -> str | None:
        if self._budget.usd is None or self._prices is None:
            return None
        limit = self._budget.usd * self._times
        try:
            spent = self._spent(self._prices)
        except UnknownModel as problem:
            return f"{problem}: what has been spent of {limit:g} USD is not known"
        dearest = max((price.input for price in self._prices.models.values()), default=0)
        reserved = self._reserved * dearest / TOKENS_PRICED
        if spent + reserved >= limit * MICRO_DOLLARS:
            return f"{spent / MICRO_DOLLARS:.4f} of {limit:g} USD are spent{self._under_way()}"
        return None

    @property
    def nearly_spent(self) -> bool:
        """Whether tokens, calls or money are running out."""
        budget, times = self._budget, self._times
        shares = [self.tokens / budget.tokens / times, self.model_calls / budget.model_calls / times]
        if budget.usd is not None and self._prices is not None:
            with suppress(UnknownModel):
                shares.append(self._spent(self._prices) / MICRO_DOLLARS / budget.usd / times)
        return max(shares) >= NEARLY_SPENT

    def _spent(self, prices: PriceTable) -> int:
        """Micro-dollars; raises `UnknownModel`."""
        return cost(self.usage.by_model, prices)

    @property
    def cost(self) -> Cost | None:
        """The cost so far; None when the price of a model is not known."""
        if self._prices is None:
            return None
        try:
            return Cost(
                micro_dollars=self._spent(self._prices),
                by_agent={
                    agent: cost(sum(used, start=NOTHING).by_model, self._prices)
                    for agent, used in sorted(self._by_agent.items())
                },
                prices_of=self._prices.date,
            )
        except UnknownModel:
            return None
