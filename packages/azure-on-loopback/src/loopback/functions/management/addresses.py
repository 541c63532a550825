"""The URLs under which an instance is managed."""

import json
from urllib.parse import quote

from loopback.functions.http.keys import Keys

WEBHOOKS = "/runtime/webhooks/durabletask"
RPC = "/durabletask"


class Addresses:
    """`origin` is the host's own address, known once it listens."""

    def __init__(self, hub: str, keys: Keys) -> None:
        self.origin = ""
        key = keys.system("durabletask_extension")
        self._hub = hub
        self._code = f"code={key}" if key else ""
        self.rpc = f"{RPC}/{key}" if key else RPC
        """Where the SDK's client calls: it can send no key but in the path."""

    def of(self, instance: str, *, origin: str | None = None) -> dict[str, str]:
        """All URLs of an instance, by the extension's names."""
        one = f"{origin or self.origin}{WEBHOOKS}/instances/{quote(instance, safe='')}"
        suffix = "&".join(filter(None, (f"taskHub={self._hub}", "connection=Storage", self._code)))
        return {
            "id": instance,
            "statusQueryGetUri": f"{one}?{suffix}",
            "sendEventPostUri": f"{one}/raiseEvent/{{eventName}}?{suffix}",
            "terminatePostUri": f"{one}/terminate?reason={{text}}&{suffix}",
            "rewindPostUri": f"{one}/rewind?reason={{text}}&{suffix}",
            "purgeHistoryDeleteUri": f"{one}?{suffix}",
            "restartPostUri": f"{one}/restart?{suffix}",
            "suspendPostUri": f"{one}/suspend?reason={{text}}&{suffix}",
            "resumePostUri": f"{one}/resume?reason={{text}}&{suffix}",
        }

    def client_binding(self) -> str:
        """The JSON of a durableClient binding."""
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
