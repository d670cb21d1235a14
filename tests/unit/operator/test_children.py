"""The documents of a BlurJob's children."""

import json
from dataclasses import replace
from typing import Any

import pytest

from baas_crds.blurjob import MAX_NAME_LENGTH, BlurJobSpec, Detector
from baas_crds.errors import ConfigurationError
from baas_crds.places import SecretKey
from baas_crds.pods import EnvVar, PodTemplate, Resources
from baas_crds.reading import read_blurjob, read_spec
from baas_operator.children import job, spec_map
from baas_operator.decision import CreateJob
from baas_operator.documents import read_job, read_notebook
from baas_operator.names import Role, job_name, spec_map_name
from baas_operator.observed import Notebook
from baas_operator.pods import PodDefaults
from baas_operator.traces import traceparent
from tests.blurjobs import EXAMPLES, documents, example
from tests.unit.operator.seeing import AN_HOUR_AGO, UID, spec

Document = dict[str, Any]
DEFAULTS = PodDefaults(
    image="registry/baas-preprocess@sha256:1",
    image_pull_policy="IfNotPresent",
    image_pull_secrets=("registry",),
    detector=Detector(triton_url="grpc://triton.baas.svc:8001"),
    ledger=SecretKey(name="baas-ledger", key="url"),
    template=PodTemplate(
        service_account_name="baas-worker",
        resources=Resources(requests={"cpu": "1", "memory": "2Gi"}),
        labels={"azure.workload.identity/use": "true", "team": "chart"},
        env=(EnvVar(name="OTEL_SERVICE_NAME", value="chart"), EnvVar(name="HTTPS_PROXY", value="proxy")),
    ),
)
FIRST = CreateJob(role=Role.WORK, attempt=1, parallelism=3, idle_attempts=0, remaining=100)


SIGNING = replace(DEFAULTS, audit_secret=SecretKey(name="city-key", key="audit.pem"))


def a_job(
    of: BlurJobSpec, wanted: CreateJob = FIRST, *, name: str = "amsterdam", defaults: PodDefaults = DEFAULTS
) -> Document:
    return job(wanted, namespace="panoramas", name=name, uid=UID, spec=of, defaults=defaults)


def a_map(of: BlurJobSpec, *, handled_retry: str | None = None) -> Document:
    return spec_map(namespace="panoramas", name="amsterdam", uid=UID, spec=of, handled_retry=handled_retry)


def pod_of(document: Document) -> Document:
    pod: Document = document["spec"]["template"]["spec"]
    return pod


def container_of(document: Document) -> Document:
    (container,) = pod_of(document)["containers"]
    worker: Document = container
    return worker


def env_of(document: Document) -> Document:
    variables = container_of(document)["env"]
    assert len({variable["name"] for variable in variables}) == len(variables), "a variable is given twice"
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in variables}


def mounts_of(document: Document) -> Document:
    return {mount["mountPath"]: mount for mount in container_of(document)["volumeMounts"]}


SPECS = [
    pytest.param(read_spec(one["spec"]), id=one["metadata"]["name"]) for path in EXAMPLES for one in documents(path)
]


@pytest.mark.parametrize("of", SPECS)
@pytest.mark.parametrize("role", Role)
def test_every_pod_is_restricted_and_knows_nobody(of: BlurJobSpec, role: Role) -> None:
    document = a_job(of, CreateJob(role=role, attempt=1, parallelism=1))
    pod, container = pod_of(document), container_of(document)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert {"hostNetwork", "hostPID", "hostIPC", "initContainers"}.isdisjoint(pod)
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {
        "projected",
        "emptyDir",
        "persistentVolumeClaim",
    }


@pytest.mark.parametrize("role", Role)
def test_panoramas_of_the_api_need_neither_a_volume_nor_a_secret(role: Role) -> None:
    of = spec(source={"panoramaApi": {"filters": {"tags": ["mission-bi"]}}})
    document = a_job(of, CreateJob(role=role, attempt=1, parallelism=1))

    assert set(mounts_of(document)) == {"/etc/baas", "/tmp", "/data/output"}  # noqa: S108 - the pod's own
    assert "BAAS_SOURCE_CONNECTION_STRING" not in env_of(document)
    assert json.loads(a_map(of)["data"]["blurjob.json"])["spec"]["source"]["panoramaApi"]["filters"] == {
        "srid": 4326,
        "tags": ["mission-bi"],
    }


