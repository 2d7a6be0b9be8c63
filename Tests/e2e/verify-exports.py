#!/usr/bin/env python3
"""Has every export of a run read by the tool it is for.

Usage: verify-exports.py IPCBENCH RUN-DIRECTORY

What the tools read is compared with what this script computes from results.csv and trials.jsonl by itself.
benchstat is in neither PyPI nor Debian: a strict reader of its published grammar takes its place. Exit
status: 0 when everything is as it should be, 1 with a line per problem otherwise, 64 for wrong usage.
"""

import collections
import csv
import json
import math
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import python_tools  # noqa: E402

# https://bencher.dev/docs/reference/bencher-metric-format/, its JSON schema
BENCHER_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema",
    "type": "object",
    "patternProperties": {
        ".+": {
            "type": "object",
            "patternProperties": {
                ".+": {
                    "type": "object",
                    "properties": {
                        "value": {"type": "number"},
                        "lower_value": {"type": "number"},
                        "upper_value": {"type": "number"},
                    },
                    "required": ["value"],
                }
            },
        }
    },
}

# What github-action-benchmark reads with its custom tools, and nothing else
ACTION_SCHEMA = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "unit": {"type": "string"},
            "value": {"type": "number"},
            "range": {"type": "string"},
            "extra": {"type": "string"},
        },
        "required": ["name", "unit", "value"],
        "additionalProperties": False,
    },
}

CASE = [
    "mechanism", "variant", "pattern", "wait", "placement", "attach", "scope", "producers", "consumers",
    "message_bytes", "rate_target_per_s", "touch",
]  # fmt: skip
CPU_PARTS = ["user_producer", "system_producer", "user_consumer", "system_consumer"]
ADDED = ["touch", "attempt", "probes_agree"]


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def close(first, second):
    return math.isclose(first, second, rel_tol=1e-12, abs_tol=1e-300)


# What is in the run, by this script's own reading ----------------------------------------------------------


class Results:
    """The trials that count: the last of each case and round, measured, and undisturbed where any is."""

    def __init__(self, path):
        with open(path, newline="", encoding="utf-8") as file:
            self.rows = list(csv.DictReader(file))
        self.fields = list(self.rows[0])
        trials = {}
        for row in self.rows:
            key = (row["run_id"], row["session_id"], int(row["order_in_session"]))
            trial = trials.setdefault(key, {"row": row, "values": {}, "samples": {}})
            if row["metric"] and row["value"]:
                trial["values"][row["metric"]] = float(row["value"])
                trial["samples"][row["metric"]] = row["samples"]
        final = {}
        for key in sorted(trials):
            row = trials[key]["row"]
            final[(row["run_id"], case_of(row), int(row["trial"]))] = trials[key]
        cases = collections.defaultdict(list)
        for (_, case, _), trial in sorted(final.items(), key=lambda item: (item[0][0], item[0][2])):
            cases[case].append(trial)
        self.used, self.lost = {}, {}
        for case, own in cases.items():
            measured = [trial for trial in own if trial["row"]["status"] == "ok"]
            agreeing = [trial for trial in measured if trial["row"].get("probes_agree", "true") == "true"]
            self.used[case] = agreeing or measured
            if len(measured) < len(own):
                self.lost[case] = next(t["row"]["reason"] for t in own if t["row"]["status"] != "ok")
        self.directions = {row["metric"]: row["better"] for row in self.rows if row["metric"]}
        self.units = {row["metric"]: row["unit"] for row in self.rows if row["metric"]}

    def values(self, case, metric):
        return [v for v in (value(trial, metric) for trial in self.used[case]) if v is not None]

    def latency(self, case):
        names = ["latency_rtt", "latency_response", "latency_service"]
        return next((name for name in names if self.values(case, f"{name}_p50")), None)


def value(trial, metric):
    if metric != "cpu":
        return trial["values"].get(metric)
    parts = [trial["values"].get(f"cpu_{kind}") for kind in CPU_PARTS]
    return None if None in parts else sum(parts)


