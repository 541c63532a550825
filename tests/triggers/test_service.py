"""`/api/health` and `/api/schemas` need no key, and every other route of the app needs one."""

import pytest

from tests.triggers.api import Api, routes

pytestmark = pytest.mark.anyio


def test_only_these_routes_need_no_key() -> None:
    levels = {f"{method} {route.pattern.pattern}": route.auth_level for route in routes() for method in route.methods}

    without_key = {name for name, level in levels.items() if level == "ANONYMOUS"}
    assert without_key == {
        "GET /api/health",
        "GET /api/schemas",
        "GET /api/schemas/(?P<name>[^/]+)",
        "GET /api/approvals/(?P<link>[^/]+)",
        "POST /api/approvals/(?P<link>[^/]+)",
    }
    assert {name for name, level in levels.items() if level == "ADMIN"} == {"GET /api/runs/(?P<id>[^/]+)/gates"}
    assert set(levels.values()) == {"ANONYMOUS", "FUNCTION", "ADMIN"}


async def test_a_configured_app_is_healthy(api: Api) -> None:
    answer = await api("GET", "/api/health")

    assert (answer.status, answer.body["status"]) == (200, "ok")


async def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch, api: Api) -> None:
    environment.delenv("AZURE_SEARCH_ENDPOINT")

    answer = await api("GET", "/api/health")

    assert (answer.status, answer.body["title"]) == (503, "Not configured")
    assert "AZURE_SEARCH_ENDPOINT" in answer.body["detail"]


async def test_a_schema_of_a_body_allows_no_other_field_and_one_of_an_answer_does(api: Api) -> None:
    published = (await api("GET", "/api/schemas")).body

    assert published["schemas"]["GoalRequest"]["additionalProperties"] is False
    assert published["schemas"]["GoalRequest"]["$defs"]["Options"]["additionalProperties"] is False
    assert "additionalProperties" not in published["schemas"]["Outcome"]
    assert published["steps"]["plan_goal"].keys() == {"takes", "returns"}
    assert (await api("GET", "/api/schemas/Receipt")).body == published["schemas"]["Receipt"]


async def test_an_unknown_schema_is_not_found(api: Api) -> None:
    answer = await api("GET", "/api/schemas/Nothing")

    assert answer.status == 404
    assert "there is no schema 'Nothing'; there are GoalRequest, " in answer.body["detail"]
