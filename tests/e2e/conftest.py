"""The cluster that end-to-end tests run on.

E2E_KUBECONFIG or KUBECONFIG names one. Without them hack/cluster brings up its own, and takes it down again unless it
was up before.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clusters import HACK, OWN_KUBECONFIG, PATH, Cluster, fresh_namespace, run
from tests.e2e.pictures import Blurred, blurred, photos
from tests.e2e.services import Backends, Images, Release, backends, build_images, release
from tests.integration.conftest import model_repository, triton
from tests.postgres import postgres

__all__ = ["model_repository", "postgres", "triton"]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster that is up, shared by all tests: keep what you make in a namespace of your own."""
    given = os.environ.get("E2E_KUBECONFIG") or os.environ.get("KUBECONFIG")
    if given and Path(given) != OWN_KUBECONFIG:
        for program in ("kubectl", "helm"):
            if shutil.which(program, path=PATH) is None:
                pytest.fail(
                    f"{program} is not on PATH: install it, or build it with hack/cluster/build.", pytrace=False
                )
        yield Cluster(kubeconfig=Path(given), is_ours=False)
        return
    was_up = subprocess.run([HACK / "enter", "true"], check=False, capture_output=True).returncode == 0
    run(HACK / "up")
    yield Cluster(kubeconfig=OWN_KUBECONFIG, is_ours=True)
    if not was_up:
        run(HACK / "down")


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that admits *restricted* pods only, gone with the test."""
    with fresh_namespace(cluster, "test") as name:
        yield name


@pytest.fixture(scope="session")
def service_images(cluster: Cluster, model_repository: Path) -> Images:
    """The images of the service and of what it talks to, built from this checkout."""
    return build_images(cluster, model_repository)


@pytest.fixture(scope="session")
def servers(cluster: Cluster, service_images: Images) -> Iterator[Backends]:
    """PostgreSQL and Azurite in the cluster, for all releases: start again what you stop."""
    with backends(cluster, service_images) as them:
        yield them


@pytest.fixture(scope="session")
def service(cluster: Cluster, service_images: Images, servers: Backends) -> Iterator[Release]:
    """A release that watches its own namespace, installed and ready."""
    with (
        fresh_namespace(cluster, "service") as namespace,
        release(cluster, service_images, servers, namespace=namespace) as it,
    ):
        it.install()
        yield it


@pytest.fixture(scope="session")
def baseline(triton: str, servers: Backends, tmp_path_factory: pytest.TempPathFactory) -> Blurred:
    """Pictures below `raw/` of the container, and what `baas blur` makes of them."""
    them = blurred(photos(48), tmp_path_factory.mktemp("baseline"), triton=triton)
    servers.upload("raw", them.originals)
    return them
