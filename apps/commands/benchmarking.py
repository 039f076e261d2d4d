"""`dlkeras benchmark`: long tables, a row at a time, that go on where they were broken off."""

import importlib
import json
from pathlib import Path

from apps.registry import BENCHMARKS
from apps.results import write_between_marks
from apps.trained import write_json

_RESULT_FILE = "result.json"


def benchmark(name, *, rows=None, directory=None, record=False):
    """Makes the rows of a table that are not there yet, and prints it.

    Args:
        name: A key of `apps.registry.BENCHMARKS`: a module with `ROWS`, `run(row, directory)` and
            `table(results)`.
        rows: The rows to make; by default all.
        directory: Where rows are kept, a folder each; by default `runs/benchmark/<name>`.
        record: Whether the table goes into the project's own README of benchmarks.

    Returns:
        `{row: result}` of the rows that are there.

    Raises:
        ValueError: A row is unknown.
    """
    module = importlib.import_module(BENCHMARKS[name])
    unknown = sorted(set(rows or ()) - set(module.ROWS))
    if unknown:
        raise ValueError(f"`--rows` must be among {', '.join(module.ROWS)}. Received: {', '.join(unknown)}")
    directory = Path(directory or Path("runs", "benchmark", name))
    for row in rows or module.ROWS:
        path = directory / row / _RESULT_FILE
        if not path.exists():
            print(f"{name}: {row}", flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, module.run(row, path.parent))
    results = _results(module, directory)
    table = module.table(results)
    (directory / "table.md").write_text(table + "\n")
    print(table)
    if record:
        write_between_marks(Path(module.__file__).with_name("README.md"), name, table)
    return results


def _results(module, directory):
    paths = {row: directory / row / _RESULT_FILE for row in module.ROWS}
    return {row: json.loads(path.read_text()) for row, path in paths.items() if path.exists()}
