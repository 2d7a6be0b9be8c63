#!/usr/bin/env python3
"""Checks `ipcbench history` with made-up runs and the real Apache Otava.

    Tests/e2e/verify-history.py .build/debug/ipcbench

Each test is a function whose name is what it claims. Runs are CSV files as ipcbench writes them, one a day, with
seeded noise of one per cent. Otava comes from the environment that requirements.txt describes, and is replaced only
where the test is about one that does not answer.
"""

import concurrent.futures
import csv
import datetime
import importlib.metadata
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import python_tools

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = (
    "schema_version,run_id,session_id,host_id,environment_hash,git_commit,mechanism,variant,pattern,wait,placement,"
    "attach,scope,producers,consumers,message_bytes,rate_target_per_s,trial,pair_index,order_in_session,metric,value,"
    "unit,better,samples,status,reason,touch,attempt,probes_agree"
).split(",")
UNITS = {"latency_rtt_p50": ("ns", "lower"), "message_rate": ("1/s", "higher"),
         "probe_cache_line_before": ("ns", "none"), "probe_cache_line_after": ("ns", "none")}
MECHANISMS = ["pipe", "fifo", "tcp", "udp", "eventfd", "socketpair"]

TOOL = None
CLAIMS = []


def claim(test):
    """Registers a test; its name is what it claims."""
    CLAIMS.append(test)
    return test


