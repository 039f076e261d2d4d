"""A table of ways that are tried with several seeds each."""

import statistics

from apps.results import markdown


def table_of_seeds(title, ways, seeds, results):
    """Returns a Markdown table: a line a way, a column a seed, then their mean and what a run costs.

    Args:
        title: Head of the first column.
        ways: `{way: its words}`.
        seeds: The seeds.
        results: `{"<way>-<seed>": {"accuracy", "cpu_seconds", ...}}`, as far as they are there.
    """
    head = [title, *(f"seed {seed}" for seed in seeds), "mean test accuracy", "parameters", "CPU minutes a run"]
    lines = [head, ["---"] * len(head)]
    for way, words in ways.items():
        found = [results.get(f"{way}-{seed}") for seed in seeds]
        there = [result for result in found if result]
        if there:
            cells = [f"{result['accuracy']:.4f}" if result else "" for result in found]
            mean = statistics.mean(result["accuracy"] for result in there)
            minutes = statistics.mean(result["cpu_seconds"] for result in there) / 60
            lines.append([words, *cells, f"{mean:.4f}", f"{there[0]['parameters']:,}", f"{minutes:.1f}"])
    return markdown(lines)
