"""Who may do what in Kubernetes, and under whose identity in Azure."""

import pytest

from tests.chart.rendering import CLIENT_ID, HERE, THERE, VALUE_SETS, Object, Rendering, render, rendering
from tests.e2e.operators import RULES, granted_by

CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def roles(found: Rendering) -> list[Object]:
    return [*found.of("Role"), *found.of("ClusterRole")]


def kinds(found: Rendering) -> set[str]:
    return {it["kind"] for it in found.objects}


def test_no_rule_has_a_star_or_touches_secrets(each: Rendering) -> None:
    for role in roles(each):
        for group, resource, verb in granted_by(role["rules"]):
            assert "*" not in group + resource + verb
            assert resource.split("/")[0] not in {"secrets", "serviceaccounts", "roles", "clusterroles"}
            assert verb not in {"bind", "escalate", "impersonate"}


@pytest.mark.parametrize(
    ("watched", "namespaces"), [([], [HERE]), ([THERE], [THERE]), ([HERE, THERE], [HERE, THERE])], ids=str
)
def test_named_namespaces_get_a_role_each_and_nothing_is_cluster_wide(
    watched: list[str], namespaces: list[str]
) -> None:
    found = render({"operator": {"watchNamespaces": watched}, "rbac": {"aggregate": False}})
    assert [role["metadata"]["namespace"] for role in found.of("Role")] == namespaces
    assert all(granted_by(role["rules"]) == granted_by(RULES) for role in found.of("Role"))
    for binding in found.of("RoleBinding"):
        assert binding["roleRef"]["name"] == "baas-operator"
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "baas-operator", "namespace": HERE}]
    assert [it["metadata"]["namespace"] for it in found.of("RoleBinding")] == namespaces
    assert not kinds(found) & CLUSTER_WIDE


def test_the_whole_cluster_takes_one_cluster_role() -> None:
    found = render({"operator": {"watchNamespaces": ["*"]}, "rbac": {"aggregate": False}})
    role, binding = found.one("ClusterRole", "panoramas:baas-operator"), *found.of("ClusterRoleBinding")
    assert granted_by(role["rules"]) == granted_by(RULES)
    assert binding["roleRef"]["name"] == "panoramas:baas-operator"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "baas-operator", "namespace": HERE}]
    assert not found.of("Role")


def test_without_rbac_no_right_is_given() -> None:
    assert not kinds(rendering("no rights of its own making")) & {"Role", "RoleBinding", *CLUSTER_WIDE}


def test_viewers_may_look_and_editors_may_change_but_nobody_writes_the_status() -> None:
    found = rendering("on CPUs")
    view, edit = (found.one("ClusterRole", f"panoramas:baas-blurjobs-{what}") for what in ("view", "edit"))
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert edit["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert {verb for _, _, verb in granted_by(view["rules"])} == {"get", "list", "watch"}
    assert ("blurring.amsterdam.nl", "blurjobs", "create") in granted_by(edit["rules"])
    assert ("blurring.amsterdam.nl", "blurjobs/scale", "patch") in granted_by(edit["rules"])
    assert ("blurring.amsterdam.nl", "blurschedules", "create") in granted_by(edit["rules"])
    assert ("blurring.amsterdam.nl", "blurschedules", "watch") in granted_by(view["rules"])
    assert not [resource for _, resource, _ in granted_by(edit["rules"]) if resource.endswith("/status")]


@pytest.mark.parametrize(
    ("worker", "watched", "made", "used"),
    [
        ({}, [], [(HERE, "baas-worker")], "baas-worker"),
        ({}, [HERE, THERE], [(HERE, "baas-worker"), (THERE, "baas-worker")], "baas-worker"),
        ({}, ["*"], [], "default"),
        ({"name": "mine"}, ["*"], [], "mine"),
        ({"name": "mine"}, [THERE], [(THERE, "mine")], "mine"),
        ({"name": "mine", "create": False}, [], [], "mine"),
        ({"create": False}, [], [], "default"),
    ],
)
def test_workers_run_as_an_account_that_is_made_in_each_watched_namespace_unless_it_is_yours(
    worker: Object, watched: list[str], made: list[tuple[str, str]], used: str
) -> None:
    found = render({"worker": {"serviceAccount": worker}, "operator": {"watchNamespaces": watched}})
    accounts = [it["metadata"] for it in found.of("ServiceAccount")]
    workers = [it for it in accounts if it["labels"]["app.kubernetes.io/component"] == "worker"]
    assert [(it["namespace"], it["name"]) for it in workers] == made
    assert found.settings["BAAS_OPERATOR_WORKER_SERVICE_ACCOUNT"] == used


@pytest.mark.parametrize("component", ["operator", "triton"])
def test_pods_run_as_an_account_of_the_charts_or_of_yours(component: str) -> None:
    account = {"name": "mine", "annotations": {"a": "b"}, "labels": {"c": "d"}}
    made = render({component: {"serviceAccount": account}})
    assert made.pod(f"Deployment baas-{component}").spec["serviceAccountName"] == "mine"
    metadata = made.one("ServiceAccount", "mine")["metadata"]
    assert metadata["annotations"] == {"a": "b"}
    assert metadata["labels"]["c"] == "d"
    yours = render({component: {"serviceAccount": {"name": "mine", "create": False}}})
    assert yours.pod(f"Deployment baas-{component}").spec["serviceAccountName"] == "mine"
    assert "mine" not in {it["metadata"]["name"] for it in yours.of("ServiceAccount")}


def test_each_component_has_an_identity_of_its_own() -> None:
    ids = {
        name: CLIENT_ID.replace("0a1b", f"{number}{number}{number}{number}")
        for number, name in enumerate(("operator", "worker", "triton"))
    }
    found = render({name: {"workloadIdentity": {"clientId": client_id}} for name, client_id in ids.items()})
    for name, client_id in ids.items():
        annotations = found.one("ServiceAccount", f"baas-{name}")["metadata"]["annotations"]
        assert annotations == {"azure.workload.identity/client-id": client_id}
    for name in ("operator", "triton"):
        assert found.pod(f"Deployment baas-{name}").labels["azure.workload.identity/use"] == "true"
    assert found.settings["BAAS_OPERATOR_WORKER_POD_LABELS"] == '{"azure.workload.identity/use":"true"}'


def test_without_an_identity_azure_is_not_mentioned() -> None:
    assert not [it for it in rendering("on CPUs").objects if "azure.workload.identity" in str(it)]


def test_secrets_are_named_and_never_made(each: Rendering) -> None:
    assert not each.of("Secret")
    variables = [it for pod in each.pods for container in pod.containers for it in container.get("env", ())]
    ledgers = [it for it in variables if it["name"] == "BAAS_LEDGER"]
    assert ledgers
    assert all(it["valueFrom"]["secretKeyRef"] == {"name": "baas-ledger", "key": "url"} for it in ledgers)


def test_the_migration_goes_before_everything_else_and_can_be_left_to_you() -> None:
    job = rendering("on CPUs").one("Job", "baas-migration")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    # The log of one that failed can be read until the next try.
    assert job["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    # A hook that goes first finds nothing of the release but what was there before.
    assert "serviceAccountName" not in job["spec"]["template"]["spec"]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["ledger", "upgrade"]
    assert not render(VALUE_SETS["no rights of its own making"]).of("Job")
