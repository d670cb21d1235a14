"""What a pod's environment says, and how a wrong one is told."""

from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_preprocess.pod_settings import PodSettings, read_pod_settings

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "environment.md"


def test_variables_are_read_and_the_rest_has_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_LEDGER", "postgresql://user:secret@host/database")
    monkeypatch.setenv("BAAS_TRITON", "grpc://triton:8001")
    monkeypatch.setenv("BAAS_LEASE_SECONDS", "10")
    settings = read_pod_settings()
    assert (settings.lease_seconds, settings.source_folder) == (10, Path("/data/source"))
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("name", ["baas_triton", "Baas_Triton", "triton", "TRITON"])
def test_no_other_spelling_of_a_variable_counts(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Those a BlurJob may set; where its pictures go is the operator's matter."""
    monkeypatch.setenv("BAAS_LEDGER", "postgresql://host/database")
    monkeypatch.setenv("BAAS_TRITON", "grpc://triton:8001")
    monkeypatch.setenv(name, "grpc://elsewhere:8001")
    assert read_pod_settings().triton == "grpc://triton:8001"


def test_a_missing_and_a_wrong_variable_are_both_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAAS_LEDGER", raising=False)
    monkeypatch.setenv("BAAS_TRITON", "grpc://triton:8001")
    monkeypatch.setenv("BAAS_PATIENCE_SECONDS", "a secret by mistake")
    with pytest.raises(ConfigurationError) as refused:
        read_pod_settings()
    first, second = str(refused.value).splitlines()
    assert first.startswith("BAAS_LEDGER is not set: Database URL")
    assert second.startswith("BAAS_PATIENCE_SECONDS: Input should be a valid number")
    assert "secret" not in second


@pytest.mark.parametrize("name", PodSettings.model_fields)
def test_the_reference_tells_of_every_variable_in_the_settings_own_words(name: str) -> None:
    row = next(line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `BAAS_{name.upper()}` |"))
    assert PodSettings.model_fields[name].description in row