def case_of(row):
    return tuple(row.get(name) or ("all" if name == "touch" else "") for name in CASE)


def name_of(case):
    """The documented name (docs/exports.md)."""
    field = dict(zip(CASE, case))
    identifier = field["mechanism"] + (":" + field["variant"] if field["variant"] else "")
    parts = [field["pattern"], identifier, field["message_bytes"] + "B"]
    parts += [field["wait"], field["placement"], field["attach"]]
    if field["scope"] != "host":
        parts.append("scope:" + field["scope"])
    if (field["producers"], field["consumers"]) != ("1", "1"):
        parts.append(f"shape:{field['producers']}to{field['consumers']}")
    if field["rate_target_per_s"]:
        parts.append("rate:" + field["rate_target_per_s"])
    if field["touch"] != "all":
        parts.append("touch:" + field["touch"])
    return "/".join(parts)


class Tool:
    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments):
        result = self.run(*arguments)
        code, command = result.returncode, " ".join(arguments)
        expect(code == 0, f"'export {command}' ended with {code}: {result.stderr}")
        return result.stdout

    def run(self, *arguments):
        command = [self.program, "export", *arguments]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


class Context:
    def __init__(self, tool, run, work):
        self.tool, self.run, self.work = tool, run, work
        self.results = Results(run / "results.csv")
        self.twelve = work / "twelve.csv"
        self.slower = work / "slower.csv"
        self.slow_case = next(case for case in self.results.used if self.results.latency(case))
        repeat(self.results, self.twelve, 12, self.slow_case, 1)
        repeat(self.results, self.slower, 12, self.slow_case, 1.5)


def repeat(results, path, count, slow, slowness):
    """The trials that count, many times over with a little noise; one case's times are multiplied."""
    noise = random.Random(1)
    first = {case: trials[0] if trials else None for case, trials in results.used.items()}
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, results.fields)
        writer.writeheader()
        rows = collections.defaultdict(list)
        for row in results.rows:
            rows[(case_of(row), row["session_id"], row["order_in_session"])].append(row)
        order = 0
        for trial in range(count):
            for case, one in first.items():
                source = one["row"] if one else next(row for row in results.rows if case_of(row) == case)
                if not one and trial > 0:
                    continue
                factor = (slowness if case == slow else 1) * (1 + 0.02 * noise.random())
                for row in rows[(case, source["session_id"], source["order_in_session"])]:
                    if one and not row["metric"].startswith(("latency_", "message_rate", "goodput", "cpu_")):
                        continue
                    copy = dict(row, trial=trial, attempt=0, order_in_session=order, probes_agree="true")
                    if row["unit"] in ("ns", "ns/message") and row["value"]:
                        copy["value"] = repr(float(row["value"]) * factor)
                    writer.writerow(copy)
                order += 1
        # One trial that failed, in the case with a latency, so that every format has one to name.
        failed = next(row for row in results.rows if case_of(row) == slow)
        gone = {
            "metric": "",
            "value": "",
            "unit": "",
            "better": "",
            "samples": "",
            "attempt": 0,
            "probes_agree": "true",
        }
        reason = 'The consumer said "no", and died.'
        writer.writerow(
            dict(failed, **gone, trial=count, order_in_session=order, status="failed", reason=reason)
        )


# The consumers ---------------------------------------------------------------------------------------------

CHECKS = []


def check(*packages):
    def register(function):
        CHECKS.append((function, packages))
        return function

    return register


@check()
def go_benchmark_format(context):
    """a strict reader of https://go.dev/design/14313-benchmark-format and its unit lines"""
    check_go(context.tool("go", str(context.twelve)), Results(context.twelve))
    return check_go(context.tool("go", str(context.run)), context.results)


