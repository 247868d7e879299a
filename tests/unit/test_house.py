"""The house stays liveable: style, types, arrows and light imports."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> str:
    """Run a tool in the checkout; return what it printed, fail with it if it failed."""
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(400)
def test_types_hold() -> None:
    run("-m", "mypy")


def test_code_is_linted_and_formatted() -> None:
    run("-m", "ruff", "check", ".")
    run("-m", "ruff", "format", "--check", ".")


def test_arrows_run_down() -> None:
    run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("veridical", ("numpy", "scipy", "sklearn", "PySide6", "psychopy", "pylsl")),
        ("veridical.cli", ("scipy", "sklearn", "PySide6", "psychopy", "matplotlib")),
        ("veridical.presenter", ("scipy", "sklearn", "PySide6", "PyQt6", "matplotlib")),
        ("veridical.presenter.__main__", ("scipy", "sklearn", "PySide6", "PyQt6", "matplotlib")),
        ("veridical.recorder.__main__", ("scipy", "sklearn", "PySide6", "psychopy", "matplotlib")),
    ],
)
def test_import_stays_light(module: str, heavy: tuple[str, ...]) -> None:
    loaded = run("-c", f"import sys, {module}; print(' '.join(sys.modules))").split()
    assert not set(heavy) & set(loaded)


def test_direct_dependencies_are_pinned_exactly() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    assert pins
    assert all("==" in pin for pin in pins)
