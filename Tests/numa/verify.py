#!/usr/bin/env python3
"""Checks what the virtual machine with two nodes has printed: verify.py CONSOLE.

Pages are counted by the kernel (/proc/PID/numa_maps, numa(7)), CPUs too (/proc/PID/stat), both while messages move.
"""
import re
import sys
from collections import defaultdict

text = open(sys.argv[1], errors="replace").read()
lines = re.findall(r"(machine|worker|pages|status|output|refused): (.*?)\r?\n", text)
problems = []


def check(holds, sentence):
    print(f"{'ok  ' if holds else 'FAIL'}  {sentence}")
    if not holds:
        problems.append(sentence)


cpus, pages, told, status, machine, refused = defaultdict(list), {}, defaultdict(int), {}, "", ""
for kind, rest in lines:
    name, _, rest_of_it = rest.partition(" ")
    if kind == "machine":
        machine = rest.strip()
    elif kind == "refused":
        refused = rest
    elif kind == "status":
        status[name] = rest_of_it.strip()
    elif kind == "worker":
        cpu, allowed = re.search(r"cpu=(\d+) allowed=(\S+)", rest).groups()
        cpus[name].append((int(cpu), allowed))
    elif kind == "pages" and "-ring" in rest:
        pages[name] = {int(node): int(count) for node, count in re.findall(r" N(\d)=(\d+)", rest)}
    elif kind == "output":
        found = re.search(r",pages_node_(\d),(\d+)", rest)
        if found:
            told[name, int(found[1])] += int(found[2])

check(machine == "node0=0-1 node1=2-3", f"the machine has two nodes: {machine}")
# The CPUs of producer and consumer, and the share of the pages that node 0 is to have.
expected = {
    "local": ({0, 2}, 1), "local-other-way": ({0, 2}, 0), "producer": ({0, 2}, 1), "consumer": ({0, 2}, 0),
    "interleave": ({0, 2}, 0.5), "node:0": ({2, 3}, 1), "node:1": ({0, 1}, 0), "cross-node": ({0, 2}, 1),
    "same-l3": ({0, 1}, 1),
}
for name, (workers, share) in expected.items():
    check(status.get(name) == "0", f"{name}: the run ended well (exit code {status.get(name, 'none')})")
    on = {cpu for cpu, _ in cpus[name]}
    pinned = all(allowed == str(cpu) for cpu, allowed in cpus[name])
    check(on == workers and pinned, f"{name}: the workers run on CPUs {sorted(on)}, and may nowhere else")
    counts = pages.get(name, {})
    total = sum(counts.values())
    on_first = counts.get(0, 0) / total if total else None
    # Interleaving deals pages out in turn.
    check(
        on_first is not None and total > 1000 and abs(on_first - share) <= (0.002 if share == 0.5 else 0),
        f"{name}: of {total} pages {counts.get(0, 0)} are on node 0 and {counts.get(1, 0)} on node 1",
    )
    both = {node for (case, node), count in told.items() if case == name and count}
    check(both == {node for node, count in counts.items() if count}, f"{name}: the results name nodes {sorted(both)}")
check("no NUMA node 2" in refused, f"a node that is not there is refused: {refused.strip()}")
sys.exit(f"numa: {len(problems)} of the claims do not hold." if problems else 0)
