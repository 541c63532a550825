"""A row and a file that don't fit stop the app at start, with a message that names both."""

import sys
from collections.abc import Callable
from pathlib import Path

import azure.durable_functions as df
import pytest

from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.contracts.steps import STEPS, Step
from murmuration.steps.functions import StepMisconfigured, check_step, steps_blueprint

Write = Callable[[str, str], None]
LOOKS = "async def look(request, *, histories):\n    return request\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file of the package `own_steps`."""
    package = tmp_path / "own_steps"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_steps", raising=False)

    def write(name: str, text: str) -> None:
        (package / f"{name}.py").write_text(text, encoding="utf-8")

    return write


def row(name: str, *, controls_runs: bool = False) -> Step[UnderWay, Cancelled]:
    return Step(
        name, UnderWay, Cancelled, attempts=1, timeout_seconds=1, package="own_steps", controls_runs=controls_runs
    )


def test_every_row_has_its_file_and_says_what_it_needs() -> None:
    assert len({step.name for step in STEPS}) == len(STEPS)
    for step in STEPS:
        check_step(step)


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("other", "", "step 'look' has no file: write own_steps/look.py"),
        ("look", "", "step 'look': own_steps/look.py has no `async def look`"),
        ("look", "async def Look(request): ...", "step 'look': own_steps/look.py has no `async def look`"),
        ("look", "def look(request): ...", "step 'look': own_steps/look.py has no `async def look`"),
        ("look", LOOKS, "own_steps/look.py takes histories, made from the Durable client: set controls_runs=True"),
        ("look", "async def look(", "step 'look': own_steps/look.py is no Python: '(' was never closed (line 1)"),
    ],
)
def test_a_row_that_does_not_fit_its_file_is_named_with_it(write: Write, file: str, text: str, problem: str) -> None:
    write(file, text)

    with pytest.raises(StepMisconfigured) as wrong:
        steps_blueprint([row("look")])

    assert problem in str(wrong.value)


def test_a_package_that_is_not_there_is_named(write: Write) -> None:
    step = Step("look", UnderWay, Cancelled, attempts=1, timeout_seconds=1, package="nowhere")

    with pytest.raises(StepMisconfigured, match="step 'look': 'nowhere' is no package: No module named 'nowhere'"):
        check_step(step)


def test_a_step_is_read_and_not_imported_and_the_durable_client_goes_where_the_row_says(write: Write) -> None:
    write("look", LOOKS)
    write("think", "raise SystemExit\nasync def think(request, model): ...")

    app = df.DFApp()
    app.register_functions(steps_blueprint([row("look", controls_runs=True), row("think")]))

    bindings = {
        function.get_function_name(): [binding.type for binding in function.get_bindings()]
        for function in app.get_functions()
    }
    assert bindings == {"look": ["durableClient", "activityTrigger"], "think": ["activityTrigger"]}
