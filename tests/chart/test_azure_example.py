"""examples/azure is of one piece with the chart. Nobody can deploy it here, but names that do not fit are found."""

import re
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import CLIENT_ID, HERE, render

AZURE = Path(__file__).resolve().parents[2] / "examples" / "azure"
README = (AZURE / "README.md").read_text()
MAIN = (AZURE / "main.bicep").read_text()
OUTPUTS = set(re.findall(r"^output (\w+) ", MAIN, re.MULTILINE))
ROLES = {  # learn.microsoft.com/azure/role-based-access-control/built-in-roles
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
}


def values() -> dict[str, object]:
    """The values of step 4, as the shell would write them."""
    (text,) = re.findall(r"<<END\n(.*?)\nEND\n", README, re.DOTALL)
    found = {
        "registry": "myregistry.azurecr.io",
        "ledgerUrl": "postgresql://blur-ledger.postgres.database.azure.com/baas?auth=entra",
        "account": "blur123",
    }
    assert isinstance(text, str)
    document = yaml.safe_load(re.sub(r"\$\(out (\w+)\)", lambda match: found.get(match[1], CLIENT_ID), text))
    assert isinstance(document, dict)
    return document


def test_the_outputs_that_the_walk_through_uses_are_there() -> None:
    assert set(re.findall(r"\$\(out (\w+)", README)) | {"accountUrl"} == OUTPUTS


def test_the_chart_takes_the_values_and_runs_as_the_accounts_that_the_identities_belong_to() -> None:
    release = render(values(), {"ledger": {"existingSecret": None}})
    carrying = {
        found["metadata"]["name"]
        for found in release.of("ServiceAccount")
        if "azure.workload.identity/client-id" in found["metadata"].get("annotations", {})
    }
    modules = (AZURE / "modules" / "identities.bicep").read_text()
    (parts,) = re.findall(r"^var parts = (\[.*\])$", modules, re.MULTILINE)
    assert carrying == {f"baas-{part}" for part in yaml.safe_load(parts)}
    assert "subject: 'system:serviceaccount:${namespace}:${release}-${part}'" in modules
    assert re.findall(r"param (release|namespace) string = '(\w+)'", MAIN) == [("release", "baas"), ("namespace", HERE)]


def test_roles_are_those_that_their_comments_name() -> None:
    text = "".join(path.read_text() for path in (AZURE / "modules").iterdir())
    assert set(re.findall(r"roleDefinitions', '([0-9a-f-]{36})'", text)) == set(ROLES.values())
    for comment, rest in re.findall(r"// Built-in roles?: ([^.]+)\.\n((?:var .*\n)+)", text):
        assert [ROLES[name] for name in comment.split(", ")] == re.findall(r"'([0-9a-f-]{36})'", rest)


@pytest.mark.parametrize("path", sorted(AZURE.rglob("*.bicep")), ids=lambda path: path.name)
def test_nothing_takes_a_password_or_a_key(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"listKeys|administratorLoginPassword|@secure", text)
    for setting, value in re.findall(
        r"(passwordAuth|allowSharedKeyAccess|adminUserEnabled|DisableLocalAuth): (\S+)", text
    ):
        assert value in {"'Disabled'", "false"} or setting == "DisableLocalAuth"
