#!/usr/bin/env python3
"""Checks `ipcbench compare` on a real run, and on sides that are made of its rows.

    Tests/e2e/verify-compare.py .build/debug/ipcbench results/latest

Each test is a function whose name is what it claims. Sides are CSV files as people mail them: the first trial of
each case of the run, repeated with seeded noise of one per cent. Every JSON that is printed must follow
results/schema/comparison.schema.json, and every CSV must have the columns that results/schema/README.md describes.
Exit status: 0 when all claims hold, 1 with a line per claim that does not, 64 for wrong usage.
"""

import concurrent.futures
import csv
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import python_tools  # noqa: E402

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "results" / "schema"
MIRRORED = {"slower": "faster", "faster": "slower"}

TOOL, RUN, VALIDATOR = None, None, None
CLAIMS = []


def claim(test):
    """Registers a test; its name is what it claims."""
    CLAIMS.append(test)
    return test


# Running the tool


def run(*arguments, status=0):
    """What the tool prints; a sentence on standard error where it ends with another status than 0."""
    variables = dict(os.environ, LC_ALL="C.UTF-8", NO_COLOR="1")
    result = subprocess.run(
        [TOOL, "compare", *map(str, arguments)], capture_output=True, text=True, env=variables, check=False
    )
    assert result.returncode == status, f"status {result.returncode}: {result.stderr}{result.stdout[:300]}"
    if status == 0:
        # Not text mode: it would hide how lines end.
        return subprocess.run([TOOL, "compare", *map(str, arguments)], capture_output=True, env=variables).stdout.decode()
    assert result.stderr.startswith("ipcbench: ") and result.stderr.rstrip().endswith((".", "'")), result.stderr
    return result.stderr


def compared(*arguments):
    """The JSON, checked."""
    document = json.loads(run(*arguments, "--format", "json"), parse_constant=no_constant)
    errors = [f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in VALIDATOR.iter_errors(document)]
    assert not errors, errors[:3]
    return document


def no_constant(text):
    raise ValueError(f"{text} is not JSON")


def verdicts(document):
    results = document["comparisons"][0]["results"]
    return {(json.dumps(result["case"], sort_keys=True), result["metric"]): result for result in results}


# Sides made of the run's rows


class Side:
    """The first measured trial of some cases of the run, repeated."""

    def __init__(self, folder, name, *, trials=14, seed=1, times=1.0, session="made-up", host=None, paired=False, cases=6):
        self.path = pathlib.Path(folder) / f"{name}.csv"
        self.rows = []
        generator = random.Random(seed)
        for order, (trial, source) in enumerate((t, s) for t in range(trials) for s in first_trials(cases)):
            noise = 1 + 0.02 * (generator.random() - 0.5)
            for row in source:
                row = dict(row, run_id=f"20260101T000000Z-{name}", session_id=session, trial=str(trial), attempt="0")
                row["order_in_session"] = str(order + seed * 100_000)
                row["pair_index"] = str(trial) if paired else ""
                row["probes_agree"] = "true"
                if host:
                    row["host_id"] = row["environment_hash"] = host * 16
                if row["value"] and row["better"] in ("lower", "higher"):
                    factor = times * noise if row["better"] == "lower" else 1 / (times * noise)
                    row["value"] = repr(float(row["value"]) * factor).removesuffix(".0")
                self.rows.append(row)
        self.write(self.path)

    def write(self, path, shuffle=None):
        rows = list(self.rows)
        if shuffle is not None:
            random.Random(shuffle).shuffle(rows)
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        return path