def test_a_ledgers_url_without_a_password_needs_no_secret() -> None:
    url = "postgresql://server.postgres.database.azure.com/baas?auth=entra"
    assert env_of(a_job(spec(), defaults=replace(DEFAULTS, ledger=url)))["BAAS_LEDGER"] == url


@pytest.mark.parametrize("of", SPECS)
@pytest.mark.parametrize("role", Role)
def test_no_value_of_a_secret_is_in_a_child(of: BlurJobSpec, role: Role) -> None:
    env = env_of(a_job(of, CreateJob(role=role, attempt=1, parallelism=1)))
    assert env["BAAS_LEDGER"] == {"secretKeyRef": {"name": "baas-ledger", "key": "url"}}
    for name in ("BAAS_SOURCE_CONNECTION_STRING", "BAAS_OUTPUT_CONNECTION_STRING"):
        assert set(env.get(name, {"secretKeyRef"})) == {"secretKeyRef"}


@pytest.mark.parametrize("of", SPECS)
@pytest.mark.parametrize("role", Role)
def test_both_roles_get_the_key_that_signs_audit_records_as_a_file_that_only_they_can_read(
    of: BlurJobSpec, role: Role
) -> None:
    wanted = CreateJob(role=role, attempt=1, parallelism=1)
    with_key, without = a_job(of, wanted, defaults=SIGNING), a_job(of, wanted)
    assert env_of(with_key)["BAAS_AUDIT_KEY"] == "/etc/baas-audit/city-key/audit.pem"
    assert mounts_of(with_key)["/etc/baas-audit/city-key"]["readOnly"] is True
    name = mounts_of(with_key)["/etc/baas-audit/city-key"]["name"]
    (files,) = (volume["secret"] for volume in pod_of(with_key)["volumes"] if volume["name"] == name)
    assert files == {
        "secretName": "city-key",
        "items": [{"key": "audit.pem", "path": "audit.pem"}],
        "defaultMode": 0o400,
        "optional": True,
    }
    assert pod_of(with_key)["securityContext"]["fsGroup"] == pod_of(with_key)["securityContext"]["runAsGroup"]

    # All else is as it is without a key.
    container_of(with_key)["env"] = [one for one in container_of(with_key)["env"] if one["name"] != "BAAS_AUDIT_KEY"]
    container_of(with_key)["volumeMounts"] = [
        one for one in container_of(with_key)["volumeMounts"] if one["name"] != name
    ]
    pod_of(with_key)["volumes"] = [one for one in pod_of(with_key)["volumes"] if one["name"] != name]
    assert with_key == without


@pytest.mark.parametrize("name", ["BAAS_AUDIT_KEY", "BAAS_AUDIT_SOMETHING"])
def test_no_blurjob_chooses_the_key(name: str) -> None:
    with pytest.raises(ConfigurationError, match="names that start with BAAS_"):
        spec(podTemplate={"env": [{"name": name, "value": "/data/output/mine.pem"}]})


@pytest.mark.parametrize("role", Role)
def test_the_longest_name_gives_names_that_fit_labels(role: Role) -> None:
    name = "x" * MAX_NAME_LENGTH
    assert len(job_name(name, role, 99_999)) <= 63
    assert len(spec_map_name(name)) <= 63


def test_children_belong_to_their_blurjob_and_say_so() -> None:
    marks = {
        "app.kubernetes.io/managed-by": "baas-operator",
        "blurring.amsterdam.nl/blurjob": "amsterdam",
        "blurring.amsterdam.nl/blurjob-uid": UID,
    }
    owner = {
        "apiVersion": "blurring.amsterdam.nl/v1alpha1",
        "kind": "BlurJob",
        "name": "amsterdam",
        "uid": UID,
        "controller": True,
    }
    for document in (a_map(spec()), a_job(spec())):
        assert document["metadata"]["namespace"] == "panoramas"
        assert document["metadata"]["labels"].items() >= marks.items()
        assert document["metadata"]["ownerReferences"] == [owner]
    work = {"blurring.amsterdam.nl/role": "work", "blurring.amsterdam.nl/attempt": "1"}
    assert a_job(spec())["spec"]["template"]["metadata"]["labels"].items() >= (marks | work).items()


