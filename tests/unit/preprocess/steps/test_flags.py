"""Which steps may be without which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_detector.train_command import STEPS
from baas_preprocess.steps.flags import Step, Steps, contradictions
from baas_preprocess.steps.training import PARTS

ANY = st.fixed_dictionaries({}, optional={step.value: st.booleans() for step in Step})


def steps(**said: bool) -> Steps:
    return Steps.model_validate(said)


def test_only_redaction_with_both_looks_runs_when_nothing_is_said() -> None:
    assert steps().on == (Step.DETECT, Step.REDACT, Step.VERIFY)


def test_both_looks_are_off_with_redaction() -> None:
    assert steps(redact=False, inspect=True).on == (Step.INSPECT,)


@given(ANY)
def test_whatever_is_accepted_never_publishes_unseen_and_never_deletes_unchecked(said: dict[str, bool]) -> None:
    chosen = Steps.model_validate(said)
    if list(contradictions(chosen)):
        return
    on = set(chosen.on)
    assert on
    assert (Step.REDACT in on) == (Step.DETECT in on)
    assert Step.DELETE_SOURCE not in on or {Step.DETECT, Step.REDACT, Step.VERIFY} <= on
    assert Step.RETRAINING_SAMPLE not in on or Step.REDACT in on


@given(ANY)
def test_steps_run_in_one_order_and_each_refusal_names_a_step_that_is_on(said: dict[str, bool]) -> None:
    chosen = Steps.model_validate(said)
    assert list(chosen.on) == [step for step in Step if step in chosen.on]
    for sentence in contradictions(chosen):
        assert sentence.startswith("steps: none") or any(f"steps.{step} " in sentence for step in chosen.on)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"detect": False}, "steps.redact needs steps.detect"),
        ({"redact": False, "detect": True}, "steps.detect needs steps.redact"),
        ({"redact": False, "verify": True}, "steps.verify needs steps.redact"),
        ({"redact": False, "storeDetections": True}, "steps.storeDetections needs steps.redact"),
        ({"redact": False, "qualityCheck": True}, "steps.qualityCheck needs steps.redact"),
        ({"redact": False, "retrainingSample": True}, "steps.retrainingSample needs steps.redact"),
        ({"redact": False, "deleteSource": True}, "steps.deleteSource needs steps.redact"),
        ({"verify": False, "deleteSource": True}, "steps.deleteSource needs steps.verify"),
        ({"retrieve": True, "deleteSource": True}, "steps.deleteSource is not possible with steps.retrieve"),
        ({"redact": False}, "steps: none is switched on"),
    ],
)
def test_a_contradiction_is_told_by_its_key(said: dict[str, bool], sentence: str) -> None:
    assert any(told.startswith(sentence) for told in contradictions(steps(**said)))


@pytest.mark.parametrize(
    "said", [{"verify": False}, {"redact": False, "train": True}, {"redact": False, "retrieve": True, "inspect": True}]
)
def test_what_is_safe_is_accepted(said: dict[str, bool]) -> None:
    assert list(contradictions(steps(**said))) == []


def test_each_step_of_a_training_belongs_to_one_of_ours() -> None:
    parts = [part for of_step in PARTS.values() for part in of_step]
    assert sorted(parts) == sorted(STEPS)