def check_go(text, results):
    lines, units, configuration = read_go(text)
    expect(configuration["goos"] == "linux" and configuration["host"], "the machine is not configured")
    wanted = {case: trials for case, trials in results.used.items() if trials}
    by_name = collections.defaultdict(list)
    for name, iterations, measurements in lines:
        by_name[name].append((iterations, measurements))
    expect(len(by_name) == len(wanted), f"{len(by_name)} benchmarks for {len(wanted)} measured cases")
    for case, trials in wanted.items():
        own = by_name.get(go_name(case), [])
        expect(len(own) == len(trials), f"{go_name(case)} has {len(own)} lines for {len(trials)} trials")
        latency = results.latency(case)
        for (_, measurements), trial in zip(own, trials):
            pairs = {"msgs/s": "message_rate", "B/s": "goodput", "cpu-ns/op": "cpu"}
            if latency:
                pairs.update({"ns/op": f"{latency}_p50", "p99-ns/op": f"{latency}_p99"})
            for unit, metric in pairs.items():
                expected = value(trial, metric)
                expect(
                    (unit in measurements) == (expected is not None), f"{go_name(case)}: {unit} and {metric}"
                )
                expect(
                    expected is None or close(measurements[unit], expected),
                    f"{go_name(case)}: {unit} differs",
                )
    for unit, better in {"ns/op": "lower", "p99-ns/op": "lower", "msgs/s": "higher"}.items():
        if any(unit in measurements for _, _, measurements in lines):
            expect(units.get((unit, "better")) == better, f"{unit} is not said to be better {better}")
    for case in results.lost:
        expect(f"# {name_of(case)}: " in text, f"{name_of(case)} is absent without a word")
    # What benchstat would compare with -col /mechanism.
    keys = [dict(part.split("=", 1) for part in name.split("/")[1:]) for name in by_name]
    expect(
        all({"mechanism", "size", "wait", "placement", "attach"} <= set(k) for k in keys), "a key is missing"
    )
    return f"{len(lines)} results of {len(by_name)} benchmarks"


def go_name(case):
    field = dict(zip(CASE, case))
    base, _, kind = field["pattern"].partition(":")
    identifier = field["mechanism"] + (":" + field["variant"] if field["variant"] else "")
    parts = ["Benchmark" + "".join(word.capitalize() for word in base.split("-"))]
    parts += ["kind=" + kind] if kind else []
    parts += [
        "mechanism=" + identifier, "size=" + field["message_bytes"], "wait=" + field["wait"],
        "placement=" + field["placement"], "attach=" + field["attach"],
    ]  # fmt: skip
    parts += [part.replace(":", "=", 1) for part in name_of(case).split("/")[6:]]
    return "/".join(parts) + f"-{int(field['producers']) + int(field['consumers'])}"


GO_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def read_go(text):
    """Every line must mean something or be a comment; the real reader passes over what it does not know."""
    lines, units, configuration = [], {}, {}
    for number, line in enumerate(text.split("\n"), 1):
        place = f"line {number}: {line[:80]!r}"
        fields = line.split()
        if line == "" or line.startswith("#"):
            continue
        if line.startswith("Benchmark"):
            expect(len(fields) >= 4 and len(fields) % 2 == 0, f"an odd number of fields in {place}")
            expect(re.fullmatch(r"Benchmark[A-Z][^\s]*", fields[0]), f"no name in {place}")
            parts = re.sub(r"-\d+$", "", fields[0]).split("/")
            expect(all("=" in part for part in parts[1:]), f"a part of the name is no key=value in {place}")
            expect(fields[1].isascii() and fields[1].isdigit() and int(fields[1]) > 0, f"no count in {place}")
            expect(all(GO_FLOAT.fullmatch(field) for field in fields[2::2]), f"not a number in {place}")
            expect(len(set(fields[3::2])) == len(fields[3::2]), f"a unit twice in {place}")
            lines.append((fields[0], int(fields[1]), dict(zip(fields[3::2], map(float, fields[2::2])))))
        elif fields[0] == "Unit":
            expect(len(fields) >= 3, f"no metadata in {place}")
            for pair in fields[2:]:
                key, equals, setting = pair.partition("=")
                expect(key and equals and (fields[1], key) not in units, f"no key=value in {place}")
                units[(fields[1], key)] = setting
        else:
            match = re.fullmatch(r"([a-z][^\sA-Z:]*):(?:[ \t]+(.*))?", line)
            expect(match, f"no meaning in {place}")
            configuration[match[1]] = match[2] or ""
    return lines, units, configuration


