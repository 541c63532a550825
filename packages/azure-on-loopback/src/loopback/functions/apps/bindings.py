"""The triggers and bindings of this host, and what to use in place of those that it does not have."""

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
    "queue": "send the message with azure-storage-queue in the function",
    "blob": "read and write blobs with azure-storage-blob or obstore in the function",
    "table": "use azure-data-tables in the function",
    "cosmosDB": "use azure-cosmos in the function",
    "eventGrid": "publish with azure-eventgrid in the function",
    "eventHub": "send with azure-eventhub in the function",
    "serviceBus": "send with azure-servicebus in the function",
    "signalR": "call the SignalR service's REST API in the function",
    "sendGrid": "call the mail service's API in the function",
    "serviceBusTrigger": "use a queueTrigger here, or call the same code from an HTTP function",
    "eventHubTrigger": "use an eventGridTrigger here, or call the same code from an HTTP function",
    "cosmosDBTrigger": "use an eventGridTrigger here, or call the same code from an HTTP function",
    "kafkaTrigger": "use a queueTrigger here, or call the same code from an HTTP function",
}


def check(function: str, kind: str, *, trigger: bool) -> None:
    """Raise `CannotStart` if the host lacks this trigger or binding; the message says what to use instead."""
    available = TRIGGERS if trigger else BINDINGS
    if kind in available:
        return
    noun = "trigger" if trigger else "binding"
    instead = INSTEAD.get(kind, f"there are {', '.join(sorted(available))}")
    raise CannotStart(f"function {function!r}: the {noun} {kind!r} is not available on this host; {instead}")
