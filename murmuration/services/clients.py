"""Makes every client of the outside: connections are opened when they are first used, and shared by all steps."""

# The SDKs take a second to load, so each function imports the ones that it needs: a cold start loads none of them.

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from murmuration.services.search.index import CATALOG, KNOWLEDGE, MEMORY, Index, index_name
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import ArtifactStore

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient
    from azure.search.documents.aio import SearchClient
    from azure.search.documents.indexes import SearchIndexClient
    from openai import AsyncOpenAI

    from murmuration.services.model.openai_model import ModelClients, OpenAIModel
    from murmuration.services.setting_values import Endpoint
    from murmuration.services.settings import Settings

ENTRA_SCOPE = "https://cognitiveservices.azure.com/.default"
MODEL_TIMEOUT_SECONDS = 100.0
"""For one question, with all waiting and all deployments of its chain. It is less than a step's timeout, so that a slow
model is not mistaken for a broken step."""

CONNECT_SECONDS = 5.0
"""Short, because a region that is down often does not even refuse a connection."""


class Clients:
    """The clients of one process; they belong to its one event loop."""

    def __init__(self, settings: "Settings", model_seconds: float = MODEL_TIMEOUT_SECONDS) -> None:
        self._settings = settings
        self._model_seconds = model_seconds
        self._opened: list[Any] = []

    async def close(self) -> None:
        """Close every connection, on the loop that has used them."""
        for client in self._opened:
            await client.close()

    @property
    def settings(self) -> "Settings":
        return self._settings

    @cached_property
    def store(self) -> ArtifactStore:
        return artifact_store(self._settings.artifacts_url)

    @cached_property
    def knowledge(self) -> Index:
        return self._index(KNOWLEDGE)

    @cached_property
    def memory(self) -> Index:
        return self._index(MEMORY)

    @cached_property
    def catalog(self) -> Index:
        return self._index(CATALOG)

    def model(self, step_context: StepContext) -> "OpenAIModel":
        from murmuration.services.model.openai_model import OpenAIModel

        return OpenAIModel(self._model_clients, self._settings, step_context)

    @cached_property
    def _model_clients(self) -> "ModelClients":
        from murmuration.services.model.embeddings import EmbeddingBatcher, embedding_request
        from murmuration.services.model.fallback import Deployment
        from murmuration.services.model.openai_model import ModelClients

        settings = self._settings
        deployments = {
            deployment.label: deployment for chain in settings.chains.values() for deployment in chain.deployments
        }
        endpoints = {settings.embedding, *(deployment.endpoint for deployment in deployments.values())}
        seconds = self._model_seconds
        connections = {endpoint: _openai_client(endpoint, seconds) for endpoint in endpoints}
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
        from murmuration.services.search.azure_search import AzureSearchIndex

        name = index_name(kind, self._settings.embedding_model, self._settings.embedding_dimensions)
        client = search_client(self._settings, name)
        self._opened.append(client)
        return AzureSearchIndex(client, self._settings.search_vector_weight)


def artifact_store(url: str) -> ArtifactStore:
    """Open the object store at a `file://` or `az://` URL."""
    from obstore.store import from_url

    from murmuration.services.storage.obstore_artifacts import ObstoreArtifacts

    if url.startswith("file:"):
        return ObstoreArtifacts(from_url(url, mkdir=True))
    from azure.identity import DefaultAzureCredential
    from obstore.auth.azure import AzureCredentialProvider

    return ObstoreArtifacts(from_url(url, credential_provider=AzureCredentialProvider(DefaultAzureCredential())))


def search_client(settings: "Settings", index: str) -> "SearchClient":
    """Return the client of one index, by its name."""
    from azure.search.documents.aio import SearchClient

    return SearchClient(settings.search.url, index, _search_credential(settings.search, asynchronous=True))


def search_index_client(settings: "Settings") -> "SearchIndexClient":
    """Return the client that manages indexes. It is synchronous: only commands use it."""
    from azure.search.documents.indexes import SearchIndexClient

    return SearchIndexClient(settings.search.url, _search_credential(settings.search))


@contextmanager
def secret_client(vault_url: str) -> Iterator["SecretClient"]:
    """Open a Key Vault with the app's managed identity, or your login."""
    from azure.identity import DefaultAzureCredential
    from azure.keyvault.secrets import SecretClient

    with DefaultAzureCredential() as credential, SecretClient(vault_url, credential) as client:
        yield client


def _search_credential(endpoint: "Endpoint", *, asynchronous: bool = False) -> Any:
    """Return the key of the settings; without one, the credential of this process (managed identity, az login)."""
    if endpoint.key is not None:
        from azure.core.credentials import AzureKeyCredential

        return AzureKeyCredential(endpoint.key.get_secret_value())
    if asynchronous:
        from azure.identity.aio import DefaultAzureCredential as AsyncCredential

        return AsyncCredential()
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _openai_client(endpoint: "Endpoint", seconds: float) -> "AsyncOpenAI":
    from openai import AsyncOpenAI, Timeout

    if endpoint.key is not None:
        key: Any = endpoint.key.get_secret_value()
    else:
        from azure.identity.aio import DefaultAzureCredential, get_bearer_token_provider

        key = get_bearer_token_provider(DefaultAzureCredential(), ENTRA_SCOPE)
    timeout = Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
    return AsyncOpenAI(base_url=endpoint.url, api_key=key, max_retries=0, timeout=timeout)
