#!/usr/bin/env python3
"""Has the reports of a check read by what they are for.

Usage: verify-check.py CHECK.json…

Beside each file lies CHECK.xml, the JUnit report of the same check. The JSON must follow
results/schema/check.schema.json; the JUnit report is read with junitparser and must say of every case what the JSON
says. Exit status: 0 when everything is as it should be, 1 with a line per problem otherwise, 64 for wrong usage.
"""

import importlib.metadata
import json
import pathlib
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import python_tools  # noqa: E402

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "results" / "schema" / "check.schema.json"
GRAVEST_FIRST = ["regression", "inconclusive", "improvement", "unchanged"]
# What JUnit has for a case.
RESULTS = {"regression": "failure", "failed": "error", "skipped": "skipped", "inconclusive": "skipped"}
TOTALS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def no_constant(text):
    raise ValueError(f"{text} is not JSON")


def word(case):
    """What became of a case, in one word."""
    return case["verdict"] if case["status"] == "ok" else case["status"]


def check_json(document, validator):
    for error in validator.iter_errors(document):
        yield f"{'.'.join(map(str, error.absolute_path)) or 'document'}: {error.message[:300]}"
        return
    words = [word(case) for case in document["cases"]]
    counts = dict(document["counts"])
    if counts.pop("cases") != len(words) or any(words.count(name) != count for name, count in counts.items()):
        yield f"the counts {document['counts']} are not those of the cases"
    for case in document["cases"]:
        verdicts = {metric.get("verdict") for metric in case["metrics"] if metric["is_gate"]}
        worst = next((verdict for verdict in GRAVEST_FIRST if verdict in verdicts), "inconclusive")
        if case["status"] == "ok" and case["verdict"] != worst:
            yield f"{case['case']['mechanism']} is {case['verdict']}, and its gates are {verdicts}"
        for metric in case["metrics"]:
            # A regression needs both stages.
            if document["design"] == "pairs" and metric.get("verdict") == "regression" and "second" not in metric:
                yield f"{case['case']['mechanism']}: {metric['metric']} is a regression after one stage"
    measured = [name for name in words if name not in ("failed", "skipped")]
    answer = (
        "regression" if "regression" in words
        else "failed" if "failed" in words
        else "inconclusive" if not measured or "inconclusive" in words
        else "ok"
    )  # fmt: skip
    if document["answer"] != answer:
        yield f"the answer is {document['answer']}, and the cases say {answer}"


def check_junit(path, document):
    import junitparser

    report = junitparser.JUnitXml.fromfile(str(path))
    suites = list(report)
    if len(suites) != 1:
        yield f"{len(suites)} test suites"
        return
    suite, cases = suites[0], list(suites[0])
    found = [[type(result).__name__.lower() for result in case.result] for case in cases]
    wanted = [[RESULTS[word(case)]] if word(case) in RESULTS else [] for case in document["cases"]]
    if found != wanted:
        yield f"the results are {found}, and the check says {wanted}"
    for attribute, result in TOTALS.items():
        if getattr(suite, attribute) != sum(result in results for results in found):
            yield f"{attribute} is {getattr(suite, attribute)}"
    if (suite.tests, report.tests, report.failures) != (len(cases), len(cases), suite.failures):
        yield f"{suite.tests} tests in the suite, {report.tests} in the report, and {len(cases)} cases"
    names = [(case.classname, case.name) for case in cases]
    # GitLab ignores a second test of the same name.
    if len(set(names)) != len(names):
        yield "two cases have the same name"
    for case in cases:
        for result in case.result:
            # GitLab shows the text, others the message.
            if not result.message or not (result.text or "").startswith(result.message):
                yield f"{case.name}: the text does not start with the message"
    properties = {item.name: item.value for item in suite.properties()}
    if properties["answer"] != document["answer"] or float(properties["threshold"]) != document["criteria"]["threshold"]:
        yield "the properties are not those of the check"
    times = [element.tag for element in xml.etree.ElementTree.parse(path).iter() if "time" in element.attrib]
    if times:
        yield f"{times[0]} has a time, which nobody measured"


def main(arguments):
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print(__doc__.strip(), file=sys.stderr)
        return 64
    if not python_tools.enter():
        print("e2e: skipped the reports of check: junitparser is not here, and IPCBENCH_OFFLINE=1 forbids to fetch it")
        return 0
    import jsonschema

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    problems = []
    for path in map(pathlib.Path, arguments):
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)
        found = [f"{path}: {problem}" for problem in check_json(document, validator)]
        if not found:
            report = path.with_suffix(".xml")
            found = [f"{report}: {problem}" for problem in check_junit(report, document)]
        problems += found
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        version = importlib.metadata.version("junitparser")
        print(f"e2e: reports of {len(arguments)} checks follow the schema and read alike in junitparser {version}")
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
        sys.exit(f"verify-check: {error}")