@check("scipy")
def google_benchmark(context):
    """compare.py of google-benchmark"""
    paths = {}
    for side in ("run", "twelve", "slower"):
        paths[side] = context.work / f"{side}.json"
        context.tool("google-benchmark", str(getattr(context, side)), "--out", str(paths[side]))
        document = json.loads(paths[side].read_text(encoding="utf-8"))
        expect(isinstance(document["context"]["caches"], list), "no caches in the context")
        check_google_entries(document["benchmarks"], Results(results_of(getattr(context, side))))
    compare, version = compare_program(context)
    if compare is None:
        return f"{version}; the fields that it reads are there"
    dump = context.work / "difference.json"
    command = [
        sys.executable,
        str(compare),
        "-d",
        str(dump),
        "benchmarks",
        str(paths["twelve"]),
        str(paths["slower"]),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    expect(result.returncode == 0, f"compare.py failed: {result.stderr[-500:]}")
    rows = {row["name"]: row for row in json.loads(dump.read_text(encoding="utf-8"))}
    slow = name_of(context.slow_case)
    for case, trials in context.results.used.items():
        if not trials:
            continue
        row = rows[name_of(case)]
        expect(len(row["measurements"]) == 12, f"{row['name']} has {len(row['measurements'])} repetitions")
        changes = [measurement["time"] for measurement in row["measurements"]]
        wanted = 0.5 if row["name"] == slow else 0.0
        expect(abs(statistics.median(changes) - wanted) < 0.04, f"{row['name']} changed by {changes}")
    expect(rows[slow]["utest"]["time_pvalue"] < 0.01, f"the U test of {slow} does not see a factor of 1.5")
    expect(rows["OVERALL_GEOMEAN"]["measurements"][0]["real_time"] > 0, "no overall geometric mean")
    return f"{version}, {len(rows)} rows"


def results_of(source):
    return source / "results.csv" if source.is_dir() else source


def check_google_entries(entries, results):
    """What json_reporter.cc of the library writes for every run."""
    required = {"name", "run_name", "run_type", "repetitions", "threads", "iterations"}
    required |= {"real_time", "cpu_time", "time_unit"}
    repetitions = collections.Counter()
    for entry in entries:
        expect(required <= set(entry), f"{entry['name']} lacks {required - set(entry)}")
        expect(entry["time_unit"] == "ns", f"{entry['name']} is in {entry['time_unit']}")
        if entry["run_type"] == "iteration":
            expect(
                entry.get("repetition_index") == repetitions[entry["name"]],
                f"{entry['name']} is out of order",
            )
            repetitions[entry["name"]] += 1
        else:
            expect(
                entry["name"] == f"{entry['run_name']}_{entry['aggregate_name']}",
                f"{entry['name']} is misnamed",
            )
    measured = {name_of(case) for case, trials in results.used.items() if trials}
    expect(set(repetitions) == measured, f"not the measured cases: {set(repetitions) ^ measured}")
    failed = [entry for entry in entries if entry.get("error_occurred")]
    errors = {entry["run_name"] for entry in failed}
    lost = {name_of(case) for case in results.lost}
    expect(errors == lost, f"errors {errors} for the cases {lost}")
    expect(all(entry["error_message"] for entry in failed), "an error without a message")


def compare_program(context):
    """Debian's package holds the program; downloading it needs no rights, installing it would."""
    installed = pathlib.Path("/usr/share/benchmark/compare.py")
    if installed.exists():
        return installed, "libbenchmark-tools, installed"
    folder = python_tools.cache() / "libbenchmark-tools"
    program = folder / "usr/share/benchmark/compare.py"
    if not program.exists():
        if python_tools.is_offline():
            return None, "compare.py is not here and IPCBENCH_OFFLINE=1"
        if subprocess.run(["which", "apt-get", "dpkg-deb"], capture_output=True, check=False).returncode != 0:
            return None, "compare.py is not here and this is no Debian"
        command = ["apt-get", "download", "--quiet", "libbenchmark-tools"]
        result = subprocess.run(command, cwd=context.work, capture_output=True, text=True, check=False)
        packages = sorted(context.work.glob("libbenchmark-tools_*.deb"))
        expect(packages, f"compare.py cannot be downloaded: apt-get update ({result.stderr.strip()[-200:]})")
        subprocess.run(["dpkg-deb", "--extract", str(packages[0]), str(folder)], check=True)
        (folder / "version").write_text(packages[0].name.split("_")[1], encoding="utf-8")
    return program, f"libbenchmark-tools {(folder / 'version').read_text(encoding='utf-8')}"


@check("jsonschema")
def github_action(context):
    """the fields that github-action-benchmark reads"""
    import jsonschema

    folder = context.work / "action"
    context.tool("github-action", str(context.run), "--out", str(folder))
    count = 0
    for better, name in (("lower", "smaller-is-better.json"), ("higher", "bigger-is-better.json")):
        entries = json.loads((folder / name).read_text(encoding="utf-8"))
        jsonschema.validate(entries, ACTION_SCHEMA)
        found = {entry["name"]: entry for entry in entries}
        expect(len(found) == len(entries), f"{name}: a name occurs twice")
        for case, trials in context.results.used.items():
            for metric in ("message_rate", "goodput", "cpu") + latencies(context, case):
                values = context.results.values(case, metric)
                direction = context.results.directions.get(metric, "lower")
                if not values or direction != better:
                    continue
                entry = found.get(f"{name_of(case)}/{metric}")
                expect(entry, f"{name}: {name_of(case)} has no {metric}")
                expect(close(entry["value"], statistics.median(values)), f"{name}: {entry['name']} differs")
                expect(
                    entry["unit"] == context.results.units.get(metric, "ns/message"), f"{entry['name']}: unit"
                )
                count += 1
    return f"{count} values"


def latencies(context, case):
    name = context.results.latency(case)
    return (f"{name}_p50", f"{name}_p99") if name else ()


@check("jsonschema")
def bencher_metric_format(context):
    """Bencher's published JSON schema"""
    import jsonschema

    for source in (context.run, context.twelve):
        results = Results(results_of(source))
        document = json.loads(context.tool("bmf", str(source)))
        jsonschema.validate(document, BENCHER_SCHEMA)
        measured = {name_of(case) for case, trials in results.used.items() if trials}
        expect(set(document) == measured, f"not the measured cases: {set(document) ^ measured}")
        for case, trials in results.used.items():
            pairs = {
                "throughput": "message_rate",
                "cpu_ns_per_message": "cpu",
                "goodput_bytes_per_s": "goodput",
            }
            if results.latency(case):
                pairs["latency"] = results.latency(case) + "_p50"
            for measure, metric in pairs.items():
                values = results.values(case, metric)
                if not values:
                    continue
                found = document[name_of(case)][measure]
                expect(
                    close(found["value"], statistics.median(values)), f"{name_of(case)}: {measure} differs"
                )
                expect(
                    ("lower_value" in found) == (len(values) >= 6),
                    f"{name_of(case)}: {measure} and its bounds",
                )
                bounds = found.get("lower_value", found["value"]), found.get("upper_value", found["value"])
                expect(
                    bounds[0] <= found["value"] <= bounds[1],
                    f"{name_of(case)}: {measure} is outside its bounds",
                )
        expect(all(len(name) <= 1024 for name in document), "a name that Bencher finds too long")
        expect(
            all(len(m) <= 64 for measures in document.values() for m in measures),
            "a measure with a long name",
        )
    return f"{len(document)} benchmarks"


@check("hdrhistogram")
def hdr_histogram_log(context):
    """the log reader of HdrHistogram's Python port"""
    from hdrh.histogram import HdrHistogram
    from hdrh.log import HistogramLogReader

    path = context.work / "run.hlog"
    context.tool("hlog", str(context.run), "--out", str(path))
    reader = HistogramLogReader(str(path), HdrHistogram(1, 60_000_000_000, 3))
    found = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        expect(histogram.get_tag() not in found, f"{histogram.get_tag()} occurs twice")
        found[histogram.get_tag()] = histogram
    expected = merged_counts(context)
    wanted = {f"{name_of(case)}/{name}" for case, name in expected}
    expect(set(found) == wanted, f"not the distributions of the run: {set(found) ^ wanted}")
    percentiles = 0
    for (case, name), counts in expected.items():
        histogram = found[f"{name_of(case)}/{name}"]
        lowest = histogram.get_lowest_equivalent_value
        decoded = {
            lowest(i.value_iterated_to): i.count_at_value_iterated_to
            for i in histogram.get_recorded_iterator()
        }
        ours = collections.Counter()
        for number, count in counts.items():
            ours[lowest(number)] += count
        expect(decoded == dict(ours), f"{histogram.get_tag()}: the counts differ")
        percentiles += check_percentiles(context, case, name, histogram)
    return f"{len(found)} histograms, {percentiles} percentiles as in results.csv"


def merged_counts(context):
    """Value → count for each case and latency, from trials.jsonl."""
    used = {
        (case, trial["row"]["session_id"], int(trial["row"]["order_in_session"]))
        for case, trials in context.results.used.items()
        for trial in trials
    }
    merged = {}
    # Only LF ends a record.
    for line in (context.run / "trials.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
        record = json.loads(line)
        case = json_case(record["case"])
        if (case, record["session_id"], record["order_in_session"]) not in used:
            continue
        for histogram in record["histograms"]:
            counts = merged.setdefault((case, histogram["name"]), collections.Counter())
            counts.update(dict(zip(histogram["values"], histogram["counts"])))
    return merged


def json_case(case):
    rate = case.get("rate_target_per_second")
    field = dict(case, rate_target_per_s="" if rate is None else f"{rate:g}" if rate < 1e6 else f"{rate:.0f}")
    return tuple(str(field.get(name, "")) for name in CASE)


def check_percentiles(context, case, name, histogram):
    """The percentiles that results.csv has, where one trial is all there is."""
    trials = context.results.used[case]
    if len(trials) != 1:
        return 0
    compared = 0
    for percentile in (50, 90, 99, 99.9):
        rank = percentile / 100 * histogram.get_total_count()
        ours = trials[0]["values"].get(f"{name}_p{percentile}".replace(".", "_"))
        # The port rounds the rank, the method takes the next one: compared where both mean the same sample.
        if ours is None or math.ceil(rank - 1e-9) != int(rank + 0.5):
            continue
        theirs = histogram.get_value_at_percentile(percentile)
        expect(
            histogram.values_are_equivalent(theirs, int(ours)),
            f"{name_of(case)}: p{percentile} {theirs} != {ours}",
        )
        compared += 1
    return compared


@check("hdrhistogram")
def hdr_histogram_percentiles(context):
    """HdrHistogram's Python port, asked for the same percentiles"""
    from hdrh.histogram import HdrHistogram

    folder = context.work / "hgrm"
    context.tool("hgrm", str(context.run), "--out", str(folder))
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*_ns.hgrm")}
    stored = {
        path.name: path.read_text(encoding="utf-8") for path in (context.run / "histograms").glob("*.hgrm")
    }
    expect(files == stored, "the files are not those of the run's histograms/")
    theirs = []
    for counts in merged_counts(context).values():
        theirs.append(HdrHistogram(1, 60_000_000_000, 3))
        for number, count in counts.items():
            theirs[-1].record_value(number, count)
    expect(len(files) == len(theirs), f"{len(files)} files for {len(theirs)} distributions")
    lines = 0
    # The names are those of the run's own files; which distribution a text shows, it must show by itself.
    for name, text in sorted(files.items()):
        rows = [line.split() for line in text.splitlines() if line.strip()[:1].isdigit()]
        rows = [(int(float(row[0])), float(row[1]), int(row[2])) for row in rows]
        fitting = next((histogram for histogram in theirs if shows(rows, histogram)), None)
        expect(fitting, f"{name} shows no distribution of the run")
        theirs.remove(fitting)
        lines += len(rows)
    return f"{len(files)} files, {lines} percentiles"


def shows(rows, histogram):
    """Whether rows of value, percentile and count up to the value are those of a distribution."""
    total = histogram.get_total_count()
    if rows[-1][1:] != (1.0, total):
        return False
    for number, level, count in rows:
        # The port rounds the rank: that of the last sample of the row's bucket is the row's count.
        other = histogram.get_value_at_percentile(100 * count / total)
        if not histogram.values_are_equivalent(number, other) or level > count / total + 1e-9:
            return False
    return True


@check("duckdb")
def duckdb_parquet(context):
    """DuckDB, on many files of several schema versions"""
    import duckdb

    folder = context.work / "it's [many] files"
    folder.mkdir()
    written, newer = write_versions(context.results, folder, 12)
    script = context.tool("parquet-sql", str(folder))
    before = os.getcwd()
    os.chdir(context.work)
    try:
        answer = duckdb.connect().execute
        answer(script)
        check_parquet(answer, written, newer)
        # As people would read the files themselves.
        rows, messages = answer(
            "SELECT count(*), sum(CASE WHEN metric = 'messages' THEN value END) "
            "FROM read_csv_auto('it''s [[]many] files/*.csv', union_by_name = true)"
        ).fetchone()
        expect(rows == len(written), f"read_csv_auto reads {rows} of {len(written)} rows")
        expect(math.isclose(messages, sum(numbers(written, "messages"))), "read_csv_auto reads other numbers")
    finally:
        os.chdir(before)
    return f"12 files, {len(written)} rows"


def write_versions(results, folder, count):
    """Files without the added columns, with one that is not known yet, and ours; all rows of all of them."""
    written, newer = [], 0
    for index in range(count):
        old, new = index % 3 == 0, index % 3 == 1
        fields = [f for f in results.fields if not (old and f in ADDED)] + ["added_later"] * new
        # Before attempts were counted, trials were not repeated.
        rows = [row for row in results.rows if not (old and row["attempt"] != "0")]
        with open(folder / f"run {index:02}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fields, extrasaction="ignore")
            writer.writeheader()
            for row in rows:
                writer.writerow(dict(row, run_id=f"{row['run_id']}-{index:02}", added_later="x"))
        written += rows
        newer += len(rows) * new
    return written, newer


def numbers(rows, metric):
    return [float(row["value"]) for row in rows if row["metric"] == metric and row["value"]]


def check_parquet(answer, written, newer):
    def one(query):
        return answer(query.replace("PARQUET", "'results.parquet'")).fetchone()

    rows = one("SELECT count(*), count(DISTINCT run_id), count(added_later) FROM PARQUET")
    expect(rows == (len(written), 12, newer), f"rows, runs and rows of the newer files: {rows}")
    types = {row[0]: row[1] for row in answer("DESCRIBE SELECT * FROM 'results.parquet'").fetchall()}
    wanted = {"value": "DOUBLE", "trial": "INTEGER", "message_bytes": "BIGINT", "probes_agree": "BOOLEAN"}
    expect(wanted.items() <= types.items() and types["git_commit"] == "VARCHAR", f"types: {types}")
    (absent,) = one(
        "SELECT count(*) FROM PARQUET WHERE touch IS NULL OR attempt IS NULL OR probes_agree IS NULL"
    )
    expect(absent == 0, f"{absent} rows without the columns that were added")
    (empty,) = one("SELECT count(*) FROM PARQUET WHERE value IS NULL")
    expect(empty == sum(not row["value"] for row in written), f"{empty} rows without a value")
    for metric in ("messages", "goodput"):
        found = answer(f"SELECT value FROM 'results.parquet' WHERE metric = '{metric}' AND value IS NOT NULL")
        same = sorted(number for (number,) in found.fetchall()) == sorted(numbers(written, metric))
        expect(same, f"the values of {metric} are not those of the files")


@check()
def part_of_the_csv(context):
    """Python's csv module, and ipcbench itself"""
    results = context.results
    mechanism = next(case for case, trials in results.used.items() if trials)[0]
    path = context.work / "part.csv"
    metrics = ["--metric", "message_rate", "--metric", "latency_*"]
    context.tool("csv", str(context.run), f"mechanism:{mechanism}", *metrics, "--out", str(path))
    part = Results(path)
    expect(part.fields == results.fields, f"the columns are {part.fields}")

    def kept(rows):
        keep = [r for r in rows if r["value"] and r["mechanism"] == mechanism]
        keep = [r for r in keep if r["metric"] == "message_rate" or r["metric"].startswith("latency_")]
        columns = ["session_id", "order_in_session", "metric", "value", "samples"]
        return sorted([r[column] for column in columns] for r in keep)

    expect(kept(part.rows) == kept(results.rows), "the numbers are not those of the run")
    trials = {r["order_in_session"] for r in results.rows if r["mechanism"] == mechanism}
    expect({r["order_in_session"] for r in part.rows} == trials, "a trial is missing")
    again = context.tool("csv", str(path))
    expect(again == path.read_bytes().decode().replace("\r\n", "\n"), "exporting the part again changes it")
    return f"{len(part.rows)} of {len(results.rows)} rows"


@check()
def requests_that_cannot_be_met(context):
    """the documented exit codes"""
    broken = context.work / "broken.csv"
    broken.write_text("not ours\n", encoding="utf-8")
    alone = context.work / "alone.csv"
    context.tool("csv", str(context.run), f"mechanism:{context.slow_case[0]}", "--out", str(alone))
    run = str(context.run)
    for code, arguments in [
        (64, ["go", run, "mechanism:nonsense"]), (64, ["go", run, "nonsense:pipe"]), (64, ["nonsense", run]),
        (64, ["go"]), (64, ["bmf", run, "--metric", "nonsense"]), (64, ["github-action", run]),
        (64, ["parquet-sql", run, "mechanism:pipe"]), (64, ["hlog", str(alone)]),
        (1, ["go", str(context.work / "absent")]), (1, ["csv", str(broken)]),
    ]:  # fmt: skip
        result = context.tool.run(*arguments)
        command = f"'export {' '.join(arguments)}'"
        expect(result.returncode == code, f"{command} ended with {result.returncode}, not {code}")
        lines = result.stderr.strip().splitlines()
        expect(len(lines) == 1 and lines[0].endswith((".", "?")), f"{command} said {result.stderr!r}")
        expect(result.stdout == "", f"{command} wrote something all the same")
    listed = context.tool.run()
    expect(
        listed.returncode == 0 and "google-benchmark" in listed.stdout,
        "'export' alone does not list the formats",
    )
    return "10 requests"


def main():
    if len(sys.argv) != 3:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 64
    has_packages = python_tools.enter()
    failures = 0
    with tempfile.TemporaryDirectory() as work:
        program = str(pathlib.Path(sys.argv[1]).resolve())
        context = Context(Tool(program), pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(work))
        for function, packages in CHECKS:
            name, reader = function.__name__.replace("_", " "), function.__doc__
            if packages and not has_packages:
                print(f"  skipped: {name} (needs {', '.join(packages)} from PyPI; IPCBENCH_OFFLINE=1)")
                continue
            try:
                print(f"  {name}: {function(context)} [{versions(packages) or reader}]")
            # A reader that gives up has found a problem too.
            except Exception as failure:  # pylint: disable=broad-exception-caught
                failures += 1
                kind = "" if isinstance(failure, Failure) else f"{type(failure).__name__}: "
                print(f"verify-exports: {name}, read by {reader}: {kind}{failure}", file=sys.stderr)
    return 1 if failures else 0


def versions(packages):
    import importlib.metadata

    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)


if __name__ == "__main__":
    sys.exit(main())
