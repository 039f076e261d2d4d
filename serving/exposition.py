"""Prometheus's text format: counters, gauges and histograms with labels.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from bisect import bisect_left


def exponential(scale, growth, count):
    """List the upper limits of TensorFlow's exponential buckets; a last one without limit follows.

    Args:
        scale: The first limit.
        growth: What each limit is to the one before.
        count: How many.

    Returns:
        A list of floats.
    """
    limits = [float(scale)]
    while len(limits) < count:
        limits.append(limits[-1] * growth)
    return limits


class Histogram:
    """Counts values by upper limit.

    Args:
        limits: An ascending list of numbers.
    """

    __slots__ = ("counts", "limits", "total")

    def __init__(self, limits):
        self.limits = limits
        self.counts = [0] * (len(limits) + 1)
        self.total = 0

    def add(self, value):
        """Count a value."""
        self.counts[bisect_left(self.limits, value)] += 1
        self.total += value

    def add_all(self, values):
        """Count each of a list of values."""
        limits, counts = self.limits, self.counts
        for value in values:
            counts[bisect_left(limits, value)] += 1
        self.total += sum(values)

    def merge(self, other):
        """Count what another histogram of the same limits has counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Family:
    """One metric and its cells, a cell for each combination of label values.

    Args:
        name: The metric's name.
        help_text: What it is, with its unit.
        labels: The labels' names.
        limits: The upper limits of a histogram's buckets; None for plain numbers.
        kind: Prometheus's type of plain numbers.
        most: How many cells to keep; the oldest go. None for all.
    """

    def __init__(self, name, help_text, labels=(), limits=None, kind="counter", most=None):
        self.name, self.help_text, self.labels = name, help_text, labels
        self.limits, self.kind, self.most = limits, "histogram" if limits else kind, most
        self.cells = {}

    def histogram(self, *values):
        """Give the histogram of these label values."""
        if values not in self.cells:
            self._put(values, Histogram(self.limits))
        return self.cells[values]

    def add(self, number, *values):
        """Add to the number of these label values."""
        self._put(values, self.cells.get(values, 0) + number)

    def _put(self, values, cell):
        self.cells[values] = cell
        if self.most and len(self.cells) > self.most:
            del self.cells[next(iter(self.cells))]

    def write(self, lines):
        """Append Prometheus's text to a list of lines."""
        lines += [f"# HELP {self.name} {self.help_text}", f"# TYPE {self.name} {self.kind}"]
        for values, cell in self.cells.items():
            labels = [f'{name}="{_escaped(value)}"' for name, value in zip(self.labels, values, strict=True)]
            if self.kind == "histogram":
                _write_histogram(lines, self.name, labels, cell)
            else:
                lines.append(f"{self.name}{{{','.join(labels)}}} {cell}")


def merged(pages):
    """Add up the pages of several processes, number by number.

    Args:
        pages: A list of bytes, as `Metrics.page` gives them.

    Returns:
        Bytes, one page.
    """
    families, cells = {}, {}
    for line in (line for page in pages for line in page.decode().splitlines()):
        if line.startswith("# HELP "):
            cells = families.setdefault(line, {})
        elif line.startswith("#"):
            cells[line] = None
        else:
            name, _, text = line.rpartition(" ")
            cells[name] = cells.get(name, 0) + (int(text) if text.isdecimal() else float(text))
    lines = []
    for heading, cells in families.items():
        lines += [heading, *(name if number is None else f"{name} {number}" for name, number in cells.items())]
    return ("\n".join(lines) + "\n").encode()


def _write_histogram(lines, name, labels, histogram):
    count = 0
    for limit, number in zip([*histogram.limits, None], histogram.counts, strict=True):
        count += number
        # The limits as TensorFlow Serving writes them, because dashboards name them.
        upper = "+Inf" if limit is None else f"{limit:g}"
        bucket = [*labels, f'le="{upper}"']
        lines.append(f"{name}_bucket{{{','.join(bucket)}}} {count}")
    joined = ",".join(labels)
    lines += [f"{name}_sum{{{joined}}} {histogram.total}", f"{name}_count{{{joined}}} {count}"]


def _escaped(value):
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
