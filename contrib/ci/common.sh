# shellcheck shell=bash
# What the scripts beside this file have in common. They set `name` and `out`, and leave with `finish`.
: "${name:?}" "${out:?}"

# Sets `program`, and builds it where nobody has.
# shellcheck disable=SC2034 # The scripts use it.
build_unless_given() {
  program=${IPCBENCH:-.build/release/ipcbench}
  [ -n "${IPCBENCH:-}" ] || make deps build
}

# Runs a command whose exit code is the answer. Sets `status`; the one-line reason, which is the last thing that ipcbench
# says on standard error, goes to $out/reason.txt as well.
answer_with_reason() {
  status=0
  : >"$out/summary.md"
  { "$@" 2>&1 1>&3 3>&- | tee "$out/.errors" >&2; } 3>&1 || status=$?
  sed -n 's/^ipcbench: //p' "$out/.errors" | tail -n 1 >"$out/reason.txt"
  rm -f "$out/.errors"
}

# Leaves with `status`, in the way that the CI understands.
finish() {
  if [ "${GITHUB_ACTIONS:-}" = true ]; then
    on_github
  fi
  exit "$status"
}

on_github() {
  local answer level=error
  case $status in
    0) answer=ok level=notice ;;
    2) answer=regression ;;
    3) answer=case-failed ;;
    5) answer=no-baseline level=warning ;;
    6) answer=inconclusive level=warning ;;
    64) answer=usage ;;
    *) answer=tool-failed ;;
  esac
  # https://docs.github.com/actions/reference/workflow-commands-for-github-actions: of a message these three are
  # escaped.
  local reason
  reason=$(cat "$out/reason.txt")
  reason=${reason//'%'/%25}
  reason=${reason//$'\r'/%0D}
  reason=${reason//$'\n'/%0A}
  echo "::$level title=ipcbench $answer::$reason"
  [ -z "${GITHUB_OUTPUT:-}" ] || echo "answer=$answer" >>"$GITHUB_OUTPUT"
  # With --summary ipcbench writes there instead of here.
  [ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$out/summary.md" >>"$GITHUB_STEP_SUMMARY"
  if [ "$level" = warning ] && [ "${INCONCLUSIVE:-}" != fail ]; then status=0; fi
}
