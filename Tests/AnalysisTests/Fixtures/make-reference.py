"""Computes reference.json, what AnalysisTests compare Statistics with. Run once, with Python 3.11:

    pip install scipy==1.17.1 numpy==2.4.6 statsmodels==0.15.0
    python3 make-reference.py > reference.json

Where SciPy has a routine it is used; where it has none, everything is listed and counted by brute force, in
exact fractions where counts are what matters.
"""

import itertools
import json
import math
from fractions import Fraction

import numpy as np
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(20240607)


def untied(count, shift=0.0):
    """Normal values with few decimals, none of them zero and no two magnitudes equal."""
    while True:
        values = np.round(random.normal(shift, 1, count), 4 if count <= 50 else 6)
        if len(set(abs(values))) == count and 0 not in values:
            return values


def tied(count, spread=3, shift=0):
    """Whole numbers from a narrow range."""
    return random.integers(-spread + shift, spread + shift + 1, count).astype(float)


# Signed ranks


def positive_sum(differences):
    differences = differences[differences != 0]
    return float(stats.rankdata(abs(differences))[differences > 0].sum())


def signed_rank_by_listing(differences):
    """Every assignment of signs to the midranks of the differences that are not zero."""
    differences = differences[differences != 0]
    ranks = stats.rankdata(abs(differences))
    signs = np.array(list(itertools.product([0, 1], repeat=len(ranks))))
    sums = signs @ ranks
    observed = positive_sum(differences)
    tail = min(np.count_nonzero(sums <= observed), np.count_nonzero(sums >= observed))
    return min(1.0, float(Fraction(2 * tail, len(sums))))


def signed_rank_cases():
    for count in [*range(1, 26), 30, 35, 40, 45, 50]:
        for shift in (0.0, 0.6):
            differences = untied(count, shift)
            result = stats.wilcoxon(differences, method="exact")
            yield differences, result.pvalue, True, "scipy.stats.wilcoxon, exact"
    for count in (1, 12, 24, 50):
        differences = np.arange(1.0, count + 1)
        yield differences, stats.wilcoxon(differences, method="exact").pvalue, True, "all positive"
    for count in range(2, 15):
        for shift in (0, 1):
            differences = tied(count, shift=shift)
            yield differences, signed_rank_by_listing(differences), True, "all sign assignments"
    for count in (51, 60, 80, 120, 200, 1000):
        for differences in (untied(count, 0.15), tied(count, 20, 2)):
            differences = differences[differences != 0]
            if len(differences) <= 50:
                continue
            result = stats.wilcoxon(differences, method="asymptotic", correction=True)
            yield differences, result.pvalue, False, "scipy.stats.wilcoxon, corrected normal approximation"


# Rank sums


def rank_sum_by_listing(first, second):
    """Every choice of the first sample's midranks."""
    doubled = (2 * stats.rankdata(np.concatenate([first, second]))).astype(int)
    sums = np.array([sum(chosen) for chosen in itertools.combinations(doubled.tolist(), len(first))])
    observed = doubled[: len(first)].sum()
    tail = min(np.count_nonzero(sums <= observed), np.count_nonzero(sums >= observed))
    return min(1.0, float(Fraction(2 * tail, len(sums))))


def rank_sum_cases():
    sizes = [(1, 1), (1, 7), (2, 3), (3, 3), (4, 4), (5, 3), (5, 6), (8, 8), (6, 12), (10, 10), (12, 12)]
    sizes += [(15, 9), (20, 20), (24, 24), (28, 28), (5, 100), (100, 5), (3, 200), (8, 40)]
    for first, second in sizes:
        for shift in (0.0, 0.8):
            values = untied(first + second)
            a, b = values[:first], np.round(values[first:] + shift, 6)
            if len(set(a) | set(b)) < first + second:
                b = b + 0.0000005
            result = stats.mannwhitneyu(a, b, method="exact")
            yield a, b, result.pvalue, True, "scipy.stats.mannwhitneyu, exact"
    for count in (5, 12, 24):
        a, b = np.arange(1.0, count + 1), np.arange(1.0, count + 1) + 100
        yield a, b, stats.mannwhitneyu(a, b, method="exact").pvalue, True, "first all below"
    for first, second in [(1, 3), (2, 2), (3, 4), (4, 4), (5, 7), (6, 6), (2, 11), (9, 4), (8, 8), (7, 10)]:
        for shift in (0, 1, 2):
            a, b = tied(first), tied(second, shift=shift)
            yield a, b, rank_sum_by_listing(a, b), True, "all choices of midranks"
    for first, second in [(29, 49), (40, 40), (60, 70), (100, 300), (500, 400)]:
        for a, b in (
            (untied(first), untied(second, 0.2)),
            (tied(first, 10), tied(second, 10, 1)),
        ):
            result = stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=True)
            yield a, b, result.pvalue, False, "scipy.stats.mannwhitneyu, corrected normal approximation"