def test_a_job_is_a_work_queue_that_tells_disruption_from_failure() -> None:
    document = a_job(spec())
    assert document["metadata"]["name"] == "amsterdam-work-1"
    assert document["spec"]["parallelism"] == 3
    assert "completions" not in document["spec"]
    assert document["spec"]["podFailurePolicy"]["rules"] == [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [130]}},
        {"action": "FailJob", "onExitCodes": {"containerName": "worker", "operator": "In", "values": [2]}},
    ]
    assert container_of(document)["name"] == "worker"
    assert pod_of(document)["restartPolicy"] == "Never"
    assert container_of(document)["command"] == ["baas", "work"]


def test_what_the_operator_must_know_of_an_attempt_stands_in_its_job() -> None:
    wanted = CreateJob(role=Role.WORK, attempt=7, parallelism=3, retry="two words", idle_attempts=2, remaining=41)
    document = a_job(spec(), wanted)
    document["metadata"] |= {"uid": "u", "creationTimestamp": "2026-06-01T11:00:00Z"}
    made = read_job(document)
    assert made is not None
    assert (made.role, made.attempt, made.parallelism) == (Role.WORK, 7, 3)
    assert (made.retry, made.idle_attempts, made.remaining) == ("two words", 2, 41)
    assert made.is_underway


