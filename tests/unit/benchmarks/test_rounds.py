import json
from collections.abc import Callable
from dataclasses import asdict

from tests.benchmarks.rounds import Finding, Outcome, aims, alternate, markdown, ratios, read_outcome


def test_contestants_take_turns_and_the_first_round_does_not_count() -> None:
    called: list[str] = []

    def contestant(name: str) -> Callable[[], int]:
        def run() -> int:
            called.append(name)
            return len(called)

        return run

    given = alternate({name: contestant(name) for name in "abc"}, rounds=2)
    assert called == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert given == {"a": [6, 8], "b": [4, 9], "c": [5, 7]}


def test_ratios_are_those_of_the_same_round() -> None:
    assert ratios([4, 9], [2, 3]) == [2, 3]


def test_a_table_shows_median_spread_and_whether_the_aim_was_met() -> None:
    outcome = Outcome(
        title="Redaction",
        findings=[
            Finding(what="one edit", values=[1.1, 1.2, 1.0], unit="x", at_most=1.15),
            Finding(what="planned", values=[1500.0], unit="images/s", at_least=2000),
            Finding(what="memory", values=[0.25, 0.5]),
        ],
        notes=["Four pictures."],
    )
    assert markdown(outcome).splitlines() == [
        "| | median | spread | aim |",
        "|---|--:|--:|---|",
        "| one edit | 1.1 x | 1 to 1.2 | ≤ 1.15 x |",
        "| planned | 1,500 images/s | once | ≥ 2,000 images/s **missed** |",
        "| memory | 0.375 | 0.25 to 0.5 | |",
        "",
        "- Four pictures.",
    ]


def test_aims_of_all_benchmarks_stand_in_one_table() -> None:
    outcome = Outcome(
        title="Whole",
        findings=[
            Finding(what="fast", values=[2, 4, 3.0], unit="x", at_least=3),
            Finding(what="how many", values=[7]),
            Finding(what="share", values=[0.5], at_least=0.85),
        ],
        notes=["Two pictures."],
    )
    told = read_outcome(json.loads(json.dumps(asdict(outcome))))
    assert told == outcome
    assert aims({"whole": told}).splitlines()[2:] == [
        "| [whole](performance/whole.md) | fast | 3 x | ≥ 3 x |",
        "| [whole](performance/whole.md) | share | 0.5 | ≥ 0.85 **missed** |",
    ]