class Runs:
    """Made-up runs in a folder."""

    def __init__(self, folder, seed=1, start="2026-01-01"):
        self.folder = pathlib.Path(folder)
        self.random = random.Random(seed)
        self.start = datetime.datetime.fromisoformat(start + "T03:15:00")
        self.ids = []

    def add(self, levels, host="00000000000000aa", environment="00000000000000bb", commit=None, metric="latency_rtt_p50",
            probe=210.0):
        """One more run, a day after the one before, with the median of each mechanism at its level and three trials."""
        day = len(self.ids)
        time = self.start + datetime.timedelta(days=day)
        run = time.strftime("%Y%m%dT%H%M%SZ-") + f"{day:06x}"
        self.ids.append(run)
        with open(self.folder / f"{run}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            order = 0
            for trial in range(3):
                for mechanism, level in levels.items():
                    values = {metric: level * self.random.gauss(1, 0.01), "probe_cache_line_before": probe,
                              "probe_cache_line_after": probe}
                    for name, value in values.items():
                        writer.writerow([
                            1, run, f"{run}-s", host, environment, commit or f"{day:040x}", mechanism, "",
                            "stream" if metric == "message_rate" else "round-trip", "block", "same-l3", "inherit",
                            "host", 1, 1, 64, "", trial, "", order, name, value, *UNITS[name], 1000, "ok", "", "all",
                            0, "true"])
                    order += 1
        return run

    def series(self, count, step_at=None, factor=1.15, which=("pipe",), **options):
        """Runs in which some mechanisms change by a factor from one of them on."""
        for index in range(count):
            changed = step_at is not None and index >= step_at
            self.add({name: 1000 * (place + 5) * (factor if changed and name in which else 1)
                      for place, name in enumerate(MECHANISMS)}, **options)
        return self


def history(folder, *options, expect, environment=None):
    """Runs the command; returns what it printed. JSON is parsed."""
    variables = {**os.environ, "GITHUB_STEP_SUMMARY": "", **(environment or {})}
    result = subprocess.run([TOOL, "history", str(folder), *options], capture_output=True, text=True, env=variables,
                            check=False)
    say = f"history {' '.join(options)}: exit code {result.returncode}\n{result.stdout}{result.stderr}"
    assert result.returncode == expect, f"expected exit code {expect} from {say}"
    if "json" in options and expect in (0, 2, 5, 6):
        return json.loads(result.stdout)
    return result


def verdicts(outcome):
    return {series["case"]["mechanism"]: series["verdict"] for series in outcome["series"]}


def of(outcome, mechanism):
    return next(series for series in outcome["series"] if series["case"]["mechanism"] == mechanism)


@claim
def noise_alone_is_no_change(folder):
    Runs(folder).series(20)
    outcome = history(folder, "--format", "json", expect=0)
    assert set(verdicts(outcome).values()) == {"unchanged"}, verdicts(outcome)
    assert all(len(series["points"]) == 20 for series in outcome["series"])
    assert not any(series["changes"] for series in outcome["series"])


@claim
def a_step_of_15_percent_in_one_case_is_found_where_it_is(folder):
    runs = Runs(folder).series(20, step_at=15)
    outcome = history(folder, "--format", "json", expect=2)
    assert verdicts(outcome) == {**dict.fromkeys(MECHANISMS, "unchanged"), "pipe": "regression"}, verdicts(outcome)
    change = of(outcome, "pipe")["decisive"]
    assert (change["run_id"], change["previous_run_id"]) == (runs.ids[15], runs.ids[14]), change
    assert change["git_commit"] == f"{15:040x}" and change["previous_git_commit"] == f"{14:040x}"
    assert 1.13 < change["ratio"] < 1.17 and change["is_worse"] and change["is_certain"], change
    assert change["runs_after"] == 5 and change["p_value"] < 0.001
    result = history(folder, expect=2)
    reason = "ipcbench: regression: pipe round-trip 64 B block: p50 +"
    assert result.stderr.startswith(reason) and result.stderr.count("\n") == 1, result.stderr
    assert runs.ids[15] in result.stderr and runs.ids[15] in result.stdout


@claim
def a_step_with_only_two_runs_after_it_is_not_yet_certain(folder):
    runs = Runs(folder).series(20, step_at=18)
    outcome = history(folder, "--format", "json", expect=6)
    assert of(outcome, "pipe")["verdict"] == "inconclusive", verdicts(outcome)
    assert "2 runs of 3" in of(outcome, "pipe")["reason"]
    # The third run makes it certain.
    runs.add({name: 1000 * (place + 5) * (1.15 if name == "pipe" else 1) for place, name in enumerate(MECHANISMS)})
    assert of(history(folder, "--format", "json", expect=2), "pipe")["verdict"] == "regression"
    # For whom five are needed, it is not.
    history(folder, "--min-points", "5", expect=6)


@claim
def an_improvement_is_no_regression(folder):
    Runs(folder).series(20, step_at=12, factor=0.8)
    outcome = history(folder, "--format", "json", expect=0)
    assert of(outcome, "pipe")["verdict"] == "improvement"
    assert 0.78 < of(outcome, "pipe")["decisive"]["ratio"] < 0.82


@claim
def a_rate_that_falls_is_a_regression(folder):
    Runs(folder).series(20, step_at=12, factor=0.8, metric="message_rate")
    outcome = history(folder, "--format", "json", expect=2)
    assert of(outcome, "pipe")["verdict"] == "regression" and of(outcome, "pipe")["better"] == "higher"


@claim
def a_repaired_regression_is_history(folder):
    runs = Runs(folder)
    runs.series(10)
    runs.series(6, step_at=0)
    runs.series(8)
    outcome = history(folder, "--format", "json", expect=0)
    assert of(outcome, "pipe")["verdict"] == "unchanged"
    assert [change["run_id"] for change in of(outcome, "pipe")["changes"]] == [runs.ids[10], runs.ids[16]]
    text = history(folder, "--all", expect=0).stdout
    assert runs.ids[10] in text and runs.ids[16] in text


@claim
def since_starts_afresh(folder):
    runs = Runs(folder).series(24, step_at=12)
    history(folder, expect=2)
    history(folder, "--since", runs.ids[12], expect=0)
    day = (runs.start + datetime.timedelta(days=12)).strftime("%Y-%m-%d")
    outcome = history(folder, "--since", day, "--format", "json", expect=0)
    assert len(of(outcome, "pipe")["points"]) == 12


@claim
def environments_are_never_mixed(folder):
    runs = Runs(folder)
    runs.series(10)
    # Twice as slow after the kernel was changed: another machine, not a regression.
    for _ in range(10):
        runs.add({name: 2000 * (place + 5) for place, name in enumerate(MECHANISMS)}, environment="00000000000000cc")
    outcome = history(folder, "--format", "json", expect=0)
    assert len(outcome["series"]) == 2 * len(MECHANISMS)
    assert {s["verdict"] for s in outcome["series"]} == {"superseded", "unchanged"}
    assert "2 machines or environments" in history(folder, expect=0).stdout


@claim
def a_change_of_the_machine_is_inconclusive_by_name(folder):
    runs = Runs(folder)
    runs.series(10, probe=210.0)
    runs.series(10, step_at=0, which=MECHANISMS, probe=38.0)
    outcome = history(folder, "--format", "json", expect=6)
    assert set(verdicts(outcome).values()) == {"inconclusive"}
    assert "cache-line round trip took 210 ns before and 38 ns after" in of(outcome, "tcp")["reason"]
    assert any("6 of 6 series changed together" in note for note in outcome["notes"]), outcome["notes"]


@claim
def seven_runs_are_too_few(folder):
    Runs(folder).series(7)
    outcome = history(folder, "--format", "json", expect=5)
    assert set(verdicts(outcome).values()) == {"too_short"}
    assert "needs 8 runs" in history(folder, expect=5).stderr
    # Otava is not asked, so it need not be there.
    history(folder, "--otava", "/nonexistent", expect=5)


@claim
def a_case_that_a_run_lacks_has_one_point_less(folder):
    runs = Runs(folder).series(20, step_at=15)
    path = runs.folder / f"{runs.ids[7]}.csv"
    lines = [line for line in path.read_text().splitlines(keepends=True) if ",pipe," not in line]
    path.write_text("".join(lines))
    outcome = history(folder, "--format", "json", expect=2)
    assert len(of(outcome, "pipe")["points"]) == 19 and len(of(outcome, "tcp")["points"]) == 20
    assert of(outcome, "pipe")["decisive"]["run_id"] == runs.ids[15]


@claim
def old_runs_and_runs_from_the_future_count(folder):
    # By itself Otava looks at the last year up to now.
    Runs(folder, start="2019-01-01").series(20, step_at=15)
    history(folder, expect=2)
    shutil.rmtree(folder)
    folder.mkdir()
    Runs(folder, start="2090-01-01").series(20, step_at=15)
    history(folder, expect=2)


@claim
def variables_of_a_ci_do_not_reach_otava(folder):
    Runs(folder).series(20, step_at=15)
    history(folder, expect=2, environment={"BRANCH": "main", "OTAVA_CONFIG": "/nonexistent", "SLACK_BOT_TOKEN": "x"})


@claim
def filters_metrics_and_limits_choose(folder):
    Runs(folder).series(20, step_at=15)
    outcome = history(folder, "mechanism:tcp,udp", "--format", "json", expect=0)
    assert set(verdicts(outcome)) == {"tcp", "udp"}
    history(folder, "--threshold", "30%", expect=0)
    history(folder, "--p-value", "1e-30", expect=0)
    for wrong, words in [
        (["mechanism:nope"], "nope"), (["colour:red"], "colour"), (["--metric", "nope"], "nope"),
        (["--metric", "probe_cache_line_before"], "probe_cache_line_before"), (["--min-points", "1"], "at least 2"),
        (["--p-value", "2"], "between 0 and 1"), (["--since", "yesterday"], "yesterday"), (["--format", "csv"], "json"),
    ]:
        result = history(folder, *wrong, expect=64)
        assert words in result.stderr and not result.stdout, result.stderr


@claim
def what_otava_was_given_can_be_looked_at_with_otava(folder):
    runs = Runs(folder).series(20, step_at=15)
    kept = folder / "kept"
    history(folder, "--out", str(kept), expect=2)
    assert {path.name for path in kept.iterdir()} == {"series-1.csv", "otava.yaml", "answer.jsonl", "otava.log"}
    # As the documentation says.
    result = subprocess.run(["otava", "analyze", "ipcbench", "--config-file", "otava.yaml"], cwd=kept,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0 and runs.ids[15] in result.stdout and "%" in result.stdout, result.stdout


@claim
def every_format_says_the_same_and_fits(folder):
    runs = Runs(folder).series(20, step_at=15)
    for options in ([], ["--all"]):
        text = history(folder, *options, expect=2).stdout
        assert all(len(line) <= 80 for line in text.splitlines()), text
        assert text.startswith("Regression: 1 of 6 series is worse"), text
    markdown = history(folder, "--format", "md", expect=2).stdout
    assert markdown.startswith("## Regression: 1 of 6") and runs.ids[15] in markdown and "| pipe " in markdown
    summary = folder / "summary.md"
    summary.write_text("before\n")
    history(folder, expect=2, environment={"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text() == "before\n" + markdown + "\n"
    schema = json.loads((HERE.parents[1] / "results/schema/history.schema.json").read_text())
    import jsonschema
    jsonschema.Draft202012Validator.check_schema(schema)
    outcome = history(folder, "--format", "json", expect=2)
    jsonschema.Draft202012Validator(schema).validate(outcome)
    # Every field is described.
    broken = json.loads(json.dumps(outcome))
    broken["series"][0]["decisve"] = None
    assert not jsonschema.Draft202012Validator(schema).is_valid(broken)


@claim
def an_absent_or_broken_otava_is_said_in_a_sentence(folder):
    Runs(folder).series(20, step_at=15)

    def program(text):
        path = folder / f"otava-{len(list(folder.iterdir()))}"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return str(path)

    empty = folder / "empty"
    empty.mkdir()
    nowhere = {"PATH": str(empty)}
    cases = [
        ([], nowhere, "pip install apache-otava=="),
        (["--otava", "/nonexistent"], None, "/nonexistent is not a program"),
        (["--otava", program("exit 0\n")], None, "gave no answer for series-1.csv"),
        (["--otava", program("echo 'ERROR: no disk' >&2; exit 3\n")], None, "exited with 3. It said: ERROR: no disk"),
    ]
    for options, environment, words in cases:
        result = history(folder, *options, expect=1, environment=environment)
        assert words in result.stderr and result.stderr.count("\n") == 1 and not result.stdout, result.stderr
    result = history(folder, "--otava", program("echo 'No regressions found in series-1.'\n"), expect=1)
    assert "not the JSON" in result.stderr, result.stderr
    # Where there is no program on the PATH but the package: as after `pip install --user`.
    wrapper = empty / "python3"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    wrapper.chmod(0o755)
    history(folder, expect=2, environment=nowhere)


def check(test):
    with tempfile.TemporaryDirectory(prefix="ipcbench-history-") as folder:
        test(pathlib.Path(folder))
    return test.__name__.replace("_", " ")


def main():
    global TOOL
    if not python_tools.enter():
        print("e2e: skipped history: there is no Apache Otava, and IPCBENCH_OFFLINE=1 forbids to fetch it")
        return
    TOOL = str(pathlib.Path(sys.argv[1]).resolve())
    # Starting Otava takes most of the time, and it uses one processor.
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for words in pool.map(check, CLAIMS):
            print(f"  {words}")
    version = importlib.metadata.version("apache-otava")
    print(f"e2e: history: {len(CLAIMS)} claims hold with Apache Otava {version}")


if __name__ == "__main__":
    main()
