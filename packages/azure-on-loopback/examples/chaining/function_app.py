"""Function chaining: each step takes what the step before it returned."""

import json
import unicodedata
from collections import Counter
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

MAX_CHARACTERS = 10_000
"""A limit, because each step's input and result stay in the history, which is read again at every step."""

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="chaining", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start a summary of `text`."""
    try:
        text = read_text(req)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = await client.start_new("summarise_text", client_input={"text": text})
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def summarise_text(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Take three steps in a row. After a crash, steps that are done are not done again."""
    request: Any = context.get_input()
    normal = yield context.call_activity("normalise", request["text"])
    counts = yield context.call_activity("count_words", normal)
    summary: str = yield context.call_activity("write_summary", counts)
    return summary


@app.activity_trigger(input_name="text")
def normalise(text: str) -> str:
    """Return the text's words in lower case, without punctuation, with one space between them."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(character if character.isalnum() else " " for character in folded).split())


@app.activity_trigger(input_name="text")
def count_words(text: str) -> dict[str, int]:
    """Count how often each word occurs."""
    return dict(Counter(text.split()))


# The Functions worker refuses a parameter annotated with a generic type such as `dict[str, int]`; `Any` it takes.
@app.activity_trigger(input_name="counts")
def write_summary(counts: Any) -> str:
    """Write one sentence. Among equally frequent words it names the first of the alphabet."""
    if not counts:
        return "No words."
    word, times = min(counts.items(), key=lambda item: (-item[1], item[0]))
    total = sum(counts.values())
    words = "1 word" if total == 1 else f"{total} words"
    return f'{words}, {len(counts)} different; the most frequent is "{word}" ({times}).'


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


def read_text(req: func.HttpRequest) -> str:
    """Return the body's `text`."""
    body = read_object(req)
    text = body.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_CHARACTERS:
        raise bad_field(body, "text", f"a string of 1 to {MAX_CHARACTERS} characters")
    return text


def read_object(req: func.HttpRequest) -> dict[str, Any]:
    """Return the body, which must be a JSON object."""
    try:
        body = req.get_json()
    except ValueError:
        body = req.get_body().decode(errors="replace")
    if not isinstance(body, dict):
        raise BadInput(f"The body must be a JSON object, but it is {quoted(body)}.")
    return body


def bad_field(body: dict[str, Any], field: str, wanted: str) -> BadInput:
    """Make the error for a field: one sentence that names and quotes it."""
    value = quoted(body[field]) if field in body else "missing"
    return BadInput(f'The field "{field}" must be {wanted}, but it is {value}.')


def quoted(value: Any) -> str:
    """Return the value as JSON, cut where it gets long."""
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
