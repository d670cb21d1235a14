"""A picture that is posted to the online endpoint in the cluster comes back blurred."""

from secrets import token_hex

import httpx

from tests.e2e.clusters import Cluster
from tests.e2e.services import SMALL, Release
from tests.integration.preprocess.conftest import photo
from tests.waiting import eventually

__all__ = ["photo"]


def test_a_picture_that_is_posted_comes_back_blurred(cluster: Cluster, service: Release, photo: bytes) -> None:
    cluster.image("images/api")
    token = token_hex(32)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "tokens"},
        "stringData": {"tokens": f"{token}\n"},
    }
    cluster.apply(service.namespace, secret)
    # The definition of BlurJobs stays as it is; another release may own it by now.
    service.install(
        api={"enabled": True, "tokens": {"existingSecret": "tokens"}, "resources": SMALL}, crds={"enabled": False}
    )
    try:
        with (
            cluster.forwarded(service.namespace, f"service/{service.name}-api", 8080) as port,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client,
        ):
            eventually(lambda: client.get("/readyz").status_code == 200)
            assert client.post("/blur/", files={"picture": photo}).status_code == 401
            client.headers["Authorization"] = f"Bearer {token}"
            answer = client.post("/blur/", files={"picture": photo})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert int(answer.headers["baas-persons"]) > 0
        assert answer.content != photo
        logged = cluster.kubectl("logs", "-n", service.namespace, service.pod("api"))
        assert answer.headers["baas-blurring-id"] in logged
        assert token not in logged
    finally:
        service.install(crds={"enabled": False})
