"""The clients of one process, made when they are first used, and what one step gets of them."""

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from murmuration.services.current import current_settings
from murmuration.services.model.embeddings import EmbeddingBatcher, embedding_request
from murmuration.services.model.fallback import Deployment
from murmuration.services.model.model import ModelClients, OpenAIModel
from murmuration.services.search.indexes import CATALOG, KNOWLEDGE, MEMORY, index_name
from murmuration.services.search.store import Index, SearchIndexStore
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import ArtifactStore

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from murmuration.services.setting_values import Endpoint
    from murmuration.services.settings import Settings

ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"
MODEL_TIMEOUT_SECONDS = 100.0
"""For a question, waiting and all links of its chain included: less than a step's timeout, so that a slow model is told
apart from a broken step."""

CONNECT_SECONDS = 5.0
"""A region that is gone often does not even refuse."""


class Clients:
    """Connections are shared by all steps of the process; they belong to its one event loop."""

    def __init__(self, settings: "Settings", model_seconds: float = MODEL_TIMEOUT_SECONDS) -> None:
        self._settings = settings
        self._model_seconds = model_seconds
        self._opened: list[Any] = []

    async def close(self) -> None:
        """Close every connection, on the loop that has used them."""
        for each in self._opened:
            await each.close()

    @property
    def settings(self) -> "Settings":
        return self._settings

    @cached_property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self._settings.artifacts_url)

    @cached_property
    def knowledge(self) -> Index:
        return self._index(KNOWLEDGE)

    @cached_property
    def memory(self) -> Index:
        return self._index(MEMORY)

    @cached_property
    def catalog(self) -> Index:
        return self._index(CATALOG)

    def model(self, step_context: StepContext) -> OpenAIModel:
        return OpenAIModel(self._model_clients, self._settings, step_context)

    @cached_property
    def _model_clients(self) -> ModelClients:
        settings = self._settings
        deployments = {
            deployment.label: deployment for chain in settings.chains.values() for deployment in chain.deployments
        }
        endpoints = {settings.embedding, *(deployment.endpoint for deployment in deployments.values())}
        seconds = self._model_seconds
        connections = {endpoint: _openai(endpoint, seconds) for endpoint in endpoints}
        self._opened += connections.values()
        embedding = Deployment(settings.embedding_model, settings.embedding_model, connections[settings.embedding])
        request = embedding_request(embedding, settings.embedding_dimensions, seconds)
        return ModelClients(
            {
                label: Deployment(label, deployment.name, connections[deployment.endpoint])
                for label, deployment in deployments.items()
            },
            EmbeddingBatcher(request),
            seconds,
        )

    def _index(self, kind: str) -> Index:
        from azure.search.documents.aio import SearchClient

        endpoint = self._settings.search
        name = index_name(kind, self._settings.embedding_model, self._settings.embedding_dimensions)
        client = SearchClient(endpoint.url, name, search_credential(endpoint, asynchronous=True))
        self._opened.append(client)
        return SearchIndexStore(client, self._settings.search_vector_weight)


@cache
def current_clients() -> Clients:
    """The clients of this process."""
    return Clients(current_settings())


def search_credential(endpoint: "Endpoint", *, asynchronous: bool = False) -> Any:
    """A key if the settings have one, otherwise whoever this process is (managed identity, az login)."""
    if endpoint.key is not None:
        from azure.core.credentials import AzureKeyCredential

        return AzureKeyCredential(endpoint.key.get_secret_value())
    if asynchronous:
        from azure.identity.aio import DefaultAzureCredential as AsyncCredential

        return AsyncCredential()
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _openai(endpoint: "Endpoint", seconds: float) -> "AsyncOpenAI":
    from openai import AsyncOpenAI, Timeout

    if endpoint.key is not None:
        key: Any = endpoint.key.get_secret_value()
    else:
        from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider

        key = get_bearer_token_provider(DefaultAzureCredential(), ENTRA_SCOPE)
    timeout = Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
    return AsyncOpenAI(base_url=endpoint.url, api_key=key, max_retries=0, timeout=timeout)
