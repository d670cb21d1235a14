"""Register a bundle wherever `register.to` points: a folder, a Blob container, or an Azure ML workspace."""

import tempfile
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.training import azure
from baas_detector.training.blob_registry import register_in_blob
from baas_detector.training.registry import Bundle, Registered, register_in_folder
from baas_detector.training.settings import AZURE_ML


def register(to: str, bundle: Bundle) -> Registered:
    """Keep a bundle as the next version. Raises `ConfigurationError` for an address of another kind."""
    if to.startswith(AZURE_ML):
        return _register_in_azure_ml(Path(to.removeprefix(AZURE_ML)), bundle)
    if to.startswith(("https://", "http://")):
        return register_in_blob(to, bundle)
    if "://" in to:
        raise ConfigurationError(
            f"{to} is no registry: give a folder, https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER, or "
            f"{AZURE_ML}CONFIG.JSON"
        )
    return register_in_folder(Path(to), bundle)


def _register_in_azure_ml(workspace_file: Path, bundle: Bundle) -> Registered:
    """Write the version whole in a folder that goes away, and upload that; Azure ML gives the number."""
    workspace = azure.read_workspace(workspace_file)
    with tempfile.TemporaryDirectory() as scratch:
        local = register_in_folder(Path(scratch), bundle)
        version = azure.register(Path(local.place), bundle.name, tags={"digest": local.digest}, workspace=workspace)
    return Registered(
        place=f"{AZURE_ML}{workspace.workspace_name}",
        name=bundle.name,
        version=version,
        digest=local.digest,
        is_new=True,
    )
