"""Results tables: written into an app's README from its presets' `metrics.json`, never by hand."""

import json
import re
from pathlib import Path

from apps.presets import METRICS_FILE, preset_names, presets_folder

_BEGIN, _END = "<!-- results: written by `dlkeras evaluate --record` -->", "<!-- end of results -->"
_BENCHMARK, _BENCHMARK_END = "<!-- written by `dlkeras benchmark {} --record` -->", "<!-- end of {} -->"
_BESIDE = ("seed", "seconds", "cpu_seconds", "epochs", "parameters", "hardware", "data", "split", "published")


def results_table(app_name):
    """Returns the presets' figures as a Markdown table."""
    rows = []
    for preset in preset_names(app_name):
        path = presets_folder(app_name) / preset / METRICS_FILE
        if path.exists():
            rows.append((preset, json.loads(path.read_text())))
    names = list(dict.fromkeys(name for _, metrics in rows for name in metrics if name not in _BESIDE))
    head = ["preset", "parameters", *names, "published", "epochs", "seconds (CPU)", "seed", "split"]
    lines = [head, ["---"] * len(head)]
    for preset, metrics in rows:
        figures = [f"{metrics[name]:.4f}" if name in metrics else "" for name in names]
        seconds = f"{metrics['seconds']} ({metrics['cpu_seconds']})"
        beside = [metrics.get("published", ""), metrics["epochs"], seconds, metrics["seed"], metrics["split"]]
        lines.append([preset, f"{metrics['parameters']:,}", *figures, *map(str, beside)])
    return markdown(lines)


def markdown(lines):
    """Returns rows of cells as a Markdown table; the second row is the rule under the head."""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_table(app_name):
    """Puts the table between its marks in the app's README."""
    _replace_between(Path(__file__).parent / app_name / "README.md", _BEGIN, _END, results_table(app_name))


def write_between_marks(readme, name, table):
    """Puts a benchmark's table between its marks in a README."""
    _replace_between(readme, _BENCHMARK.format(name), _BENCHMARK_END.format(name), table)


def _replace_between(readme, begin, end, table):
    text = readme.read_text()
    # A function as the replacement, so that no backslash of the table is read as a group.
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    readme.write_text(re.sub(pattern, lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL))
