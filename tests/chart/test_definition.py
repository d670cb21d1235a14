"""The definition of BlurJobs within the chart."""

import pytest
import yaml

from tests.blurjobs import ROOT
from tests.chart.rendering import render

NAME = "blurjobs.blurring.amsterdam.nl"
CHECKED_IN = yaml.safe_load((ROOT / "crds" / "blurjobs.yaml").read_text())


def test_it_is_the_one_that_is_checked_in() -> None:
    ours = render({"crds": {"enabled": True}}).one("CustomResourceDefinition", NAME)
    assert ours["spec"] == CHECKED_IN["spec"]
    assert ours["metadata"]["labels"]["app.kubernetes.io/component"] == "crd"


@pytest.mark.parametrize("keep", [True, False])
def test_it_outlives_the_release_unless_you_say_otherwise(keep: bool) -> None:
    ours = render({"crds": {"enabled": True, "keep": keep}}).one("CustomResourceDefinition", NAME)
    assert ours["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == ("keep" if keep else None)


def test_a_second_release_leaves_it_alone() -> None:
    assert not render({"crds": {"enabled": False}}).of("CustomResourceDefinition")
