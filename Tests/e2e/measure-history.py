#!/usr/bin/env python3
"""Measures what `ipcbench history` finds, and what it finds that is not there: the table in docs/ci.md.

    Tests/e2e/measure-history.py .build/release/ipcbench [SEEDS]

Made-up runs with normal noise between them, a hundred series at a time, so that each is held to what is rare among a
hundred. A cell is the share of series that are called a regression. No test: it takes minutes, and its answer is a
figure.
"""

import concurrent.futures
import importlib.util
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import python_tools

SERIES = 100
NOISES = [0.01, 0.03, 0.05, 0.10]
# How many runs, one after the other, at which factor of the first.
SHAPES = {
    "steady": [(25, 1.0)],
    "+10 %, 5 runs": [(20, 1.0), (5, 1.10)],
    "+15 %, 3 runs": [(20, 1.0), (3, 1.15)],
    "+15 %, 5 runs": [(20, 1.0), (5, 1.15)],
    "+20 %, 5 runs": [(20, 1.0), (5, 1.20)],
    "+15 %, 6 runs, repaired": [(10, 1.0), (6, 1.15), (8, 1.0)],
    "the same, and again 5 runs": [(10, 1.0), (6, 1.15), (8, 1.0), (5, 1.15)],
}


def made_up_runs():
    """The module that makes runs up for the tests."""
    path = pathlib.Path(__file__).with_name("verify-history.py")
    specification = importlib.util.spec_from_file_location("verify_history", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def regressions(tool, seed, noise, shape):
    """How many of the series of one history are called a regression."""
    generator = random.Random(f"{seed} {noise} {shape}")
    with tempfile.TemporaryDirectory(prefix="ipcbench-history-") as folder:
        runs = made_up_runs().Runs(folder, seed=seed)
        for factor in [factor for count, factor in shape for _ in range(count)]:
            runs.add({f"m{number}": 1000 * factor * generator.lognormvariate(0, noise) for number in range(SERIES)})
        result = subprocess.run([tool, "history", folder, "--format", "json"], capture_output=True, text=True,
                                check=False)
        assert result.returncode in (0, 2, 6), result.stderr
        return sum(series["verdict"] == "regression" for series in json.loads(result.stdout)["series"])


def main():
    if not python_tools.enter():
        sys.exit("measure-history: there is no Apache Otava, and IPCBENCH_OFFLINE=1 forbids to fetch it.")
    tool = str(pathlib.Path(sys.argv[1]).resolve())
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print("| noise between runs | " + " | ".join(SHAPES) + " |")
    print("|--:|" + "--:|" * len(SHAPES))
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for noise in NOISES:
            cells = []
            for shape in SHAPES.values():
                jobs = [pool.submit(regressions, tool, seed, noise, shape) for seed in range(seeds)]
                found = sum(job.result() for job in jobs)
                cells.append(f"{100 * found / (seeds * SERIES):.3g} %")
            print(f"| {100 * noise:.0f} % | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{seeds * SERIES} series a cell, {SERIES} in a history")


if __name__ == "__main__":
    main()
