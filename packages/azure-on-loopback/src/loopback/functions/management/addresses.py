"""The URLs under which instances are managed, and the client binding that holds them."""

import json
from urllib.parse import quote

from loopback.functions.http.keys import Keys

WEBHOOKS = "/runtime/webhooks/durabletask"
RPC = "/durabletask"


class Addresses:
    """The URLs of a host. `origin` is its own address, which it knows once it listens."""

    def __init__(self, hub: str, keys: Keys) -> None:
        self.origin = ""
        key = keys.system("durabletask_extension")
        self._hub = hub
        self._code = f"code={key}" if key else ""
        self.rpc = f"{RPC}/{key}" if key else RPC
        """The base of the SDK client's calls. The client can send a key only in the path."""

    def of(self, instance: str, *, origin: str | None = None) -> dict[str, str]:
        """Return all URLs of an instance, by the extension's names."""
        base = f"{origin or self.origin}{WEBHOOKS}/instances/{quote(instance, safe='')}"
        suffix = "&".join(filter(None, (f"taskHub={self._hub}", "connection=Storage", self._code)))
        return {
            "id": instance,
            "statusQueryGetUri": f"{base}?{suffix}",
            "sendEventPostUri": f"{base}/raiseEvent/{{eventName}}?{suffix}",
            "terminatePostUri": f"{base}/terminate?reason={{text}}&{suffix}",
            "rewindPostUri": f"{base}/rewind?reason={{text}}&{suffix}",
            "purgeHistoryDeleteUri": f"{base}?{suffix}",
            "restartPostUri": f"{base}/restart?{suffix}",
            "suspendPostUri": f"{base}/suspend?reason={{text}}&{suffix}",
            "resumePostUri": f"{base}/resume?reason={{text}}&{suffix}",
        }

    def client_binding(self) -> str:
        """Return the JSON of a durableClient binding."""
        base = f"{self.origin}{WEBHOOKS}"
        create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
        return json.dumps(
            {
                "taskHubName": self._hub,
                "creationUrls": {
                    "createNewInstancePostUri": f"{create}?{self._code}",
                    "createAndWaitOnNewInstancePostUri": f"{create}?timeout={{timeoutInSeconds}}"
                    f"&pollingInterval={{intervalInSeconds}}&{self._code}",
                },
                "managementUrls": self.of("INSTANCEID"),
                "baseUrl": base,
                "requiredQueryStringParameters": self._code,
                "rpcBaseUrl": f"{self.origin}{self.rpc}/",
            }
        )