def first_trials(count, found={}):
    """The rows of one trial of each of the first round-trip cases, and of as many streams."""
    if not found:
        with open(RUN / "results.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["status"] == "ok" and row["pattern"] in ("round-trip", "stream"):
                    key = tuple(row[name] for name in ("mechanism", "variant", "pattern", "wait", "message_bytes", "attach"))
                    rows = found.setdefault(key, [])
                    if not rows or rows[0]["order_in_session"] == row["order_in_session"]:
                        rows.append(row)
    chosen = [
        found[key] for pattern in ("round-trip", "stream")
        for key in sorted((key for key in found if key[2] == pattern), key=lambda key: (int(key[4]), key))[:count]
    ]  # fmt: skip
    assert chosen, f"{RUN} has no measured trial"
    return chosen


# Claims


@claim
def a_run_compared_with_itself_is_equivalent_in_everything(_):
    document = compared(RUN, RUN)
    comparison = document["comparisons"][0]
    assert comparison["kind"] == "identical", comparison["kind"]
    assert comparison["results"], "no results"
    for result in comparison["results"]:
        assert result["verdict"] == "equivalent", result
        assert [result["ratio"][name] for name in ("estimate", "lower", "upper")] == [1, 1, 1], result
    text = run(RUN, RUN)
    assert text.splitlines()[0] == "Compared with itself: both sides are the very same trials.", text[:200]


@claim
def the_csv_alone_says_the_same_as_the_directory(_):
    whole, part = compared(RUN, RUN), compared(RUN, RUN / "results.csv")
    for document in (whole, part):
        for side in document["sides"]:
            side["label"] = ""
        document["comparisons"][0].update(baseline="", candidate="")
    assert whole == part


@claim
def a_side_that_takes_half_as_long_again_is_slower_and_its_mirror_faster(folder):
    baseline, slow = Side(folder, "a", paired=True), Side(folder, "b", seed=2, times=1.5, paired=True)
    one, other = compared(baseline.path, slow.path), compared(slow.path, baseline.path)
    assert one["comparisons"][0]["kind"] == "paired"
    found, mirrored = verdicts(one), verdicts(other)
    judged = [result for result in found.values() if "ratio" in result]
    assert judged and all(result["verdict"] == "slower" for result in judged), one["comparisons"][0]["verdicts"]
    assert found.keys() == mirrored.keys()
    for key, result in found.items():
        mirror = mirrored[key]
        assert mirror["verdict"] == MIRRORED.get(result["verdict"], result["verdict"]), (result, mirror)
        if "ratio" in result:
            assert abs(mirror["ratio"]["estimate"] * result["ratio"]["estimate"] - 1) < 1e-9
            assert abs(mirror["ratio"]["lower"] * result["ratio"]["upper"] - 1) < 1e-9
            assert mirror["p_adjusted"] == result["p_adjusted"]
    text = run(baseline.path, slow.path)
    assert text.splitlines()[0].startswith("Paired comparison: ") and "\nSlower: " in text, text[:300]


@claim
def shuffled_rows_change_no_byte(folder):
    sides = [Side(folder, "a", session="one"), Side(folder, "b", seed=2, times=1.3, session="two")]
    for format in ("text", "md", "json", "csv"):
        straight = run(*(side.write(side.path) for side in sides), "--format", format)
        for seed in (1, 2):
            shuffled = run(*(side.write(side.path, shuffle=seed) for side in sides), "--format", format)
            assert straight == shuffled, format


@claim
def other_sessions_are_compared_under_the_assumed_floor(folder):
    sides = [Side(folder, "a", session="one"), Side(folder, "b", seed=2, times=1.15, session="two")]
    document = compared(*(side.path for side in sides))
    comparison = document["comparisons"][0]
    assert comparison["kind"] == "unpaired" and comparison["verdicts"]["slower"] == 0
    assert {(floor["source"], floor["share"]) for floor in comparison["noise_floors"]} == {("assumed", 0.2)}
    assert any(result.get("cause") == "within-noise-floor" for result in comparison["results"])
    lower = compared(*(side.path for side in sides), "--noise-floor", "5%")
    assert lower["comparisons"][0]["verdicts"]["slower"] > 0


@claim
def two_machines_get_no_verdicts(folder):
    sides = [Side(folder, "a"), Side(folder, "b", seed=2, times=3, host="a")]
    comparison = compared(*(side.path for side in sides))["comparisons"][0]
    assert comparison["kind"] == "cross-machine" and comparison["relative_to_reference"]
    assert all(0.9 < relative["change"]["estimate"] < 1.1 for relative in comparison["relative_to_reference"])
    text = run(*(side.path for side in sides))
    assert "slower" not in text and "faster" not in text, text


@claim
def every_further_side_is_compared_with_the_first(folder):
    first = Side(folder, "a", session="one")
    others = [Side(folder, "b", seed=2, session="two"), Side(folder, "c", seed=3, host="b")]
    document = compared(first.path, *(side.path for side in others))
    assert [comparison["kind"] for comparison in document["comparisons"]] == ["unpaired", "cross-machine"]
    assert document["headline"] == "Compared with A: B unpaired, C cross-machine."


@claim
def text_fits_eighty_columns(folder):
    sides = [Side(folder, "a"), Side(folder, "b", seed=2, times=2, session="x"), Side(folder, "c", seed=3, host="c")]
    for arguments in [(RUN, RUN, "--all"), [side.path for side in sides], [*(side.path for side in sides), "--all"]]:
        # A path is one word and may be longer than a line.
        lines = [line for line in run(*arguments).splitlines() if str(folder) not in line and str(RUN) not in line]
        long = [line for line in lines if len(line) > 80]
        assert not long, long[0]


@claim
def the_csv_has_the_documented_columns_and_says_what_the_json_says(folder):
    sides = [Side(folder, "a", session="one"), Side(folder, "b", seed=2, times=1.5, session="two")]
    text = run(*(side.path for side in sides), "--format", "csv")
    assert text.endswith("\r\n") and "\r\n\r\n" not in text
    header, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert header == documented_columns(), (header, documented_columns())
    assert all(len(row) == len(header) for row in rows)
    rows = [dict(zip(header, row)) for row in rows]
    document = compared(*(side.path for side in sides))
    results = document["comparisons"][0]["results"]
    assert len(rows) == 2 * len(results)
    candidates = [row for row in rows if row["role"] == "candidate"]
    wanted = sorted((r["metric"], r["verdict"], r["candidate"]["median"], r["ratio"]["estimate"]) for r in results)
    found = sorted((r["metric"], r["verdict"], float(r["median"]), float(r["ratio"])) for r in candidates)
    assert wanted == found


def documented_columns():
    text = (SCHEMAS / "README.md").read_text(encoding="utf-8")
    section = text.split("### ipcbench compare --format csv\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    return re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)


@claim
def wrong_usage_ends_with_64_and_unreadable_files_with_1(folder):
    side = Side(folder, "a").path
    for arguments in [
        (), (side,), (side, side, "mechansim:pipe"), (side, side, "mechanism:nope"), (side, side, "--metric", "nope"),
        (side, side, "--metric", "steal"), (side, side, "size:banana"),
    ]:  # fmt: skip
        run(*arguments, status=64)
    other = Side(folder, "b", seed=2)
    for row in other.rows:
        row["mechanism"] += "-other"
    run(side, other.write(other.path), status=64)
    run(side, pathlib.Path(folder) / "absent.csv", status=1)
    garbled = pathlib.Path(folder) / "garbled.csv"
    garbled.write_bytes(side.read_bytes()[:-100])
    assert "garbled.csv" in run(side, garbled, status=1)


@claim
def an_edited_copy_is_not_taken_for_the_same_run(folder):
    side = Side(folder, "a", session="one")
    before = side.path
    for row in side.rows:
        if row["metric"] == "latency_rtt_p50":
            row["value"] = repr(float(row["value"]) * 2)
    document = compared(before, side.write(pathlib.Path(folder) / "edited.csv"))
    assert any("one of the files was changed" in remark for remark in document["comparisons"][0]["remarks"])


# All of it


def hold(test):
    with tempfile.TemporaryDirectory() as folder:
        try:
            test(folder)
        except AssertionError as error:
            line = traceback.extract_tb(error.__traceback__)
            return f"{test.__name__} (line {[f.lineno for f in line if f.name == test.__name__][-1]}): {error}"
    return None


def main(arguments):
    global TOOL, RUN, VALIDATOR
    if len(arguments) != 2 or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 64
    if not python_tools.enter():
        print("e2e: skipped compare: jsonschema is not here, and IPCBENCH_OFFLINE=1 forbids to fetch it")
        return 0
    import jsonschema

    TOOL, RUN = str(pathlib.Path(arguments[0]).resolve()), pathlib.Path(arguments[1]).resolve()
    schema = json.loads((SCHEMAS / "comparison.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    VALIDATOR = jsonschema.Draft202012Validator(schema)
    first_trials(1)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(hold, CLAIMS) if problem]
    for problem in problems:
        print(problem[:2000], file=sys.stderr)
    if not problems:
        print(f"compare: {len(CLAIMS)} claims hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
