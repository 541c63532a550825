"""Settings with which an app finds the servers on loopback."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from loopback.serving import HOST, CannotStart

SEARCH_KEY = "local"
SKILLS = "murmuration.offline.skills"
"""The module with which the offline model plays our agents."""
EMBEDDING_MODEL = "local-hash"
VECTOR_WEIGHTS = {EMBEDDING_MODEL: "0.01", "all-minilm-l6-v2": "1"}
"""Best weight of each local embedding model, as measured in docs/benchmarks.md."""


def local_settings(given: Mapping[str, str], data: Path, search_port: int, model_port: int) -> dict[str, str]:
    """Return settings for the servers on these ports; a server that `given` settings name is not replaced."""
    settings = {"ARTIFACTS_URL": (data.resolve() / "artifacts").as_uri()}
    if "AZURE_SEARCH_ENDPOINT" not in given:
        settings |= {"AZURE_SEARCH_ENDPOINT": f"http://{HOST}:{search_port}", "AZURE_SEARCH_API_KEY": SEARCH_KEY}
    if "MODEL_BASE_URL" not in given:
        embeddings = given.get("EMBEDDING_MODEL", EMBEDDING_MODEL)
        settings |= {
            "MODEL_BASE_URL": f"http://{HOST}:{model_port}/v1/",
            "MODEL_API_KEY": "local",
            "MODEL_STANDARD": "offline",
            "EMBEDDING_MODEL": embeddings,
            "EMBEDDING_DIMENSIONS": "384",
        }
        if embeddings in VECTOR_WEIGHTS:
            settings["SEARCH_VECTOR_WEIGHT"] = VECTOR_WEIGHTS[embeddings]
    return settings


def approval_secret(data: Path) -> str:
    """Return the secret in `data`, made once so that links in mails outlive a restart; raises `CannotStart`."""
    path = data / "approval-secret"
    try:
        path.touch(mode=0o600)
        if not path.read_text(encoding="utf-8"):
            path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"cannot keep the secret in {str(path)!r}: {error.strerror}") from error
