"""Pages for approvers: HTML without scripts, with everything that comes from elsewhere escaped."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

import azure.functions as func

from murmuration.contracts.approvals import MAX_COMMENT_CHARACTERS, ApprovalRequest, Choice

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid; border-radius: .3rem; padding: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
textarea { font: inherit; width: 100%; box-sizing: border-box; }
button { font: inherit; padding: .5rem 1rem; margin: .5rem .5rem 0 0; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""The URL holds the signed link, so it must not be cached, framed, indexed or passed on to other sites."""

BUTTONS: Mapping[Choice, str] = {"approve": "Approve", "revise": "Ask for a revision", "reject": "Reject"}


def wants_page(request: func.HttpRequest) -> bool:
    """Whether the request comes from a browser."""
    return "text/html" in request.headers.get("Accept", "").lower()


def decision_page(request: ApprovalRequest, facts: Mapping[str, str], text: str) -> func.HttpResponse:
    """Show the content to approve, what helps to decide, and a form that posts to the page's own URL."""
    background = f"\n<h2>Background</h2>\n<pre>{escape(request.details)}</pre>" if request.details else ""
    content = f"{_facts(facts)}\n<h2>To approve</h2>\n<pre>{escape(text)}</pre>{background}"
    return _page(200, request.title, f"{content}{_form(request)}")


def _form(request: ApprovalRequest) -> str:
    """Make the form with a button for each choice that is offered."""
    hint = " (for a revision: say what to change)" if request.may_revise else ""
    buttons = "\n".join(
        f'<button name="decision" value="{choice}">{label}</button>'
        for choice, label in BUTTONS.items()
        if choice in request.choices
    )
    return f"""
<form method="post" accept-charset="utf-8">
<p><label for="comment">Comment{hint}</label>
<textarea id="comment" name="comment" rows="4" maxlength="{MAX_COMMENT_CHARACTERS}"></textarea></p>
<p>{buttons}</p>
</form>"""


def message_page(status: int, title: str, text: str) -> func.HttpResponse:
    """Show a message alone: what became of an answer, or why there is nothing to decide."""
    return _page(status, title, f"<p>{escape(text)}</p>")


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f"<dl>{rows}</dl>"


def _page(status: int, title: str, body: str) -> func.HttpResponse:
    heading = escape(title)
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head>\n<body><main><h1>{heading}</h1>\n{body}\n</main></body></html>\n"
    )
    return func.HttpResponse(page, status_code=status, mimetype="text/html", charset="utf-8")
