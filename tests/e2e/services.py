"""Releases of the chart, and what they talk to: PostgreSQL and Azurite as pods of a namespace of their own."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from azure.storage.blob import ContainerClient

from tests.azurite import ACCOUNT, connection_string_of, install_azurite
from tests.blurjobs import ROOT, example, with_change
from tests.e2e.clusters import CHART, DEFINITION, PATIENTLY, RESTRICTED, USER, Cluster, Object, fresh_namespace
from tests.e2e.runs import BlurJobRun
from tests.waiting import eventually

PASSWORD = "only-for-tests"
CONTAINER = "panoramas"
SERVERS = "tests/e2e/servers"
SMALL = {"requests": {"cpu": "50m", "memory": "256Mi"}}
"""What our pods ask for where two cores must do for a cluster: limits stay the chart's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Names of the images by which pods can run them."""

    operator: str
    preprocess: str
    triton: str
    postgres: str
    azurite: str


def build_images(cluster: Cluster, models: Path) -> Images:
    """Build all that a service consists of. `models` is the model repository that goes into Triton's image."""
    assert models == ROOT / ".cache" / "models", "images/triton-cpu/Dockerfile takes it from there"
    install_azurite()
    return Images(
        operator=cluster.image("images/operator"),
        preprocess=cluster.image("images/preprocess"),
        triton=cluster.image("images/triton-cpu"),
        postgres=cluster.image(f"{SERVERS}/postgres"),
        azurite=cluster.image(f"{SERVERS}/azurite"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """PostgreSQL and Azurite in a namespace. They can be stopped, and started again with the same data."""

    cluster: Cluster
    namespace: str

    @property
    def account_url(self) -> str:
        """The storage account's Blob endpoint, as BlurJobs name it."""
        return f"http://azurite.{self.namespace}.svc:10000/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        return connection_string_of(self.account_url)

    def ledger_url(self, database: str) -> str:
        return f"postgresql://postgres:{PASSWORD}@postgres.{self.namespace}.svc:5432/{database}"

    def start(self, *names: str) -> None:
        self._scale(1, *names)
        for name in names:
            self.cluster.kubectl("rollout", "status", "-n", self.namespace, f"deployment/{name}", *PATIENTLY)

    def stop(self, *names: str) -> None:
        """Stop servers; return when nobody answers any more."""
        self._scale(0, *names)
        for name in names:
            self.cluster.kubectl(
                "wait", "-n", self.namespace, "--for", "delete", "pod", "-l", f"app={name}", *PATIENTLY
            )

    def sql(self, database: str, query: str) -> list[list[str]]:
        """Return the rows that a query gives."""
        psql = f"PGPASSWORD={PASSWORD} psql --host /tmp --username postgres --csv --tuples-only --dbname {database}"
        said = self.cluster.kubectl(
            "exec", "-i", "-n", self.namespace, "deployment/postgres", "--", "sh", "-c", psql, stdin=query
        )
        return list(csv.reader(io.StringIO(said)))

    @contextmanager
    def container(self) -> Iterator[ContainerClient]:
        """Give a client of the container with panoramas. Azurite must run for as long as the block does."""
        with self.cluster.forwarded(self.namespace, "service/azurite", 10000) as port:
            local = connection_string_of(f"http://127.0.0.1:{port}/{ACCOUNT}")
            with ContainerClient.from_connection_string(local, CONTAINER) as client:
                yield client

    def upload(self, folder: str, pictures: Mapping[str, bytes]) -> None:
        with self.container() as container:
            for name, data in pictures.items():
                container.upload_blob(f"{folder}/{name}", data, overwrite=True)

    def blobs(self, folder: str) -> dict[str, bytes]:
        """What is in a folder of the container, by the name within it."""
        with self.container() as container:
            names = [blob.name for blob in container.list_blobs(name_starts_with=f"{folder}/")]
            return {name.removeprefix(f"{folder}/"): container.download_blob(name).readall() for name in names}

    def _scale(self, replicas: int, *names: str) -> None:
        deployments = [f"deployment/{name}" for name in names]
        self.cluster.kubectl("scale", "-n", self.namespace, *deployments, "--replicas", str(replicas))


@contextmanager
def backends(cluster: Cluster, images: Images) -> Iterator[Backends]:
    """Give a PostgreSQL and an Azurite with an empty container, gone with the block."""
    with fresh_namespace(cluster, "backends") as namespace:
        them = Backends(cluster=cluster, namespace=namespace)
        password = {"name": "POSTGRES_PASSWORD", "value": PASSWORD}
        cluster.apply(namespace, *_server("postgres", images.postgres, 5432, password))
        cluster.apply(namespace, *_server("azurite", images.azurite, 10000))
        them.start("postgres", "azurite")
        with them.container() as container:
            container.create_container()
        yield them


def _server(name: str, image: str, port: int, *env: Object) -> tuple[Object, ...]:
    """Return a server of one pod with a claim of its own under /data."""
    labels = {"app": name}
    container = {
        "name": name,
        "image": image,
        "env": list(env),
        "ports": [{"containerPort": port}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        "securityContext": RESTRICTED,
    }
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"fsGroup": USER},
        "terminationGracePeriodSeconds": 10,
        "containers": [container],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": name}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    deployment = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "Recreate"},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    service = {"selector": labels, "ports": [{"port": port}]}
    return (
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": claim},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": deployment},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An installation of the chart, with a database of its own."""

    cluster: Cluster
    backends: Backends
    namespace: str
    name: str
    values: Mapping[str, object]
    database: str = field(default_factory=lambda: f"ledger_{uuid4().hex[:6]}")

    def prepare(self, namespace: str) -> None:
        """Give a namespace the Secrets that BlurJobs in it need."""
        secrets = {"baas-ledger": ("url", self.backends.ledger_url(self.database))}
        secrets["azurite"] = ("connectionString", self.backends.connection_string)
        self.cluster.apply(
            namespace,
            *(
                {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value}}
                for name, (key, value) in secrets.items()
            ),
        )

    def install(self, **changes: object) -> str:
        """Install or upgrade it, wait until its pods are ready, and return what Helm says."""
        values = json.dumps(with_change(self.values, changes))
        return self.cluster.helm(
            *("upgrade", "--install", self.name, str(CHART), "--namespace", self.namespace),
            *("--values", "-", "--wait", "--timeout", "10m"),
            stdin=values,
        )

    def uninstall(self) -> str:
        return self.cluster.helm("uninstall", self.name, "--namespace", self.namespace, "--wait", "--timeout", "5m")

    def run(self, document: Object, *, name: str, namespace: str | None = None, **spec: object) -> BlurJobRun:
        """Apply a BlurJob. What it says of Blob storage is changed so that it finds the container here."""
        namespace = namespace or self.namespace
        account = {"accountUrl": self.backends.account_url, "connectionStringSecret": {"name": "azurite"}}
        place = account | {"container": CONTAINER}
        ends = {end: {"azureBlob": place} for end in ("source", "output") if "azureBlob" in document["spec"][end]}
        for change in ({"metadata": {"name": name}, "spec": ends}, {"spec": spec}):
            document = with_change(document, change)
        self.cluster.apply(namespace, document)
        made = self.cluster.get("-n", namespace, "blurjob", name)
        return BlurJobRun(cluster=self.cluster, namespace=namespace, name=name, uid=made["metadata"]["uid"])

    def blur(
        self,
        name: str,
        *,
        source: str = "raw",
        include: tuple[str, ...] = (),
        namespace: str | None = None,
        **spec: object,
    ) -> BlurJobRun:
        """Apply the example for Azure with one pod, from a folder of the container to one that `output` reads."""
        namespace = namespace or self.namespace
        spec = {
            "source": {"azureBlob": {"prefix": source}, "include": list(include)},
            "output": {"azureBlob": {"prefix": f"{namespace}/{name}"}},
            "parallelism": 1,
            **spec,
        }
        return self.run(example("azure"), name=name, namespace=namespace, **spec)

    def output(self, run: BlurJobRun) -> dict[str, bytes]:
        """What a run that `blur` began has published."""
        return self.backends.blobs(f"{run.namespace}/{run.name}")

    def sql(self, query: str) -> list[list[str]]:
        return self.backends.sql(self.database, query)

    def rows(self, run: BlurJobRun) -> dict[str, tuple[str, int]]:
        """Each image's fate in the ledger and how often it was begun, by its name."""
        found = self.sql(f"SELECT name, state, attempts FROM images WHERE run_id = '{run.uid}'")  # noqa: S608
        return {name: (state, int(attempts)) for name, state, attempts in found}

    def wait_until_published(self, run: BlurJobRun, count: int) -> None:
        """Return when so many images are published and more than half of them are not."""

        def published() -> int:
            return sum(state == "published" for state, _ in self.rows(run).values())

        eventually(lambda: published() >= count)
        assert published() * 2 < len(self.rows(run)), "what follows would come too late"

    def seen_by_viewers(self) -> list[str]:
        """All that somebody sees who may view the namespace: objects, events and logs."""
        kinds = "pods,jobs,configmaps,blurjobs,events"
        pods = [pod["metadata"]["name"] for pod in self.cluster.get("-n", self.namespace, "pods")["items"]]
        return [
            self.cluster.kubectl("get", "-n", self.namespace, kinds, "-o", "yaml"),
            *(self.cluster.kubectl("logs", "-n", self.namespace, pod) for pod in pods),
        ]

    @contextmanager
    def without_operator(self) -> Iterator[None]:
        """Have no operator while the block runs."""
        operator = f"deployment/{self.name}-operator"
        labels = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=operator"
        self.cluster.kubectl("scale", "-n", self.namespace, operator, "--replicas", "0")
        self.cluster.kubectl("wait", "-n", self.namespace, "--for", "delete", "pod", "-l", labels, *PATIENTLY)
        try:
            yield
        finally:
            self.cluster.kubectl("scale", "-n", self.namespace, operator, "--replicas", "1")
            self.cluster.kubectl("rollout", "status", "-n", self.namespace, operator, *PATIENTLY)

    def pod(self, component: str) -> str:
        """The name of a pod of this release that is not about to end."""
        labels = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"

        def found() -> str | None:
            pods = self.cluster.get("-n", self.namespace, "pods", "-l", labels)["items"]
            names = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
            return names[0] if len(names) == 1 else None

        return eventually(found)


def values_for(cluster: Cluster, images: Images) -> dict[str, object]:
    """Return what the chart must be told in this cluster, where Triton has no GPU and the node few cores."""
    registry, _, tag = images.operator.rpartition("/operator:")
    assert registry, images
    return {
        "image": {"registry": registry, "tag": tag},
        "crds": {"enabled": not cluster.kubectl("get", "crd", DEFINITION, "--ignore-not-found")},
        "ledger": {"existingSecret": "baas-ledger"},
        "operator": {"statusIntervalSeconds": 1, "resources": SMALL},
        "worker": {"resources": SMALL},
        "triton": {"device": "cpu", "resources": SMALL},
    }


@contextmanager
def release(
    cluster: Cluster, images: Images, backends: Backends, *, namespace: str, name: str = "baas", **changes: object
) -> Iterator[Release]:
    """Give a release that is ready to be installed: its database and its Secrets are there. Gone with the block."""
    values = with_change(values_for(cluster, images), changes)
    it = Release(cluster=cluster, backends=backends, namespace=namespace, name=name, values=values)
    backends.sql("postgres", f"CREATE DATABASE {it.database}")
    it.prepare(namespace)
    try:
        yield it
    finally:
        if cluster.helm("list", "--namespace", namespace, "--filter", f"^{name}$", "--short"):
            it.uninstall()
