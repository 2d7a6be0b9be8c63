#!/usr/bin/env python3
"""Compares ipcbench with bare programs that do the same work.

Each comparison is repeated: probe, one program, the other, probe; the order of the two alternates. A probe is
the round trip of one cache line between the two CPUs. A repetition counts when its two probes agree with each
other and with the median of the series: on virtual machines the host moves CPUs between hardware threads, and
then nothing measured before can be compared with anything measured after.

The figure is the median of the ratios ours / theirs of the repetitions that count.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent

PROBE_TOLERANCE = 0.20
MAXIMUM_REPETITIONS = 15
# Where the pages of a pair of processes happen to lie moves a round trip by a tenth. A repetition therefore
# takes, on either side, the median of as many fresh pairs.
FRESH_PAIRS = 5
# ipcbench watches its workers, and looks after them ten times a second. On a virtual machine whose guest polls before
# it halts a CPU (haltpoll), somebody who wakes up now and then changes what others find: with one who did so fifty times
# a second, blocking round trips of the bare program took 5 % less time and 8 % less CPU time. So both are watched alike.
WATCH_SECONDS = 0.02


# Commands and their results ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """A command, and how the value of interest is taken from the JSON that it prints."""

    command: tuple[str, ...]
    value: callable
    # How often it is run; the median counts.
    runs: int = 1

    def measure(self) -> float:
        return statistics.median(self._measure_once() for _ in range(self.runs))

    def _measure_once(self) -> float:
        process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while True:
            try:
                output, errors = process.communicate(timeout=WATCH_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        if process.returncode != 0:
            reason = errors.strip() or f"exit code {process.returncode}"
            raise RuntimeError(f"{' '.join(self.command)}: {reason}")
        return self.value(json.loads(output))


def field_named(name: str):
    return lambda document: float(document[name])


def case_metric(metric: str):
    """The median over the trials of one metric, from what `ipcbench run --format json` prints."""

    def extract(document: dict) -> float:
        for case in document["cases"]:
            if case["status"] != "ok":
                raise RuntimeError(f"ipcbench's case is '{case['status']}': {case.get('reason')}")
            for measure in case["metrics"]:
                if measure["metric"] == metric and measure.get("median") is not None:
                    return float(measure["median"])
        raise RuntimeError(f"ipcbench's case has no '{metric}'.")

    return extract


def case_cpu_time(document: dict) -> float:
    """User and system time of both sides for each message: the sum of the medians over the trials."""
    parts = [f"cpu_{kind}_{side}" for kind in ("user", "system") for side in ("producer", "consumer")]
    return sum(case_metric(part)(document) for part in parts)


class Programs:
    """Builds the commands; where the programs are, which CPUs and how long is the same for all."""

    def __init__(self, ipcbench: str, ring_stream: str, cpus: str, milliseconds: int, scratch: str):
        self.ipcbench, self.ring_stream = ipcbench, ring_stream
        self.cpus, self.milliseconds, self.scratch = cpus, milliseconds, scratch

    def _bare(self, program: str, *arguments, milliseconds=None) -> tuple[str, ...]:
        duration = milliseconds or self.milliseconds
        return (program, *map(str, arguments), str(duration), self.cpus)

    def probe(self) -> Program:
        command = self._bare(str(HERE / "build/round-trip"), "probe", "spin", 8, milliseconds=1)
        return Program(command, field_named("mean_ns"))

    def bare_round_trip(self, mode: str, wait: str, metric: str, program: str) -> Program:
        milliseconds = self.milliseconds // FRESH_PAIRS
        command = self._bare(str(HERE / "build" / program), mode, wait, 64, milliseconds=milliseconds)
        return Program(command, field_named(f"{metric}_ns"), FRESH_PAIRS)

    def our_round_trip(self, mechanism: str, wait: str, metric: str, has_payload: bool) -> Program:
        size = "-s 64" if has_payload else ""
        command = f"{self.ipcbench} run -m {mechanism} {size} -p round-trip --wait {wait} --pin {self.cpus} --no-counts"
        command += f" --trials {FRESH_PAIRS} --duration {self.milliseconds // FRESH_PAIRS}ms"
        command += f" --format json --quiet --out {self.scratch}"
        return Program(tuple(command.split()), case_metric(f"latency_rtt_{metric}"))

    def our_cpu_time(self, mechanism: str, wait: str) -> Program:
        """Over a second: for its first 100 ms a pair that blocks is in another state than later, here."""
        command = f"{self.ipcbench} run -m {mechanism} -s 64 -p round-trip --wait {wait} --pin {self.cpus} --no-counts"
        command += f" --trials 1 --duration 1s --format json --quiet --out {self.scratch}"
        return Program(tuple(command.split()), case_cpu_time, 3)

    def bare_cpu_time(self, mode: str, wait: str) -> Program:
        command = self._bare(str(HERE / "build/round-trip"), mode, wait, 64, milliseconds=1000)
        return Program(command, field_named("cpu_ns"), 3)

    def our_cache_line(self) -> Program:
        command = f"{self.ipcbench} matrix --cpus {self.cpus} --trials {FRESH_PAIRS} --format json --quiet"
        command += f" --duration {self.milliseconds // FRESH_PAIRS}ms --out {self.scratch}"
        return Program(tuple(command.split()), lambda document: float(document["pairs"][0]["median"]))

    def bare_ring(self, metric: str, *arguments) -> Program:
        return Program(self._bare(str(HERE / "build/ring-stream"), *arguments), field_named(metric))

    def our_ring(self, metric: str, *arguments) -> Program:
        return Program(self._bare(self.ring_stream, *arguments), field_named(metric))


# What is compared -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    name: str
    ours: Program
    theirs: Program
    metric: str
    better: str  # "lower", "higher", or "equal"
    target: float

    def is_met(self, ratio: float) -> bool:
        if self.better == "equal":
            return 1 / self.target <= ratio <= self.target
        return ratio <= self.target if self.better == "lower" else ratio >= self.target


def comparisons(programs: Programs) -> list[Comparison]:
    def round_trip(mechanism, wait, mode, target, metric="p50", has_payload=True, program="round-trip"):
        name = f"{mechanism} {wait} / {mode}"
        ours = programs.our_round_trip(mechanism, wait, metric, has_payload)
        theirs = programs.bare_round_trip(mode, wait, metric, program)
        return Comparison(name, ours, theirs, f"{metric} ns", "lower", target)

    def ring(name, ours, theirs, metric, target):
        ours, theirs = programs.our_ring(metric, *ours.split()), programs.bare_ring(metric, *theirs.split())
        return Comparison(name, ours, theirs, metric, "higher", target)

    def shared_ring(name, ours, theirs):
        theirs = programs._bare(str(HERE / "build/shared-rings"), *theirs.split())
        ours = programs.our_ring("messages_per_s", *ours.split())
        return Comparison(name, ours, Program(theirs, field_named("messages_per_s")), "messages_per_s", "higher", 1.00)

    def equal(name, ours, theirs, metric, target):
        return Comparison(name, ours, theirs, metric, "equal", target)

    # Rings of small messages take 16 KiB, half of a usual first-level data cache. Large messages are compared
    # with the best that chunks of 64 to 256 KiB reach in any ring of up to 8 MiB.
    limit = "limit 1048576 1 8"
    return [
        # Counters that advance by 10 ns cannot show a tenth of a fast round trip in a median.
        round_trip("shared-memory:posix", "spin", "cache-line", 1.10, metric="midmean"),
        round_trip("pipe", "block", "pipe", 1.02),
        round_trip("unix-stream", "block", "unix-stream", 1.02),
        round_trip("tcp", "block", "tcp", 1.02),
        round_trip("pipe", "spin", "pipe", 1.03),
        round_trip("unix-stream", "spin", "unix-stream", 1.03),
        round_trip("tcp", "spin", "tcp", 1.03),
        round_trip("shared-memory:posix", "block", "futex", 1.02),
        round_trip("unix-seqpacket", "block", "unix-seqpacket", 1.03),
        round_trip("unix-dgram", "block", "unix-dgram", 1.03),
        round_trip("udp", "block", "udp", 1.03),
        round_trip("posix-mq", "block", "posix-mq", 1.03),
        round_trip("sysv-mq", "block", "sysv-mq", 1.03),
        round_trip("copy-data", "block", "copy-data", 1.03),
        round_trip("eventfd", "block", "eventfd", 1.03, has_payload=False),
        round_trip("futex", "block", "futex-word", 1.03, has_payload=False),
        round_trip("unix-seqpacket", "spin", "unix-seqpacket", 1.03),
        round_trip("unix-dgram", "spin", "unix-dgram", 1.03),
        round_trip("udp", "spin", "udp", 1.03),
        round_trip("posix-mq", "spin", "posix-mq", 1.03),
        round_trip("sysv-mq", "spin", "sysv-mq", 1.03),
        round_trip("copy-data", "spin", "copy-data", 1.03),
        round_trip("eventfd", "spin", "eventfd", 1.03, has_payload=False),
        round_trip("futex", "spin", "futex-word", 1.03, metric="midmean", has_payload=False),
        # Both sides talk to the same kind of server, each side's own.
        round_trip("clipboard", "block", "clipboard", 1.05, program="desktop"),
        round_trip("dde:cold", "block", "dde-cold", 1.05, program="desktop"),
        round_trip("rpc:onc", "block", "onc", 1.05, program="remote-call"),
        # There is no bare program that speaks DCE/RPC: what it costs over the bytes alone.
        round_trip("rpc:dce", "block", "unix-stream", 1.50),
        round_trip("rpc:dce", "spin", "unix-stream", 1.50),
        # What is accounted, and what everything in shared memory is measured by.
        equal(
            "CPU time of pipe block", programs.our_cpu_time("pipe", "block"),
            programs.bare_cpu_time("pipe", "block"), "cpu ns", 1.03),
        equal(
            "matrix / cache line", programs.our_cache_line(),
            programs.bare_round_trip("cache-line", "spin", "mean", "round-trip"), "mean ns", 1.03),
        ring("ring slot 64 B", "slot 64 1 128", "slot 64 1 128", "messages_per_s", 1.00),
        ring("ring batch 64 B", "batch 64 32 256", "batch 64 32 256", "messages_per_s", 0.95),
        ring("ring batch 8 B", "batch 8 64 2048", "batch 8 64 2048", "messages_per_s", 0.90),
        # Each at the number of slots that suits it best, of 64, 128 and 1024.
        shared_ring("ring fan-in 2 64 B", "fan-in 64 2 1024", "fan-in 64 2 128"),
        shared_ring("ring broadcast 1 64 B", "broadcast 64 1 8192", "broadcast 64 1 8192"),
        shared_ring("ring broadcast 2 64 B", "broadcast 64 2 8192", "broadcast 64 2 8192"),
        ring("ring slot 64 KiB / limit", "slot 65536 1 64", limit, "bytes_per_s", 1.1 * 0.72),
        ring("ring slot 1 MiB / limit", "slot 1048576 1 4", limit, "bytes_per_s", 0.85),
    ]


# Repetitions ------------------------------------------------------------------------------------------------


@dataclass
class Repetition:
    probe_before: float
    probe_after: float
    ours: float
    theirs: float
    ours_first: bool

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def probe(self) -> float:
        return (self.probe_before + self.probe_after) / 2


def agree(*probes: float) -> bool:
    return max(probes) <= min(probes) * (1 + PROBE_TOLERANCE)


@dataclass
class Series:
    repetitions: list[Repetition] = field(default_factory=list)

    @property
    def probe(self) -> float:
        """The median probe of the repetitions during which nothing changed.

        The lower of two middle values, never their mean: on a machine with two states that would be neither.
        """
        steady = [r.probe for r in self.repetitions if agree(r.probe_before, r.probe_after)]
        return statistics.median_low(steady or [r.probe for r in self.repetitions])

    def counts(self, repetition: Repetition) -> bool:
        return agree(repetition.probe_before, repetition.probe_after, self.probe)

    @property
    def used(self) -> list[Repetition]:
        return [repetition for repetition in self.repetitions if self.counts(repetition)]


def repeat_once(comparison: Comparison, probe: Program, ours_first: bool) -> Repetition:
    before = probe.measure()
    if ours_first:
        ours, theirs = comparison.ours.measure(), comparison.theirs.measure()
    else:
        theirs, ours = comparison.theirs.measure(), comparison.ours.measure()
    return Repetition(before, probe.measure(), ours, theirs, ours_first)


def repeat(comparison: Comparison, probe: Program, wanted: int) -> Series:
    """Repeats until enough repetitions count, or there have been too many."""
    series = Series()
    while len(series.repetitions) < MAXIMUM_REPETITIONS:
        ours_first = len(series.repetitions) % 2 == 0
        series.repetitions.append(repeat_once(comparison, probe, ours_first))
        if len(series.used) >= wanted:
            break
    return series


# Reporting --------------------------------------------------------------------------------------------------


def verdict(comparison: Comparison, series: Series, wanted: int) -> dict:
    """One comparison's outcome, unformatted; the ratios' median, smallest and largest only of what counts."""
    ratios = sorted(repetition.ratio for repetition in series.used)
    result = {
        "name": comparison.name,
        "metric": comparison.metric,
        "better": comparison.better,
        "target": round(comparison.target, 4),
        "probe_ns": series.probe,
        "used": len(ratios),
        "seen": len(series.repetitions),
        "repetitions": [vars(r) | {"ratio": r.ratio, "used": series.counts(r)} for r in series.repetitions],
    }
    if len(ratios) < wanted:
        return result | {"verdict": "inconclusive"}
    ratio = statistics.median(ratios)
    outcome = "met" if comparison.is_met(ratio) else "missed"
    return result | {"ratio": ratio, "minimum": ratios[0], "maximum": ratios[-1], "verdict": outcome}


def headings() -> str:
    ratio = f"{'ratio':>6}  {'min – max':13}"
    return f"{'ours / theirs':32} {ratio} {'used':>5}  {'target':>7}  {'probe':>7}  verdict"


def row(result: dict) -> str:
    sign = {"lower": "≤", "higher": "≥", "equal": "±"}[result["better"]]
    ratio = ""
    if "ratio" in result:
        ratio = f"{result['ratio']:6.3f}  {result['minimum']:.3f} – {result['maximum']:.3f}"
    used = f"{result['used']}/{result['seen']}"
    target = f"{sign} {result['target']:.3f}"
    probe = f"{result['probe_ns']:.0f} ns"
    return f"{result['name']:32} {ratio:21} {used:>5}  {target:>7}  {probe:>7}  {result['verdict']}"


def unused_lines(result: dict) -> list[str]:
    return [
        f"  {result['name']}: ratio {r['ratio']:.3f}, ours {r['ours']:.6g}, theirs {r['theirs']:.6g} "
        f"{result['metric']}, probes {r['probe_before']:.0f} and {r['probe_after']:.0f} ns"
        for r in result["repetitions"]
        if not r["used"]
    ]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ipcbench", default=str(TOP / ".build/release/ipcbench"), metavar="PATH")
    parser.add_argument("--ring-stream", default=str(TOP / ".build/release/ring-stream"), metavar="PATH",
                        help="the Swift program of that name")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="only comparisons whose name contains TEXT")
    parser.add_argument("--cpus", default="0,1", help="CPUs of producer and consumer (0,1)")
    parser.add_argument("--duration", type=int, default=500, metavar="MS",
                        help="measured time of each program (500)")
    parser.add_argument("--repetitions", type=int, default=7, metavar="N",
                        help=f"how many must count (7); at most {MAXIMUM_REPETITIONS} are made")
    parser.add_argument("--json", metavar="FILE", help="also write everything to FILE")
    parser.add_argument("--list", action="store_true",
                        help="show the comparisons and their commands; measure nothing")
    return parser.parse_args()


# Programs that are built only where their libraries are.
OPTIONAL = {
    "desktop": "libxcb1-dev, libxcb-xfixes0-dev and libsystemd-dev",
    "remote-call": "libtirpc-dev",
}


def why_not(comparison: Comparison) -> str | None:
    """What a comparison needs that need not be there; None where it can be made."""
    program = Path(comparison.theirs.command[0])
    if program.name in OPTIONAL and not os.access(program, os.X_OK):
        return f"{program.name} was not built: install {OPTIONAL[program.name]}, then make it again."
    return None


def require_programs(chosen: list[Comparison]):
    for comparison in chosen:
        for program in (comparison.theirs, comparison.ours):
            if not os.access(program.command[0], os.X_OK):
                sys.exit(f"compare.py: {program.command[0]} is missing: build it first (see README.md here).")


def main() -> int:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="ipcbench-compare-") as scratch:
        programs = Programs(
            arguments.ipcbench, arguments.ring_stream, arguments.cpus, arguments.duration, scratch)
        chosen = [c for c in comparisons(programs) if arguments.only in c.name]
        if not chosen:
            sys.exit(f"compare.py: no comparison's name contains '{arguments.only}'; see --list.")
        if arguments.list:
            for comparison in chosen:
                pair = (comparison.ours, comparison.theirs)
                print(comparison.name, *(" ".join(program.command) for program in pair), sep="\n  ")
            return 0
        skipped = [(c.name, why_not(c)) for c in chosen if why_not(c)]
        chosen = [c for c in chosen if not why_not(c)]
        require_programs(chosen)
        results = []
        print(headings(), flush=True)
        for comparison in chosen:
            series = repeat(comparison, programs.probe(), arguments.repetitions)
            results.append(verdict(comparison, series, arguments.repetitions))
            print(row(results[-1]), flush=True)
    for name, reason in skipped:
        print(f"{name:32} skipped: {reason}")
    unused = [line for result in results for line in unused_lines(result)]
    if unused:
        print("\nRepetitions that do not count, because the machine changed:", *unused, sep="\n")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=2) + "\n")
    return 0 if all(result["verdict"] == "met" for result in results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"compare.py: {error}")
