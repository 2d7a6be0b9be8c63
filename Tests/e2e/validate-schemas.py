#!/usr/bin/env python3
"""Checks the files of a run directory, or one JSON document that a command printed, against results/schema/.

Usage: validate-schemas.py DIRECTORY
       validate-schemas.py --schema comparison FILE

Exit status: 0 when everything is as described, 1 with one line per violation otherwise, 64 for wrong usage.
"""

import csv
import io
import json
import pathlib
import re
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    sys.exit(
        "validate-schemas: the Python package jsonschema (4.0 or later) is missing: "
        "install it with 'apt-get install python3-jsonschema' or 'pip install jsonschema'."
    )

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "results" / "schema"
MOST_SHOWN = 20


def validator(name):
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def documented_columns(heading):
    """The first column of the table under a heading of the schemas' README."""
    text = (SCHEMAS / "README.md").read_text(encoding="utf-8")
    section = text.split(f"### {heading}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    return re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE)


def no_constant(text):
    raise ValueError(f"{text} is not JSON")


def check_json(text, schema, place):
    """Returns the document, or None when it is not JSON, and the violations."""
    try:
        document = json.loads(text, parse_constant=no_constant)
    except ValueError as error:
        return None, [f"{place}: {error}"]
    return document, [
        f"{place}: {'.'.join(map(str, error.absolute_path)) or 'document'}: {error.message[:300]}"
        for error in schema.iter_errors(document)
    ]


def check_documents(run):
    problems = []
    for name in ["environment.json", "plan.json"]:
        text = (run / name).read_text(encoding="utf-8")
        schema = validator(name.replace(".json", ".schema.json"))
        problems += check_json(text, schema, name)[1]
    return problems


def check_trials(run):
    schema = validator("trial.schema.json")
    records, problems = [], []
    text = (run / "trials.jsonl").read_text(encoding="utf-8")
    # Only LF ends a record: splitlines() would also split at characters that may stand inside a string.
    lines = text.split("\n")
    if lines.pop():
        problems.append("trials.jsonl: the last line is cut short")
    for number, line in enumerate(lines, 1):
        place = f"trials.jsonl line {number}"
        record, violations = check_json(line, schema, place)
        problems += violations
        if violations:
            continue
        records.append(record)
        for histogram in record["histograms"]:
            values, counts = histogram["values"], histogram["counts"]
            if len(values) != len(counts) or values != sorted(values):
                problems.append(f"{place}: histogram {histogram['name']} has no count for each ascending value")
    return records, problems


def read_csv(path):
    data = path.read_bytes().decode("utf-8")
    if data and not data.endswith("\r\n"):
        raise ValueError(f"{path.name}: does not end with CRLF")
    # Not splitlines(): it would also split at characters that may stand inside a field.
    return list(csv.reader(io.StringIO(data, newline=""), strict=True))


def check_csv(path, expected):
    """Returns the rows as dictionaries, and the violations. `expected` are the columns at the beginning."""
    header, *rows = read_csv(path)
    problems = []
    if header[: len(expected)] != expected:
        problems.append(f"{path.name}: the columns are {','.join(header)}, and should begin with {','.join(expected)}")
    if len(set(header)) != len(header):
        problems.append(f"{path.name}: a column occurs twice")
    problems += [
        f"{path.name} record {number}: {len(row)} fields under {len(header)} columns"
        for number, row in enumerate(rows, 2)
        if len(row) != len(header)
    ]
    return [dict(zip(header, row)) for row in rows], problems


def check_tables(run, records):
    rows, problems = check_csv(run / "results.csv", documented_columns("results.csv"))
    wanted = [
        (record["status"], measure.get("metric", ""), measure.get("value"))
        for record in records
        for measure in record["measures"] or [{}]
    ]
    found = [(row["status"], row["metric"], float(row["value"]) if row["value"] else None) for row in rows]
    if found != wanted:
        problems.append("results.csv: the rows are not those of the trials in trials.jsonl")
    cases, more = check_csv(run / "summary.csv", documented_columns("summary.csv"))
    if len(cases) != len({json.dumps(record["case"], sort_keys=True) for record in records}):
        problems.append("summary.csv: not one row per case")
    for row in cases:
        if row["status"] not in ("ok", "failed", "skipped") or (row["status"] != "ok" and not row["reason"]):
            problems.append(f"summary.csv: {row['mechanism']} is {row['status']} without a reason")
    return problems + more


def check_printed(name, file):
    _, problems = check_json(file.read_text(encoding="utf-8"), validator(f"{name}.schema.json"), file.name)
    return say(problems, f"{file.name}: as described in results/schema/{name}.schema.json")


def say(problems, otherwise):
    for problem in problems[:MOST_SHOWN]:
        print(problem, file=sys.stderr)
    if len(problems) > MOST_SHOWN:
        print(f"… and {len(problems) - MOST_SHOWN} more", file=sys.stderr)
    if not problems:
        print(otherwise)
    return 1 if problems else 0


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "--schema":
        return check_printed(arguments[1], pathlib.Path(arguments[2]))
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 64
    run = pathlib.Path(arguments[0])
    problems = check_documents(run)
    records, more = check_trials(run)
    problems += more
    if not more:
        problems += check_tables(run, records)
    return say(problems, f"{run}: {len(records)} trials, all files as described in results/schema/")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f"validate-schemas: {error}")
