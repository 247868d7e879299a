"""The wheel carries what the program needs and nothing a lab machine may hold."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """File names inside a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_carries_stimuli_and_resources(names: set[str]) -> None:
    assert "veridical/_stimuli/stimuli.tsv" in names
    assert "veridical/_resources/texts/en.toml" in names
    assert any(name.startswith("veridical/_resources/fonts/") and name.endswith(".otf") for name in names)
    assert "veridical/cli/__init__.py" in names


def test_wheel_holds_nothing_git_does_not_know(names: set[str]) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    homes = {"app/veridical/": "veridical/", "stimuli/": "veridical/_stimuli/", "resources/": "veridical/_resources/"}
    known = {new + path[len(old) :] for path in listed for old, new in homes.items() if path.startswith(old)}
    assert {n for n in names if ".dist-info/" not in n} <= known
