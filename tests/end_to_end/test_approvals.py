"""The local cloud gives the app what approvals need."""

from tests.end_to_end.conftest import Product


def test_the_approvers_door_is_open_on_the_local_cloud(product: Product) -> None:
    status, problem = product.call("GET", "/api/approvals/none")

    assert (status, problem["detail"]) == (403, "link: the link is incomplete or was altered")


def test_gates_of_no_run_are_none(product: Product) -> None:
    status, problem = product.call("GET", "/api/runs/none/gates")

    assert (status, problem["title"]) == (404, "Not found")