def test_kueue_gets_its_label_and_a_job_that_waits() -> None:
    document = a_job(spec(queueName="night"))
    assert document["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"
    assert document["spec"]["suspend"] is True
    assert "suspend" not in a_job(spec())["spec"]


@pytest.mark.parametrize("of", SPECS)
def test_pods_read_the_spec_without_what_may_change_later(of: BlurJobSpec) -> None:
    document = a_map(of)
    assert document["immutable"] is True
    blurjob = json.loads(document["data"]["blurjob.json"])
    assert blurjob["metadata"] == {"name": "amsterdam", "namespace": "panoramas", "uid": UID}
    changeable = {"parallelism", "suspend", "maxQuarantinedPercent", "activeDeadlineSeconds", "ttlSecondsAfterFinished"}
    assert changeable.isdisjoint(blurjob["spec"])
    forgotten = dict.fromkeys(BlurJobSpec.CHANGEABLE)
    known = {name: BlurJobSpec.model_fields[name].default for name in forgotten}
    assert read_blurjob(blurjob).spec == of.model_copy(update=known)


def test_the_map_is_a_notebook_from_the_beginning() -> None:
    document = a_map(spec(), handled_retry="old")
    document["metadata"]["creationTimestamp"] = "2026-06-01T11:00:00Z"
    assert read_notebook(document) == Notebook(written_at=AN_HOUR_AGO, handled_retry="old")


def test_folders_of_two_claims_are_mounted_apart_the_source_read_only() -> None:
    mounts = mounts_of(a_job(spec(source={"volume": {"claimName": "raw", "path": "2026/raw"}})))
    assert mounts["/data/source"] == {
        "name": "source",
        "mountPath": "/data/source",
        "readOnly": True,
        "subPath": "2026/raw",
    }
    assert mounts["/data/output"] == {"name": "output", "mountPath": "/data/output", "readOnly": False}


def test_folders_of_one_claim_share_a_volume() -> None:
    both = {
        "source": {"volume": {"claimName": "c", "path": "raw"}},
        "output": {"volume": {"claimName": "c", "path": "safe"}},
    }
    document = a_job(spec(**both))
    claims = [volume for volume in pod_of(document)["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [{"name": "images", "persistentVolumeClaim": {"claimName": "c"}}]
    mounts = mounts_of(document)
    assert (mounts["/data/source"]["subPath"], mounts["/data/source"]["readOnly"]) == ("raw", True)
    assert (mounts["/data/output"]["subPath"], mounts["/data/output"]["readOnly"]) == ("safe", False)


def test_samples_of_one_claim_share_its_volume_and_are_written_apart() -> None:
    document = a_job(
        spec(
            source={"volume": {"claimName": "raw"}},
            output={"volume": {"claimName": "safe", "path": "2026"}},
            qualityCheck={"sampleSize": 10},
            retrainingSample={"size": 10, "output": {"volume": {"claimName": "to-label", "path": "2026"}}},
        )
    )
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod_of(document)["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {"source": "raw", "output": "safe", "retraining-sample": "to-label"}
    mounts = mounts_of(document)
    assert mounts["/data/quality-check"] == {
        "name": "output",
        "mountPath": "/data/quality-check",
        "readOnly": False,
        "subPath": "2026-quality-check",
    }
    assert mounts["/data/retraining-sample"] == {
        "name": "retraining-sample",
        "mountPath": "/data/retraining-sample",
        "readOnly": False,
        "subPath": "2026",
    }


def test_samples_of_the_sources_claim_share_its_volume_and_only_they_are_written() -> None:
    both = {
        "source": {"volume": {"claimName": "c", "path": "raw"}},
        "output": {"volume": {"claimName": "c", "path": "safe"}},
        "retrainingSample": {"size": 10, "output": {"volume": {"claimName": "c", "path": "to-label"}}},
    }
    mounts = mounts_of(a_job(spec(**both)))
    assert {folder: (mount["name"], mount["readOnly"]) for folder, mount in mounts.items() if "subPath" in mount} == {
        "/data/source": ("images", True),
        "/data/output": ("images", False),
        "/data/retraining-sample": ("images", False),
    }


def test_access_to_samples_in_azure_comes_from_the_secret_that_is_named_or_the_outputs() -> None:
    account: Document = {"accountUrl": "https://a.blob.core.windows.net", "container": "safe"}
    env = env_of(
        a_job(
            spec(
                output={"azureBlob": {**account, "prefix": "2026", "connectionStringSecret": {"name": "output"}}},
                qualityCheck={"sampleSize": 10},
                retrainingSample={
                    "size": 10,
                    "output": {
                        "azureBlob": {**account, "container": "to-label", "connectionStringSecret": {"name": "secret"}}
                    },
                },
            )
        )
    )
    secrets = {
        name: env[f"BAAS_{name}_CONNECTION_STRING"]["secretKeyRef"]["name"]
        for name in ("OUTPUT", "QUALITY_CHECK", "RETRAINING_SAMPLE")
    }
    assert secrets == {"OUTPUT": "output", "QUALITY_CHECK": "output", "RETRAINING_SAMPLE": "secret"}


def test_a_source_whose_originals_are_deleted_is_writable() -> None:
    mounts = mounts_of(a_job(spec(retention={"deleteSource": "AfterVerified"})))
    assert mounts["/data/source"]["readOnly"] is False


def test_connection_strings_come_from_the_blurjobs_own_secrets() -> None:
    env = env_of(a_job(read_spec(example("azure")["spec"])))
    given = read_spec(example("azure")["spec"])
    for place, name in ((given.source.azure_blob, "SOURCE"), (given.output.azure_blob, "OUTPUT")):
        secret = place.connection_string_secret if place else None
        wanted = {"secretKeyRef": {"name": secret.name, "key": secret.key}} if secret else None
        assert env.get(f"BAAS_{name}_CONNECTION_STRING") == wanted


def test_an_exclude_list_lies_beside_the_spec() -> None:
    listed = {"configMap": {"name": "left-out", "key": "2026.csv"}}
    document = a_job(spec(source={"volume": {"claimName": "raw"}, "excludeList": listed}))
    (files,) = (volume["projected"]["sources"] for volume in pod_of(document)["volumes"] if volume["name"] == "spec")
    assert files == [
        {"configMap": {"name": "amsterdam-spec"}},
        {"configMap": {"name": "left-out", "items": [{"key": "2026.csv", "path": "exclude/2026.csv"}]}},
    ]


@pytest.mark.parametrize(
    ("detector", "url"),
    [
        ({}, "grpc://triton.baas.svc:8001"),
        ({"tritonUrl": "grpcs://gpu.example.org:443"}, "grpcs://gpu.example.org:443"),
    ],
)
def test_the_blurjobs_triton_goes_before_the_charts(detector: Document, url: str) -> None:
    assert env_of(a_job(spec(detector=detector)))["BAAS_TRITON"] == url


def test_a_blurjob_differs_from_the_charts_pods_where_it_says_so() -> None:
    own = {
        "resources": {"limits": {"memory": "8Gi"}},
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "low",
        "serviceAccountName": "mine",
        "env": [{"name": "OTEL_SERVICE_NAME", "value": "mine"}],
        "labels": {"team": "mine"},
        "annotations": {"note": "mine"},
    }
    document = a_job(spec(podTemplate=own))
    pod, template = pod_of(document), document["spec"]["template"]["metadata"]
    assert container_of(document)["resources"] == own["resources"]
    assert {name: pod[name] for name in ("nodeSelector", "affinity", "priorityClassName", "serviceAccountName")} == {
        name: own[name] for name in ("nodeSelector", "affinity", "priorityClassName", "serviceAccountName")
    }
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert env_of(document).items() >= {"OTEL_SERVICE_NAME": "mine", "HTTPS_PROXY": "proxy"}.items()
    assert template["labels"].items() >= {"team": "mine", "azure.workload.identity/use": "true"}.items()
    assert template["annotations"] == {"note": "mine"}


def test_without_a_word_pods_are_the_charts() -> None:
    pod = pod_of(a_job(spec()))
    assert (pod["serviceAccountName"], pod["imagePullSecrets"]) == ("baas-worker", [{"name": "registry"}])
    assert container_of(a_job(spec()))["resources"] == {"requests": {"cpu": "1", "memory": "2Gi"}}
    assert {"priorityClassName", "nodeSelector", "affinity", "tolerations"}.isdisjoint(pod)


def test_one_trace_joins_all_pods_of_a_blurjob_each_within_the_creation_of_its_job() -> None:
    wanted = [CreateJob(role=role, attempt=attempt, parallelism=1) for role in Role for attempt in (1, 2)]
    contexts = [env_of(a_job(spec(), one))["TRACEPARENT"] for one in wanted]
    assert contexts == [traceparent(UID, job_name("amsterdam", one.role, one.attempt)) for one in wanted]
    assert {context.split("-")[1] for context in contexts} == {UID.replace("-", "")}
    assert len(set(contexts)) == len(wanted)


def test_pods_tell_who_they_are_and_nobody_passes_for_another() -> None:
    ours = (
        "k8s.namespace.name=panoramas,k8s.job.name=amsterdam-work-1,k8s.pod.name=$(BAAS_POD_NAME),"
        "k8s.node.name=$(BAAS_NODE_NAME),baas.blurjob.name=amsterdam"
    )
    assert env_of(a_job(spec()))["OTEL_RESOURCE_ATTRIBUTES"] == ours
    forged = spec(podTemplate={"env": [{"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "team=x,k8s.pod.name=other"}]})
    env = env_of(a_job(forged))
    assert env["OTEL_RESOURCE_ATTRIBUTES"] == f"$(FURTHER_RESOURCE_ATTRIBUTES),{ours}"
    assert env["FURTHER_RESOURCE_ATTRIBUTES"] == "team=x,k8s.pod.name=other"
    # Kubernetes replaces a reference only by a variable that stands before it.
    assert list(env)[-1] == "OTEL_RESOURCE_ATTRIBUTES"


def test_prometheus_finds_pods_only_where_it_looks_for_them() -> None:
    scraped = replace(DEFAULTS, metrics_port=9464)
    assert container_of(a_job(spec(), defaults=scraped))["ports"] == [{"name": "metrics", "containerPort": 9464}]
    assert "ports" not in container_of(a_job(spec()))


def test_the_chart_says_how_much_workers_tell() -> None:
    env = env_of(a_job(spec(), defaults=replace(DEFAULTS, traced_percent=2.5, log_level="DEBUG")))
    assert (env["BAAS_TRACED_PERCENT"], env["BAAS_LOG_LEVEL"]) == ("2.5", "DEBUG")
    assert not {"BAAS_TRACED_PERCENT", "BAAS_LOG_LEVEL"} & set(env_of(a_job(spec())))


def test_equal_facts_give_equal_documents() -> None:
    assert json.dumps(a_job(spec())) == json.dumps(a_job(spec()))
