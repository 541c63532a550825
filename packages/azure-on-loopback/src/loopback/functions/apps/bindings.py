"""What an app may bind to on this host, and what to use instead of what it may not."""

from loopback.serving import CannotStart

TRIGGERS = {
    "httpTrigger",
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
    "timerTrigger",
    "queueTrigger",
    "blobTrigger",
    "eventGridTrigger",
}
BINDINGS = {"http", "durableClient"}
INSTEAD = {
    "queue": "send the message with azure-storage-queue inside of the function",
    "blob": "read and write blobs with azure-storage-blob or obstore inside of the function",
    "table": "use azure-data-tables inside of the function",
    "cosmosDB": "use azure-cosmos inside of the function",
    "eventGrid": "publish with azure-eventgrid inside of the function",
    "eventHub": "send with azure-eventhub inside of the function",
    "serviceBus": "send with azure-servicebus inside of the function",
    "signalR": "call the SignalR service's REST API inside of the function",
    "sendGrid": "call the mail service's API inside of the function",
    "serviceBusTrigger": "use a queueTrigger here, or call the same code from an HTTP function",
    "eventHubTrigger": "use an eventGridTrigger here, or call the same code from an HTTP function",
    "cosmosDBTrigger": "use an eventGridTrigger here, or call the same code from an HTTP function",
    "kafkaTrigger": "use a queueTrigger here, or call the same code from an HTTP function",
}


def check(function: str, kind: str, *, trigger: bool) -> None:
    """Raises `CannotStart` when `function` binds to what is not there; names it, and what to use."""
    if kind in (TRIGGERS if trigger else BINDINGS):
        return
    what = "trigger" if trigger else "binding"
    known = ", ".join(sorted(TRIGGERS if trigger else BINDINGS))
    instead = INSTEAD.get(kind, f"there are {known}")
    raise CannotStart(f"function {function!r}: the {what} {kind!r} is not available on this host; {instead}")
