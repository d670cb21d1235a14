"""The definitions of BlurJobs and BlurSchedules within the chart."""

import pytest
import yaml

from tests.blurjobs import ROOT
from tests.chart.rendering import render

each_kind = pytest.mark.parametrize("plural", ["blurjobs", "blurschedules"])


@each_kind
def test_it_is_the_one_that_is_checked_in(plural: str) -> None:
    ours = render({"crds": {"enabled": True}}).one("CustomResourceDefinition", f"{plural}.blurring.amsterdam.nl")
    assert ours["spec"] == yaml.safe_load((ROOT / "crds" / f"{plural}.yaml").read_text())["spec"]
    assert ours["metadata"]["labels"]["app.kubernetes.io/component"] == "crd"


@each_kind
@pytest.mark.parametrize("keep", [True, False])
def test_it_outlives_the_release_unless_you_say_otherwise(plural: str, keep: bool) -> None:
    name = f"{plural}.blurring.amsterdam.nl"
    ours = render({"crds": {"enabled": True, "keep": keep}}).one("CustomResourceDefinition", name)
    assert ours["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == ("keep" if keep else None)


def test_a_second_release_leaves_it_alone() -> None:
    assert not render({"crds": {"enabled": False}}).of("CustomResourceDefinition")