def brute_u(first, second):
    difference = np.subtract.outer(first, second)
    return float(np.count_nonzero(difference > 0) + np.count_nonzero(difference == 0) / 2)


# Hodges and Lehmann's estimates; the ranks of the bounds from counts in whole numbers of any size


def critical_rank(ways, confidence):
    """The largest k with P(X <= k - 1) <= (1 - confidence) / 2; the confidence as decimal digits."""
    total, tail, k = sum(ways), 0, 0
    limit = (1 - Fraction(confidence)) / 2
    while Fraction(tail + ways[k], total) <= limit:
        tail += ways[k]
        k += 1
    return k


def signed_rank_ways(count):
    ways = [1] + [0] * (count * (count + 1) // 2)
    for rank in range(1, count + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    return ways


def rank_sum_ways(first, second):
    """The coefficients of the Gaussian binomial: the product of (1 - x^(second + i)) / (1 - x^i)."""
    ways = [1] + [0] * (first * second)
    for i in range(1, first + 1):
        for total in range(len(ways) - 1, second + i - 1, -1):
            ways[total] -= ways[total - second - i]
        for total in range(i, len(ways)):
            ways[total] += ways[total - i]
    return ways


def bounds(values, k):
    values = np.sort(values)
    return (float(values[k - 1]), float(values[len(values) - k])) if k > 0 else (None, None)


def hodges_lehmann_cases():
    for count in [*range(1, 15), 20, 24, 33, 50]:
        for differences in (untied(count, 0.3), tied(count)):
            pairs = np.array([(a + b) / 2 for i, a in enumerate(differences) for b in differences[i:]])
            for confidence in ("0.9", "0.95", "0.99"):
                lower, upper = bounds(pairs, critical_rank(signed_rank_ways(count), confidence))
                yield {
                    "differences": list(differences), "confidence": float(confidence),
                    "estimate": float(np.median(pairs)), "lower": lower, "upper": upper,
                }


def hodges_lehmann_shift_cases():
    for first, second in [(1, 1), (2, 3), (3, 3), (4, 4), (5, 5), (4, 9), (12, 12), (24, 24), (28, 28), (3, 60)]:
        for a, b in ((untied(first), untied(second, 0.5)), (tied(first), tied(second, shift=1))):
            pairs = np.subtract.outer(b, a).ravel()
            for confidence in ("0.9", "0.95", "0.99"):
                lower, upper = bounds(pairs, critical_rank(rank_sum_ways(first, second), confidence))
                yield {
                    "first": list(a), "second": list(b), "confidence": float(confidence),
                    "estimate": float(np.median(pairs)), "lower": lower, "upper": upper,
                }


# The rest


def cliffs_delta_cases():
    for first, second in [(1, 1), (3, 5), (10, 10), (40, 25)]:
        for a, b in ((untied(first), untied(second, 0.5)), (tied(first), tied(second, shift=1))):
            yield {
                "first": list(a), "second": list(b),
                "delta": float(np.sign(np.subtract.outer(b, a)).mean()),
            }


def holm_cases():
    families = [[0.03], [0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.5], [1, 0, 1e-300, 0.2], [0.02, 0.02, 0.03, 1]]
    families += [list(np.round(random.uniform(0, 1, count) ** 3, 6)) for count in (5, 12, 60)]
    for family in families:
        adjusted = multipletests(family, method="holm")[1]
        yield {"pValues": [float(p) for p in family], "adjusted": list(map(float, adjusted))}


def kendall_cases():
    for count in (2, 3, 5, 9, 20, 60):
        for a, b in ((untied(count), untied(count)), (tied(count, 2), tied(count, 4))):
            if len(set(a)) > 1 and len(set(b)) > 1:
                yield {"first": list(a), "second": list(b), "tau": float(stats.kendalltau(a, b).statistic)}
    a = np.arange(12.0)
    yield {"first": list(a), "second": list(a**3), "tau": 1.0}
    yield {"first": list(a), "second": list(-a), "tau": -1.0}


def clopper_pearson_cases():
    counts = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (0, 299), (1, 300), (3, 300), (299, 300), (50, 100)]
    counts += [(0, 10**6), (1, 10**6), (12345, 10**6), (500000, 10**6), (999990, 10**6), (4 * 10**8, 10**9)]
    for successes, trials in counts:
        for confidence in (0.5, 0.95, 0.99, 0.999999):
            tail = (1 - confidence) / 2
            x, n = successes, trials
            lower = float(special.betaincinv(x, n - x + 1, tail)) if x > 0 else 0.0
            upper = float(special.betainccinv(x + 1, n - x, tail)) if x < n else 1.0
            one_sided = float(special.betainccinv(x + 1, n - x, 1 - confidence)) if x < n else 1.0
            interval = stats.binomtest(x, n).proportion_ci(confidence, method="exact")
            assert abs(interval.low - lower) < 1e-9 and abs(interval.high - upper) < 1e-9
            yield {
                "successes": x, "trials": n, "confidence": confidence, "lower": lower, "upper": upper,
                "oneSidedUpper": one_sided,
            }


def normal_quantile_cases():
    probabilities = [1e-300, 1e-100, 1e-20, 1e-12, 1e-11, 1e-5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.0749, 0.0751]
    probabilities += [0.1, 0.25, 0.4999, 0.5, 0.5001, 0.75, 0.8, 0.9249, 0.9251, 0.975, 0.995, 0.9995, 1 - 2**-40]
    return [{"probability": p, "quantile": float(special.ndtri(p))} for p in probabilities]


def student_quantile_cases():
    for degrees in (0.5, 1, 2, 3, 4.5, 7, 11, 23, 29, 100, 1000, 1e6, 1e10):
        for p in (1e-30, 1e-9, 0.0005, 0.005, 0.025, 0.1, 0.24, 0.26, 0.4, 0.4999, 0.5, 0.6, 0.8, 0.975, 0.995):
            yield {"probability": p, "degreesOfFreedom": degrees, "quantile": float(stats.t.ppf(p, degrees))}


def prediction_interval_cases():
    for count in (2, 3, 8, 30):
        values = np.round(random.normal(10, 2, count), 3)
        for confidence in (0.9, 0.99):
            reach = stats.t.ppf(1 - (1 - confidence) / 2, count - 1) * values.std(ddof=1) * math.sqrt(1 + 1 / count)
            yield {
                "values": list(values), "confidence": confidence,
                "lower": float(values.mean() - reach), "upper": float(values.mean() + reach),
            }


def quantile_interval_cases():
    """Ranks of the bounds by adding binomial probabilities up in exact fractions."""
    for count in (5, 6, 10, 20, 44, 60, 100, 300):
        for probability in ("0.1", "0.25", "0.5", "0.9", "0.99"):
            for confidence in ("0.9", "0.95", "0.99"):
                p, limit = Fraction(probability), (1 - Fraction(confidence)) / 2
                pmf = [math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(count + 1)]
                low, below = 0, Fraction(0)
                while below + pmf[low] <= limit:
                    below += pmf[low]
                    low += 1
                high, above = 0, Fraction(0)
                while above + pmf[count - high] <= limit:
                    above += pmf[count - high]
                    high += 1
                yield {
                    "count": count, "probability": float(probability), "confidence": float(confidence),
                    "lowerRank": low if low and high else None,
                    "upperRank": count + 1 - high if low and high else None,
                    "coverage": float(1 - below - above),
                }


def split_mix(seed):
    mask, state = 2**64 - 1, seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def geometric_mean_cases():
    for seed, sizes in [(1, [1]), (42, [4, 4, 4]), (2**64 - 1, [6, 1, 12, 3, 6])]:
        groups = [[round(math.exp(v), 4) for v in random.normal(0.1, 0.3, size)] for size in sizes]
        logs = [[math.log(v) for v in group] for group in groups]
        draws = split_mix(seed)
        means = []
        for _ in range(500):
            total = 0.0
            for _ in logs:
                group = logs[next(draws) * len(logs) >> 64]
                total += math.fsum(group[next(draws) * len(group) >> 64] for _ in group) / len(group)
            means.append(total / len(logs))
        lower, upper = np.quantile(means, [0.025, 0.975])
        estimate = np.mean([np.mean(group) for group in logs])
        yield {
            "groups": groups, "seed": str(seed), "resamples": 500, "confidence": 0.95,
            "estimate": float(estimate), "lower": float(lower), "upper": float(upper),
        }


def signed_rank_records():
    for differences, p, exact, source in signed_rank_cases():
        yield {
            "differences": list(differences), "statistic": positive_sum(differences), "pValue": float(p),
            "isExact": exact, "source": source,
        }


def rank_sum_records():
    for first, second, p, exact, source in rank_sum_cases():
        yield {
            "first": list(first), "second": list(second), "statistic": brute_u(first, second),
            "pValue": float(p), "isExact": exact, "source": source,
        }


sections = {
    "signedRank": signed_rank_records(),
    "rankSum": rank_sum_records(),
    "hodgesLehmann": hodges_lehmann_cases(),
    "hodgesLehmannShift": hodges_lehmann_shift_cases(),
    "cliffsDelta": cliffs_delta_cases(),
    "holm": holm_cases(),
    "kendallTau": kendall_cases(),
    "clopperPearson": clopper_pearson_cases(),
    "normalQuantile": normal_quantile_cases(),
    "studentQuantile": student_quantile_cases(),
    "predictionInterval": prediction_interval_cases(),
    "quantileInterval": quantile_interval_cases(),
    "geometricMean": geometric_mean_cases(),
}
lines = [
    f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in sections.items()
]
print("{\n" + ",\n".join(lines) + "\n}")
