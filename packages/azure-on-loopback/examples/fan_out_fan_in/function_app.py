"""Fan-out, fan-in: one activity for each text, all at once; then one that merges their results."""

import json
import unicodedata
from collections import Counter
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

MAX_TEXTS = 50
MAX_CHARACTERS = 10_000
"""A limit, because each text and its counts stay in the history, which is read again when an activity has ended."""
MAX_TOP = 100

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="fan_out_fan_in", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start counting the words of `texts`."""
    try:
        request = read_request(req)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = await client.start_new("word_frequencies", client_input=request)
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def word_frequencies(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Count the words of all texts at once, and merge the counts.

    The results have the order of the texts, whichever activity ends first.

    `task_all` raises at the first failure and drops the other results. Counting can't fail, so that is fine here;
    the app `sub_orchestrations` shows what to do where a part may fail.
    """
    request: Any = context.get_input()
    parts = yield context.task_all([context.call_activity("count_words", text) for text in request["texts"]])
    merged: dict[str, Any] = yield context.call_activity("merge", {"parts": parts, "top": request["top"]})
    return merged


@app.activity_trigger(input_name="text")
def count_words(text: str) -> dict[str, int]:
    """Count the words of one text, without regard to case and punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return dict(Counter("".join(character if character.isalnum() else " " for character in folded).split()))


# The Functions worker refuses a parameter annotated with a generic type such as `dict[str, Any]`; `Any` it takes.
@app.activity_trigger(input_name="counted")
def merge(counted: Any) -> dict[str, Any]:
    """Add up all counts; the most frequent word comes first, equally frequent ones by the alphabet."""
    counts: Counter[str] = Counter()
    for part in counted["parts"]:
        counts.update(part)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {
        "texts": len(counted["parts"]),
        "words": counts.total(),
        "different": len(counts),
        "top": [{"word": word, "count": count} for word, count in ranked[: counted["top"]]],
    }


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


def read_request(req: func.HttpRequest) -> dict[str, Any]:
    """Return the orchestrator's input: `texts`, and the number of words to report (`top`)."""
    body = read_object(req)
    texts = body.get("texts")
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
        raise bad_field(body, "texts", f"a list of 1 to {MAX_TEXTS} strings")
    for number, text in enumerate(texts):
        if not isinstance(text, str) or len(text) > MAX_CHARACTERS:
            raise bad_field(
                {f"texts[{number}]": text}, f"texts[{number}]", f"a string of at most {MAX_CHARACTERS} characters"
            )
    top = body.get("top", 10)
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MAX_TOP:
        raise bad_field(body, "top", f"a whole number from 1 to {MAX_TOP}")
    return {"texts": texts, "top": top}


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
