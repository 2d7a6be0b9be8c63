#!/usr/bin/env python3
"""Checks the recipes in contrib/ci: that the services they are for would accept them, and that their scripts do what
docs/ci.md says, with the real program and real measurements where it matters and a stand-in where an answer is needed
that no measurement gives on demand.

    Tests/e2e/verify-ci.py .build/debug/ipcbench

GitHub's workflows are also read by actionlint where it is installed; PyPI has it only as a package that downloads it
from elsewhere.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import python_tools

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = ROOT / "contrib/ci"
GITHUB = RECIPES / "github/ipcbench.yml"
GITLAB = RECIPES / "gitlab/.gitlab-ci.yml"
SCRIPTS = ["check-pull-request", "nightly", "common.sh"]
TINY = {"description": "As little as can be measured.", "trials": 1, "duration": "20ms",
        "blocks": [{"mechanisms": ["pipe"], "patterns": ["round-trip"], "sizes": ["64"], "waits": ["block"]}]}

TOOL = None
CLAIMS = []


def claim(test):
    """Registers a test; its name is what it claims."""
    CLAIMS.append(test)
    return test


def run(command, expect=0, environment=None, **options):
    """Runs a program outside any CI, and says what it said when it ends otherwise than expected."""
    ours = ("GITHUB_", "CI_", "GITLAB_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    variables.update(environment or {})
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=variables, check=False,
                            **options)
    expected = expect if isinstance(expect, tuple) else (expect,)
    assert result.returncode in expected, (
        f"{' '.join(map(str, command))}: exit code {result.returncode}, expected {expect}\n"
        f"{result.stdout}{result.stderr}")
    return result


def load(path):
    from ruamel.yaml import YAML
    return YAML(typ="safe").load(path.read_text())


def github_scripts():
    """The shell text of every step, with expressions replaced by something that is a word for the shell."""
    for job in load(GITHUB)["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                yield re.sub(r"\$\{\{.*?\}\}", "expression", step["run"])


def gitlab_scripts():
    for job in load(GITLAB).values():
        if isinstance(job, dict):
            for key in ("before_script", "script", "after_script"):
                if key in job:
                    yield "\n".join(job[key])


@claim
def the_services_schemas_accept_the_recipes(_):
    run(["check-jsonschema", "--builtin-schema", "vendor.github-workflows", GITHUB])
    run(["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", GITLAB])


@claim
def shellcheck_has_nothing_to_say(folder):
    run(["shellcheck", "-x", "-P", ROOT, *[RECIPES / name for name in SCRIPTS]])
    for number, text in enumerate([*github_scripts(), *gitlab_scripts()]):
        path = folder / f"step-{number}.sh"
        path.write_text("#!/usr/bin/env bash\n" + text + "\n")
        run(["shellcheck", path])


@claim
def recipes_name_only_what_there_is(_):
    for text in [*github_scripts(), *gitlab_scripts()]:
        for name in re.findall(r"contrib/ci/[\w-]+", text):
            assert os.access(ROOT / name, os.X_OK), f"{name} is no program"
    # Both measure with the same compiler.
    images = {job["container"]["image"] for job in load(GITHUB)["jobs"].values()} | {load(GITLAB)[".ipcbench"]["image"]}
    assert len(images) == 1, images


@claim
def the_history_of_the_commits_is_fetched_where_it_is_needed(_):
    checkout = next(step for step in load(GITHUB)["jobs"]["check"]["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"] == {"fetch-depth": 0}
    assert load(GITLAB)[".ipcbench"]["variables"]["GIT_DEPTH"] == "0"


@claim
def the_version_of_otava_is_the_same_everywhere(_):
    tested = re.search(r'testedVersion = "([\d.]+)"', (ROOT / "Sources/ipcbench/Otava.swift").read_text()).group(1)
    nightly = (RECIPES / "nightly").read_text()
    found = set(re.findall(r"apache-otava==([\d.]+)", (ROOT / "Tests/e2e/requirements.txt").read_text() + nightly))
    found |= set(re.findall(r"otava-([\d.]+\d)", nightly))
    assert found == {tested}, (found, tested)


@claim
def inconclusive_is_a_warning_on_gitlab(_):
    recipe = load(GITLAB)
    assert recipe["ipcbench-check"]["allow_failure"] == {"exit_codes": [6]}
    assert recipe["ipcbench-nightly"]["allow_failure"] == {"exit_codes": [5, 6]}


@claim
def a_history_is_kept_after_a_regression(_):
    # Or the nights after it could neither confirm nor end it.
    steps = load(GITHUB)["jobs"]["nightly"]["steps"]
    save = next(step for step in steps if step.get("uses", "").startswith("actions/cache/save@"))
    assert save["if"] == "${{ !cancelled() }}" and save["with"]["path"] == "history"
    assert load(GITLAB)["ipcbench-nightly"]["cache"]["when"] == "always"


# The scripts, with a stand-in for the answer ---------------------------------------------------------------------


def stand_in(folder, subcommand, code, reason="p50 +11.8 % worse"):
    """A program that answers one subcommand as told and leaves the others to ipcbench."""
    path = folder / "stand-in"
    path.write_text(f"""#!/usr/bin/env bash
