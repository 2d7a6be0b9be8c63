#!/usr/bin/env python3
"""Writes a results.csv of many rows, made of the trials of a real one, to the standard output.

    make-large-results.py results/latest/results.csv 500000 >large.csv
    make-large-results.py results/latest/results.csv 500000 --seed 2 --slower 1.05 >larger.csv

The trials are those of the source over and over, each time as a further session of one run, with new numbers and
with values that differ by a few per cent. The last trial is whole, so there can be a few rows more than asked for.
For measuring how long it takes, and how much memory, to read and compare so many.
"""

import argparse
import csv
import itertools
import math
import random
import sys


def trials(rows):
    """The rows of each trial."""
    key = lambda row: (row["run_id"], row["order_in_session"])
    return [list(group) for _, group in itertools.groupby(rows, key)]


def repeated(trial, repetition, order, rounds, run_id, noise, slower):
    """The rows of a trial as a later session of another run would have written them."""
    for row in trial:
        row = dict(row, run_id=run_id, session_id=f"{run_id}-{repetition:04}")
        row["trial"] = str(int(row["trial"]) + repetition * rounds)
        row["order_in_session"] = str(order)
        if row["value"] and row["better"] in ("lower", "higher"):
            factor = math.exp(noise) * (slower if row["better"] == "lower" else 1 / slower)
            row["value"] = repr(float(row["value"]) * factor).removesuffix(".0")
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a results.csv of a real run")
    parser.add_argument("rows", type=int, help="how many rows, without the header")
    parser.add_argument("--seed", type=int, default=1, help="of the values and the name of the run")
    parser.add_argument("--slower", type=float, default=1, help="times as slow as the source, such as 1.05")
    options = parser.parse_args()

    with open(options.source, newline="") as file:
        reader = csv.DictReader(file)
        source = trials(reader)
    if not source:
        sys.exit(f"{options.source} holds no trials.")
    rounds = max(int(trial[0]["trial"]) for trial in source) + 1
    run_id = f"{source[0][0]['run_id']}-{options.seed}"
    generator = random.Random(options.seed)
    writer = csv.DictWriter(sys.stdout, reader.fieldnames)
    writer.writeheader()
    written = 0
    for order in itertools.count():
        if written >= options.rows:
            return
        repetition, index = divmod(order, len(source))
        noise = generator.gauss(0, 0.02)
        for row in repeated(source[index], repetition, order, rounds, run_id, noise, options.slower):
            writer.writerow(row)
            written += 1


if __name__ == "__main__":
    main()
