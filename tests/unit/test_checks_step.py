"""The scratch folder of an iteration goes, whatever a check did to it."""

import os
import subprocess
import sys
from pathlib import Path

from engine.checks.step import clear_other_steps
from engine.runfolder.paths import RunPaths, create_run_folder

CLEAR = "from engine.checks.step import clear_step; from engine.runfolder.paths import RunPaths;"
CLEAR += "from pathlib import Path; import sys; clear_step(RunPaths(Path(sys.argv[1])), 7)"


def as_nobody_special(*program: str) -> subprocess.CompletedProcess[str]:
    """The program, run without the rights of a superuser, who may do everything."""
    without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--"]
    prefix = without if os.geteuid() == 0 else []
    return subprocess.run([*prefix, *program], capture_output=True, text=True, check=False)


def locked_up(paths: RunPaths) -> Path:
    """A scratch folder with folders that nothing can be removed from."""
    inner = paths.step(7) / "cache" / "module"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    (paths.step(7) / "link").symlink_to(paths.root)
    inner.chmod(0o500)
    inner.parent.chmod(0o500)
    return paths.step(7)


def test_read_only_folders_go(tmp_path: Path) -> None:
    paths = create_run_folder(tmp_path)
    paths.root.chmod(0o755)
    folder = locked_up(paths)
    assert as_nobody_special("rm", "-rf", str(folder)).returncode != 0, "they are not locked up"
    done = as_nobody_special(sys.executable, "-c", CLEAR, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert not folder.exists()
    assert paths.root.stat().st_mode & 0o777 == 0o755


def test_what_cannot_be_removed_is_left_with_a_warning(tmp_path: Path) -> None:
    paths = create_run_folder(tmp_path)
    folder = locked_up(paths)
    paths.steps.chmod(0o500)
    done = as_nobody_special(sys.executable, "-c", CLEAR, str(tmp_path))
    paths.steps.chmod(0o700)
    assert done.returncode == 0
    assert f"the scratch folder {folder} is left" in done.stderr


def test_the_folders_of_open_iterations_stay(tmp_path: Path) -> None:
    paths = create_run_folder(tmp_path)
    for number in (1, 2, 3):
        paths.step(number).mkdir()
    clear_other_steps(paths, {2})
    assert list(paths.steps.iterdir()) == [paths.step(2)]
