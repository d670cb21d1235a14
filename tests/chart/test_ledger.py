"""A ledger in Azure that operator, workers and migration enter as their managed identities, without any Secret."""

from tests.chart.rendering import CLIENT_ID, THERE, Object, render

URL = "postgresql://mydatabase.postgres.database.azure.com/baas?auth=entra"
WORKERS, OPERATOR, MIGRATION = (CLIENT_ID.replace("0a1b", of) for of in ("aaaa", "bbbb", "cccc"))


def identity(client_id: str) -> Object:
    return {"workloadIdentity": {"clientId": client_id}}


FOUND = render(
    {
        "ledger": {"existingSecret": None, "url": URL},
        "operator": {**identity(OPERATOR), "watchNamespaces": [THERE]},
        "worker": identity(WORKERS),
        "migration": {**identity(MIGRATION), "grantTo": ["blur-operator", "blur-workers"]},
    }
)
PODS = {"Deployment baas-operator": "baas-operator", "Job baas-migration": "baas-migration"}


def test_everybody_gets_the_url_and_nobody_a_secret() -> None:
    for owner in PODS:
        (container,) = FOUND.pod(owner).spec["containers"]
        assert {"name": "BAAS_LEDGER", "value": URL} in container["env"]
    assert FOUND.settings["BAAS_OPERATOR_LEDGER_URL"] == URL
    assert "BAAS_OPERATOR_LEDGER_SECRET_NAME" not in FOUND.settings
    assert "secretKeyRef" not in str(FOUND.objects)


def test_each_enters_as_an_identity_of_its_own() -> None:
    carried = {
        found["metadata"]["name"]: found["metadata"].get("annotations", {}).get("azure.workload.identity/client-id")
        for found in FOUND.of("ServiceAccount")
    }
    assert carried == {
        "baas-operator": OPERATOR,
        "baas-worker": WORKERS,
        "baas-migration": MIGRATION,
        "baas-triton": None,
    }
    for owner, account in PODS.items():
        pod = FOUND.pod(owner)
        assert pod.labels["azure.workload.identity/use"] == "true"
        assert pod.spec["serviceAccountName"] == account


def test_the_migrations_account_is_there_before_it_and_gone_after() -> None:
    hooks = [FOUND.one(kind, "baas-migration")["metadata"]["annotations"] for kind in ("ServiceAccount", "Job")]
    assert {hook["helm.sh/hook"] for hook in hooks} == {"pre-install,pre-upgrade"}
    assert {hook["helm.sh/hook-delete-policy"] for hook in hooks} == {"before-hook-creation,hook-succeeded"}
    weights = [int(hook.get("helm.sh/hook-weight", "0")) for hook in hooks]
    assert weights[0] < weights[1]


def test_the_migration_lets_the_others_work_with_its_tables() -> None:
    (container,) = FOUND.pod("Job baas-migration").spec["containers"]
    assert {"name": "BAAS_GRANT_TO", "value": "blur-operator,blur-workers"} in container["env"]


def test_the_migration_may_run_as_an_account_of_yours() -> None:
    job = render({"migration": {"serviceAccount": {"name": "mine"}}})
    assert job.pod("Job baas-migration").spec["serviceAccountName"] == "mine"
    assert "baas-migration" not in {found["metadata"]["name"] for found in job.of("ServiceAccount")}
