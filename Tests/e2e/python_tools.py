#!/usr/bin/env python3
"""The Python environment of the end-to-end tests, made once, outside the repository.

A test calls enter() first and then runs inside the environment that requirements.txt describes. Run by
itself, this prints the environment's folder of programs:

    "$(Tests/e2e/python_tools.py)/otava" --help

The environment lies in ${XDG_CACHE_HOME:-~/.cache}/ipcbench-tests, one for each content of requirements.txt
and each Python. Packages come from PyPI. Where that cannot be reached and there is no environment yet, a
test fails with a sentence, unless IPCBENCH_OFFLINE=1 allows it to skip what needs one.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"


def cache():
    """The folder for everything that tests keep from one time to the next."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = pathlib.Path(base) / "ipcbench-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_offline():
    return os.environ.get("IPCBENCH_OFFLINE") == "1"


def environment():
    """The environment's folder, made if need be; None when it is not there and must not be fetched."""
    name = ".".join(map(str, sys.version_info[:2]))
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = cache() / f"venv-{name}-{digest}"
    complete = folder / "complete"
    if complete.exists():
        complete.touch()
        return folder
    if is_offline():
        return None
    with open(cache() / "lock", "w", encoding="utf-8") as lock:
        # Two tests that start together must not both make it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            remove_old()
            make(folder)
            complete.touch()
    return folder


def remove_old():
    """Environments of requirements that nobody has asked for in a month."""
    for complete in cache().glob("venv-*/complete"):
        if time.time() - complete.stat().st_mtime > 30 * 24 * 3600:
            shutil.rmtree(complete.parent, ignore_errors=True)


def make(folder):
    print(f"python-tools: making {folder} (once)", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    # What runs this may be an environment itself.
    python = getattr(sys, "_base_executable", None) or sys.executable
    run([python, "-m", "venv", str(folder)], "Python cannot make environments: apt-get install python3-venv")
    run(
        [
            str(folder / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            str(REQUIREMENTS),
        ],
        "the packages of Tests/e2e/requirements.txt cannot be installed from PyPI; without a network, "
        "IPCBENCH_OFFLINE=1 skips what needs them",
    )


def run(command, problem):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        last = (result.stdout.strip().splitlines() or ["no reason given"])[-1]
        sys.exit(f"python-tools: {problem} ({last}).")


def enter():
    """Goes on in the environment, by running the same program again with its Python.

    Returns whether the packages are there; they are not only with IPCBENCH_OFFLINE=1.
    """
    if os.environ.get("IPCBENCH_TEST_ENVIRONMENT") == sys.prefix:
        return True
    folder = environment()
    if folder is None:
        return False
    os.environ["IPCBENCH_TEST_ENVIRONMENT"] = str(folder)
    os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    os.execv(str(folder / "bin/python"), [str(folder / "bin/python"), *sys.argv])


if __name__ == "__main__":
    made = environment()
    if made is None:
        sys.exit("python-tools: there is no environment yet, and IPCBENCH_OFFLINE=1 forbids to fetch one.")
    print(made / "bin")
