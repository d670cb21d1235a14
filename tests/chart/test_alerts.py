"""Alerts fire when they should and not otherwise, as Prometheus' own promtool sees them; each has its page."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from baas_crds.blurjob import MAX_NAME_LENGTH
from tests.blurjobs import pod_name
from tests.chart.rendering import HERE, VALUE_SETS, Object, Rendering, render, rendering
from tests.dashboards.queries import GRAFANA, prometheus_queries, told_metrics
from tests.npm_packages import ROOT
from tests.waiting import PATIENCE_SECONDS

ON: Object = {"monitoring": {"prometheusRule": {"enabled": True}}}
OPERATOR = 'namespace="panoramas", pod="baas-operator-7d9f-x2x"'
RUN = f'exported_namespace="panoramas", blurjob="amsterdam", {OPERATOR}'
WORKER = 'namespace="panoramas", pod="amsterdam-work-1-k5k"'
TRITON = 'model="person_plate", namespace="panoramas", pod="baas-triton-5c-9zz"'
WELL = {
    f"baas_operator_queue_age_seconds{{{OPERATOR}}}": "0x720",
    f'baas_operator_images{{outcome="published", {RUN}}}': "0+10x720",
    f'baas_operator_images{{outcome="quarantined", {RUN}}}': "0+0.1x720",
    f"baas_operator_run_silence_seconds{{{RUN}}}": "12+0x720",
    f'baas_operator_blurjobs{{phase="Waiting", {OPERATOR}}}': "0x720",
    f'baas_operator_blurjobs{{phase="Failed", {OPERATOR}}}': "0x720",
    f'baas_images_total{{baas_outcome="published", {WORKER}}}': "0+10x720",
    f'baas_detections_total{{baas_class="person", {WORKER}}}': "0+30x720",
    f'baas_retries_total{{baas_dependency="ledger", {WORKER}}}': "3+0x720",
    f"nv_inference_request_success{{{TRITON}}}": "0+100x720",
    f"nv_inference_queue_duration_us{{{TRITON}}}": "0+1000000x720",
}
"""A run of ten images a minute, of which all is well, for twelve hours."""

# What is different, after how long, and which alert fires then: with nothing else.
TROUBLES = {
    "BaasOperatorGone": ("15m", {f"baas_operator_queue_age_seconds{{{OPERATOR}}}": None}),
    "BaasOperatorErrors": ("1h", {f'baas_operator_reconcile_errors_total{{error="Forbidden", {OPERATOR}}}': "0+1x720"}),
    "BlurJobFailed": ("1m", {f'baas_operator_blurjobs{{phase="Failed", {OPERATOR}}}': "1x720"}),
    "BlurJobQuarantinesMany": ("1h", {f'baas_operator_images{{outcome="quarantined", {RUN}}}': "0+1x720"}),
    "BlurJobStalled": ("50m", {f"baas_operator_run_silence_seconds{{{RUN}}}": "0+60x720"}),
    "BlurJobsWait": ("30m", {f'baas_operator_blurjobs{{phase="Waiting", {OPERATOR}}}': "2x720"}),
    "BaasDetectorUnreachable": ("30m", {f'baas_retries_total{{baas_dependency="triton", {WORKER}}}': "0+4x720"}),
    "BaasLedgerUnreachable": ("30m", {f'baas_retries_total{{baas_dependency="ledger", {WORKER}}}': "0+4x720"}),
    "BaasStoreUnreachable": ("30m", {f'baas_retries_total{{baas_dependency="store", {WORKER}}}': "0+4x720"}),
    "BaasNoDetections": ("3h", {f'baas_detections_total{{baas_class="person", {WORKER}}}': None}),
    "BaasTritonGone": ("30m", {f"nv_inference_request_success{{{TRITON}}}": None}),
    "BaasTritonSlow": ("1h", {f"nv_inference_queue_duration_us{{{TRITON}}}": "0+600000000x720"}),
}


@pytest.fixture(scope="module")
def rules() -> dict[str, Object]:
    """The alerts by name."""
    return alerts(render(ON))


def alerts(found: Rendering) -> dict[str, Object]:
    (group,) = found.one("PrometheusRule", "baas-alerts")["spec"]["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def promtool(*words: str | Path, folder: Path) -> str:
    done = subprocess.run(
        ["promtool", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["everything", "another's Triton"])
def test_prometheus_takes_the_rules(name: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rendering(name).one("PrometheusRule", "baas-alerts")["spec"]))
    assert "SUCCESS" in promtool("check", "rules", "rules.yaml", folder=tmp_path)


def test_each_alert_has_a_trouble_that_it_is_for(rules: dict[str, Object]) -> None:
    assert set(TROUBLES) == set(rules)


def test_nothing_fires_while_all_is_well(rules: dict[str, Object], tmp_path: Path) -> None:
    times = ("1m", "20m", "2h", "11h")
    expect(rules, tmp_path, WELL, [(at, name, None) for at in times for name in rules])


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_trouble_fires_one_alert(trouble: str, rules: dict[str, Object], tmp_path: Path) -> None:
    after, changes = TROUBLES[trouble]
    series = {name: values for name, values in (WELL | changes).items() if values is not None}
    expect(rules, tmp_path, series, [(after, name, rules[name] if name == trouble else None) for name in rules])


def test_a_word_in_vain_now_and_then_wakes_nobody(rules: dict[str, Object], tmp_path: Path) -> None:
    once = {f'baas_retries_total{{baas_dependency="triton", {WORKER}}}': "0x60 1x660"}
    expect(rules, tmp_path, WELL | once, [(at, "BaasDetectorUnreachable", None) for at in ("62m", "75m", "90m")])


def test_a_small_run_without_anybody_in_it_wakes_nobody(rules: dict[str, Object], tmp_path: Path) -> None:
    series = {f'baas_images_total{{baas_outcome="published", {WORKER}}}': "0+2x720"}
    expect(rules, tmp_path, series, [("11h", "BaasNoDetections", None)])


def test_one_run_with_detections_does_not_hide_another_without(rules: dict[str, Object], tmp_path: Path) -> None:
    other = 'namespace="panoramas", pod="utrecht-2026-work-3-abc"'
    series = WELL | {f'baas_images_total{{baas_outcome="published", {other}}}': "0+10x720"}
    expect(rules, tmp_path, series, [("3h", "BaasNoDetections", rules["BaasNoDetections"])], labels={"utrecht-2026"})


@pytest.mark.parametrize("attempt", [1, 12, 99999])
def test_a_long_name_of_which_kubernetes_cuts_the_end_hides_no_run(
    attempt: int, rules: dict[str, Object], tmp_path: Path
) -> None:
    for name in ("x" * length for length in range(45, MAX_NAME_LENGTH + 1)):
        worker = f'namespace="panoramas", pod="{pod_name(f"{name}-work-{attempt}")}"'
        series = WELL | {f'baas_images_total{{baas_outcome="published", {worker}}}': "0+10x720"}
        expect(rules, tmp_path, series, [("3h", "BaasNoDetections", rules["BaasNoDetections"])], labels={name})


def test_limits_are_the_chosen_ones() -> None:
    limits = {"stalledMinutes": 7, "quarantinedPercent": 0.5, "imagesWithoutDetections": 250}
    found = alerts(render(ON, {"monitoring": {"prometheusRule": limits}}))
    assert found["BlurJobStalled"]["expr"].endswith("> 60 * 7")
    assert found["BlurJobQuarantinesMany"]["expr"].endswith("> 0.5 / 100")
    assert "More than 0.5 of 100" in found["BlurJobQuarantinesMany"]["annotations"]["summary"]
    assert "> 250" in found["BaasNoDetections"]["expr"]


def test_alerts_say_what_is_wrong_and_what_to_do(rules: dict[str, Object]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    entries = dict(re.findall(r"\n### ((?:Baas|BlurJob)\w+)\n\n(.+?)(?=\n##)", page, re.DOTALL))
    assert set(rules) == set(entries)
    for name, rule in rules.items():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"].endswith(".")
        assert "**Means:**" in entries[name]
        assert "**Do:**" in entries[name]
    assert not any(name.startswith("BaasTriton") for name in alerts(rendering("another's Triton")))


def test_alerts_are_about_this_release_only_and_about_metrics_that_exist() -> None:
    known = {*told_metrics()["scraped"], "nv_inference_request_success", "nv_inference_queue_duration_us"}
    ours = rf'namespace="{HERE}", pod=~"baas-(operator|triton)-\.\+"'
    workers = rf'namespace=~"{HERE}\|streets", pod=~"\.\+-work-'
    for rule in alerts(rendering("everything")).values():
        metrics = re.findall(r"(\w+)\{([^}]*)\}", rule["expr"])
        assert metrics, rule["expr"]
        for metric, labels in metrics:
            assert metric in known
            assert re.search(f"{ours}|{workers}", labels), labels
        assert rule["expr"].count("{") == rule["expr"].count("}") == len(metrics)


def test_workers_of_the_whole_cluster_count_where_it_is_watched() -> None:
    found = alerts(render(VALUE_SETS["the whole cluster"], ON))
    assert 'namespace=~".+", pod=~".+-work-' in found["BaasNoDetections"]["expr"]


def test_templates_of_alerts_are_prometheuss_to_fill_in(rules: dict[str, Object]) -> None:
    assert rules["BlurJobFailed"]["annotations"]["summary"] == "{{ $value }} BlurJobs have failed."


def test_prometheus_understands_what_grafana_asks(tmp_path: Path) -> None:
    queries = [query for queries in prometheus_queries().values() for query in queries]
    recorded = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    promtool("check", "rules", "rules.yaml", folder=tmp_path)


def test_grafana_finds_the_dashboard_when_it_is_wanted() -> None:
    assert "baas-dashboard" not in {it["metadata"]["name"] for it in rendering("on CPUs").of("ConfigMap")}
    wanted = {"enabled": True, "annotations": {"grafana_folder": "Streets"}, "labels": {"team": "streets"}}
    found = render({"monitoring": {"grafanaDashboard": wanted}}).one("ConfigMap", "baas-dashboard")
    assert found["metadata"]["labels"].items() >= {("grafana_dashboard", "1"), ("team", "streets")}
    assert found["metadata"]["annotations"] == {"grafana_folder": "Streets"}
    [text] = found["data"].values()
    assert json.loads(text) == json.loads(GRAFANA.read_text(encoding="utf-8"))


def expect(
    rules: dict[str, Object],
    folder: Path,
    series: dict[str, str],
    expected: list[tuple[str, str, Object | None]],
    *,
    labels: frozenset[str] | set[str] = frozenset(),
) -> None:
    """Have promtool say at which times which alerts fire: those with a rule, once, and the others not."""
    tests = {
        "evaluation_interval": "1m",
        "rule_files": ["rules.yaml"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)',
                        "eval_time": at,
                        "exp_samples": [{"labels": "{}", "value": int(rule is not None)}],
                    }
                    for at, name, rule in expected
                ]
                + [
                    {
                        "expr": f'count(ALERTS{{blurjob="{blurjob}"}})',
                        "eval_time": expected[0][0],
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                    for blurjob in labels
                ],
            }
        ],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": list(rules.values())}]}))
    (folder / "tests.yaml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", "tests.yaml", folder=folder)
