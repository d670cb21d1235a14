"""The command line, without any server."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from baas_crds.codes import ExitCode
from baas_detector.cli import main


@pytest.mark.parametrize("command", [[], ["build-repository"], ["serve"], ["check"], ["attack"]])
def test_help_shows_an_example(command: list[str]) -> None:
    shown = CliRunner().invoke(main, [*command, "--help"])

    assert shown.exit_code == ExitCode.DONE
    assert f"    baas-detector {' '.join(command)}" in shown.output


def test_no_heavy_library_is_loaded_before_it_is_needed() -> None:
    heavy = {"torch", "ultralytics", "onnx", "openvino", "skimage", "scipy"}
    code = f"import sys, baas_detector.cli; sys.exit(bool({heavy} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--weights", "a.pt", "--persons", "b.pt", "--plates", "c.pt"],
        ["--persons", "b.pt"],
        ["--plates", "c.pt"],
        ["--weights", "missing.pt"],
        ["--weights", "."],
        ["--vehicles", "missing.pt"],
        ["--vehicles", "persons", "--no-closer-look"],
        ["--tensorrt"],
        ["--score-floor", "0"],
        ["--max-det", "0"],
    ],
)
def test_a_build_with_contradicting_or_missing_weights_ends_before_it_writes(
    tmp_path: Path, options: list[str]
) -> None:
    output = tmp_path / "models"

    ended = CliRunner().invoke(main, ["build-repository", "--output", str(output), *options])

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "Error: " in ended.stderr
    assert not output.exists()


def test_serving_a_folder_without_a_model_says_how_to_build_one(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["serve", "--repository", str(tmp_path)])

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert f"baas-detector build-repository --output {tmp_path}" in ended.stderr


def test_checking_an_address_where_nobody_listens_ends_as_unreachable() -> None:
    ended = CliRunner().invoke(main, ["check", "--triton", "127.0.0.1:9"])

    assert ended.exit_code == ExitCode.UNREACHABLE
    assert "Error: Triton at 127.0.0.1:9 does not answer" in ended.stderr
