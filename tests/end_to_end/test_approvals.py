"""The local cloud gives the app what approvals need."""

from tests.end_to_end.conftest import Product


def test_the_local_cloud_can_check_links_of_approvers(product: Product) -> None:
    status, problem = product.call("GET", "/api/approvals/none")

    assert (status, problem["detail"]) == (403, "link: the link is incomplete or was altered")


def test_gates_of_an_unknown_run_are_not_found(product: Product) -> None:
    status, problem = product.call("GET", "/api/runs/none/gates")

    assert (status, problem["title"]) == (404, "Not found")
