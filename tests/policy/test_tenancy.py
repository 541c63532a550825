"""A tenant owns the runs that carry its key, and no other; keys reveal no name."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from murmuration.policy.tenancy import owns, run_id, session_key, tenant_key, user_key


@given(st.text(), st.text(), st.text())
def test_only_the_tenant_itself_owns_its_runs(tenant: str, other: str, name: str) -> None:
    run = run_id(tenant, name)

    assert owns(tenant, run)
    assert owns(other, run) == (other == tenant)
    assert run_id(tenant, name) == run


def test_a_run_whose_id_only_begins_like_the_tenants_key_is_not_owned() -> None:
    assert not owns("contoso", tenant_key("contoso"))
    assert not owns("contoso", f"{tenant_key('contoso')}x-1")


def test_keys_reveal_no_name_and_have_their_lengths() -> None:
    keys = {
        tenant_key("contoso"): 16,
        user_key("contoso", "contoso"): 24,
        session_key("contoso", "contoso", "contoso"): 24,
        run_id("contoso", "contoso"): 16 + 1 + 32,
    }

    assert len(keys) == 4
    for key, length in keys.items():
        assert len(key) == length
        assert "contoso" not in key


def test_nobody_in_particular_and_no_conversation_have_no_key() -> None:
    assert user_key("contoso", "") == ""
    assert session_key("contoso", "ann", "") == ""
    assert session_key("contoso", "", "s") != "", "a conversation may belong to everybody"


def test_people_and_conversations_of_other_tenants_are_others() -> None:
    assert user_key("contoso", "ann") != user_key("fabrikam", "ann")
    assert user_key("contoso", "ann") != user_key("contoso", "bob")
    assert (
        len({session_key(*names) for names in (("t", "u", "s"), ("t", "u", "r"), ("t", "v", "s"), ("x", "u", "s"))})
        == 4
    )
    assert session_key("t", "ab", "c") != session_key("t", "a", "bc")


def test_keys_are_found_again_by_later_versions() -> None:
    """Keys are stored: another one for the same name would leave its data behind."""
    assert tenant_key("contoso") == hashlib.sha256(b"contoso").hexdigest()[:16]
    assert session_key("t", "u", "s") == hashlib.sha256(b"t\0u\0s").hexdigest()[:24]
