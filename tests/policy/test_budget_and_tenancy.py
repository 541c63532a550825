"""A run stops at its limits; a tenant owns what carries its key, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.goals import Budget
from contracts.usage import Usage
from policy.budget import passed_limit
from policy.tenancy import owns, run_id, tenant_key

BUDGET = Budget(tokens=1_000, model_calls=3, seconds=60)


@pytest.mark.parametrize(
    ("used", "seconds", "limit"),
    [
        (Usage(input_tokens=600, output_tokens=300, embedding_tokens=99), 59.0, None),
        (Usage(input_tokens=600, output_tokens=300, embedding_tokens=100), 0.0, "1000 of 1000 tokens"),
        (Usage(model_calls=2), 0.0, None),
        (Usage(model_calls=3), 0.0, "3 of 3 model calls"),
        (Usage(), 60.0, "60 of 60 seconds"),
    ],
)
def test_the_limit_that_is_reached_is_named(used: Usage, seconds: float, limit: str | None) -> None:
    reason = passed_limit(BUDGET, used, seconds)

    assert (reason is None) if limit is None else limit in (reason or "")


@given(st.text(), st.text(), st.text())
def test_only_the_tenant_itself_owns_its_runs(tenant: str, other: str, name: str) -> None:
    run = run_id(tenant, name)

    assert owns(tenant, run)
    assert owns(other, run) == (other == tenant)
    assert run_id(tenant, name) == run


def test_a_run_id_does_not_tell_who_the_tenant_is() -> None:
    assert "contoso" not in run_id("contoso", "contoso")
    assert len(tenant_key("contoso")) == 16