echo "$*" >>'{folder}/calls'
if [ "$1" != {subcommand} ]; then exec '{TOOL}' "$@"; fi
while [ $# -gt 0 ]; do
  if [ "$1" = --summary ]; then echo '## Answer' >>"$2"; fi
  shift
done
echo 'progress' >&2
echo 'table'
echo 'ipcbench: {reason}' >&2
exit {code}
""")
    path.chmod(0o755)
    return path


def check_with(folder, code, expect, **variables):
    out = folder / "out"
    result = run([RECIPES / "check-pull-request"], expect, {
        "IPCBENCH": str(stand_in(folder, "check", code)), "AGAINST": "HEAD", "OUT": str(out), **variables})
    assert (out / "reason.txt").read_text() == "p50 +11.8 % worse\n"
    assert result.stdout.startswith("table\n") and "progress" in result.stderr, result
    return result


@claim
def outside_github_the_exit_code_is_that_of_the_check(folder):
    for code in (0, 1, 2, 3, 5, 6, 64):
        assert "::" not in check_with(folder, code, expect=code).stdout
        check_with(folder, code, expect=code, GITLAB_CI="true")


@claim
def on_github_an_inconclusive_check_passes_with_a_warning(folder):
    answers = {0: ("notice", "ok", 0), 1: ("error", "tool-failed", 1), 2: ("error", "regression", 2),
               3: ("error", "case-failed", 3), 5: ("warning", "no-baseline", 0), 6: ("warning", "inconclusive", 0),
               64: ("error", "usage", 64), 137: ("error", "tool-failed", 137)}
    for code, (level, answer, expect) in answers.items():
        (output, summary) = (folder / f"output-{code}", folder / f"summary-{code}")
        summary.write_text("before\n")
        result = check_with(folder, code, expect, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output),
                            GITHUB_STEP_SUMMARY=str(summary))
        # A per cent sign would be read as the beginning of an escape.
        assert result.stdout == f"table\n::{level} title=ipcbench {answer}::p50 +11.8 %25 worse\n", result.stdout
        assert output.read_text() == f"answer={answer}\n"
        assert summary.read_text() == "before\n## Answer\n"
    check_with(folder, 6, expect=6, GITHUB_ACTIONS="true", INCONCLUSIVE="fail")


@claim
def flags_and_filters_reach_the_check(folder):
    run([RECIPES / "check-pull-request", "--pairs", "20", "mechanism:pipe"], 0, {
        "IPCBENCH": str(stand_in(folder, "check", 0)), "AGAINST": "v1", "OUT": str(folder / "out")})
    call = (folder / "calls").read_text()
    out = folder / "out"
    assert call == (f"check --against v1 --out {out} --junit {out}/junit.xml --summary {out}/summary.md --pairs 20 "
                    "mechanism:pipe\n"), call


# What a change is checked against --------------------------------------------------------------------------------


class Repository:
    """A repository with the scripts in it, and a remote."""

    def __init__(self, folder):
        self.folder = folder / "clone"
        self.remote = folder / "remote"
        run(["git", "init", "--quiet", "--initial-branch", "main", self.remote])
        shutil.copytree(RECIPES, self.remote / "contrib/ci")
        self.git("add", "-A", at=self.remote)
        self.first = self.commit("first", at=self.remote)
        self.second = self.commit("second", at=self.remote)
        self.tool = stand_in(folder, "check", 0)

    def git(self, *words, at=None):
        who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
        return run(["git", "-C", at or self.folder, *who, *words]).stdout.strip()

    def commit(self, text, at=None):
        self.git("commit", "--quiet", "--allow-empty", "-m", text, at=at)
        return self.git("rev-parse", "HEAD", at=at)

    def clone(self, *options):
        shutil.rmtree(self.folder, ignore_errors=True)
        run(["git", "clone", "--quiet", *options, f"file://{self.remote}", self.folder])

    def checked_against(self, expect=0, **variables):
        calls = self.tool.parent / "calls"
        calls.unlink(missing_ok=True)
        result = run([self.folder / "contrib/ci/check-pull-request"], expect, {"IPCBENCH": str(self.tool), **variables})
        return calls.read_text().split()[2] if calls.exists() else result.stderr


@claim
def a_branch_is_checked_against_the_commit_it_started_from(folder):
    repository = Repository(folder)
    repository.clone()
    repository.git("checkout", "--quiet", "-b", "change", repository.first)
    repository.commit("change")
    # What main has gained meanwhile is not the change's doing.
    assert repository.checked_against() == repository.first


@claim
def a_merge_of_the_target_is_checked_against_what_was_merged(folder):
    repository = Repository(folder)
    repository.clone()
    repository.git("checkout", "--quiet", "-b", "change", repository.first)
    repository.commit("change")
    # As GitHub does for a pull request.
    repository.git("checkout", "--quiet", "--detach", "origin/main")
    repository.git("merge", "--quiet", "--no-ff", "-m", "merge", "change")
    # The target may have moved on since.
    repository.commit("third", at=repository.remote)
    repository.git("fetch", "--quiet")
    assert repository.checked_against(GITHUB_BASE_REF="main") == repository.second


@claim
def the_target_itself_is_checked_against_what_it_was_before(folder):
    repository = Repository(folder)
    repository.clone()
    assert repository.checked_against() == repository.first


@claim
def a_target_that_was_not_fetched_is_fetched(folder):
    repository = Repository(folder)
    repository.git("checkout", "--quiet", "-b", "change", at=repository.remote)
    repository.commit("change", at=repository.remote)
    # As GitLab's runner does: the one branch.
    repository.clone("--single-branch", "--branch", "change")
    assert repository.checked_against(CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main") == repository.second
    assert repository.checked_against(TARGET="main") == repository.second


@claim
def a_checkout_without_history_is_refused_with_the_remedy(folder):
    repository = Repository(folder)
    repository.git("checkout", "--quiet", "-b", "change", at=repository.remote)
    repository.commit("change", at=repository.remote)
    repository.clone("--depth", "1", "--branch", "change", "--no-single-branch")
    said = repository.checked_against(expect=64)
    assert "fetch-depth: 0" in said and "GIT_DEPTH: 0" in said, said


# Really measured -------------------------------------------------------------------------------------------------


@claim
def a_real_check_leaves_what_the_recipes_keep(folder):
    (suite, out) = (folder / "tiny.json", folder / "ci-results")
    suite.write_text(json.dumps(TINY))
    # The program against itself: nothing can have got worse, though a busy machine may hide whether it has.
    result = run([RECIPES / "check-pull-request", "--suite", suite, "--pairs", "8", "--quiet"], (0, 6), {
        "IPCBENCH": TOOL, "AGAINST": TOOL, "OUT": str(out)})
    reason = (out / "reason.txt").read_text()
    assert reason.startswith(("no regression", "inconclusive")) and reason.count("\n") == 1, reason
    report = load(GITLAB)["ipcbench-check"]["artifacts"]["reports"]["junit"]
    cases = xml.etree.ElementTree.parse(folder / report).getroot().iter("testcase")
    assert any("pipe" in case.get("name") for case in cases)
    assert (out / "summary.md").read_text().startswith("## ")
    assert len(list(out.glob("*/baseline/results.csv"))) == 1 and len(list(out.glob("*/candidate/results.csv"))) == 1
    assert result.stdout, result


def nightly(folder, *words, expect, **variables):
    suite = folder / "tiny.json"
    suite.write_text(json.dumps(TINY))
    return run([RECIPES / "nightly", "--quiet", *words], expect, {
        "IPCBENCH": TOOL, "SUITE": str(suite), "OUT": str(folder / "ci-results"), "HISTORY": str(folder / "history"),
        **variables})


@claim
def a_real_night_leaves_what_the_recipes_keep(folder):
    out = folder / "ci-results"
    result = nightly(folder, expect=5)
    assert "needs 8 runs" in (out / "reason.txt").read_text(), result
    run_id = os.readlink(out / "latest")
    assert (out / run_id / "report.html").stat().st_size > 10_000
    stored = folder / "history" / run_id
    assert {path.name for path in stored.iterdir()} == {"results.csv", "environment.json"}
    assert "latency_rtt_p50" in (stored / "results.csv").read_text()
    paths = [step["with"]["output-file-path"] for step in load(GITHUB)["jobs"]["nightly"]["steps"]
             if "github-action-benchmark" in step.get("uses", "")]
    assert len(paths) == 2
    for path in paths:
        assert json.loads((folder / path).read_text())[0]["value"] > 0
    # On GitHub the first nights are no failures.
    nightly(folder, expect=0, GITHUB_ACTIONS="true")
    assert len(list((folder / "history").iterdir())) == 2


@claim
def the_history_grows_to_a_limit_and_is_asked(folder):
    nightly(folder, expect=5)
    history = folder / "history"
    (first,) = history.iterdir()
    for day in range(1, 21):
        run_id = f"202601{day:02d}T031500Z-0000{day:02d}"
        shutil.copytree(first, history / run_id)
        csv = history / run_id / "results.csv"
        csv.write_text(csv.read_text().replace(first.name, run_id))
    # The nights before were all alike. Of one that is not it is too early to say anything.
    nightly(folder, expect=(0, 6), KEEP="12")
    kept = sorted(path.name for path in history.iterdir())
    assert len(kept) == 12 and kept[0] == "20260111T031500Z-000011" and first.name in kept, kept
    outcome = json.loads(run([TOOL, "history", history, "--format", "json"], (0, 6)).stdout)
    assert {len(series["points"]) for series in outcome["series"]} == {12}
    assert (folder / "ci-results/otava/otava.yaml").exists()
    assert "## " in (folder / "ci-results/summary.md").read_text()


@claim
def the_worst_answer_of_a_night_is_its_exit_code(folder):
    for code, expect in ((0, 0), (1, 1), (2, 2), (6, 6)):
        nightly(folder, expect=expect, IPCBENCH=str(stand_in(folder, "history", code)))
    nightly(folder, expect=64, SUITE="nonsense")
    # A failed case is worse than what the history says, except where that is certain.
    failing = folder / "failing"
    failing.write_text(f"""#!/usr/bin/env bash
if [ "$1" = history ]; then exec '{folder}/stand-in' "$@"; fi
'{TOOL}' "$@" || exit $?
if [ "$1" = run ]; then exit 3; fi
""")
    failing.chmod(0o755)
    for code, expect in ((0, 3), (1, 1), (2, 2), (5, 3), (6, 3)):
        stand_in(folder, "history", code)
        nightly(folder, expect=expect, IPCBENCH=str(failing))
    assert "a case failed" in (folder / "ci-results/reason.txt").read_text()


def check(test):
    with tempfile.TemporaryDirectory(prefix="ipcbench-ci-") as folder:
        test(pathlib.Path(folder))
    return test.__name__.replace("_", " ")


def main():
    global TOOL
    if not python_tools.enter():
        print("e2e: skipped the CI recipes: their checkers are not there, and IPCBENCH_OFFLINE=1 forbids to fetch them")
        return
    TOOL = str(pathlib.Path(sys.argv[1]).resolve())
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for words in pool.map(check, CLAIMS):
            print(f"  {words}")
    read = "check-jsonschema, shellcheck"
    if shutil.which("actionlint"):
        run(["actionlint", GITHUB])
        read += ", actionlint"
    print(f"e2e: CI recipes: {len(CLAIMS)} claims hold ({read})")


if __name__ == "__main__":
    main()
