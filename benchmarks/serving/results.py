"""What has been measured: JSON lines in a file, so that a broken-off run goes on."""

import json
import statistics
from pathlib import Path


class Results:
    """The records of one run, kept in a file.

    Args:
        path: The file.
        settings: What must be equal for records to be comparable; the file's first line.
        resume: Whether to go on with what the file holds.

    Raises:
        ValueError: If the run to go on with had other settings.
    """

    def __init__(self, path, settings, resume):
        self._path = Path(path)
        self.records = []
        self.settings = settings
        if resume and self._path.exists():
            first, *records = [json.loads(line) for line in self._path.read_text().splitlines()]
            # What failed, or was not installed, is tried again.
            self.records = [record for record in records if "reason" not in record]
            differ = {name for name in settings if settings[name] != first.get(name)} - {"date"}
            if differ:
                raise ValueError(f"--resume goes on with the same settings. Different: {', '.join(sorted(differ))}")
            self.settings = first
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(settings) + "\n")

    def add(self, **record):
        """Keeps a record, on disk at once."""
        self.records.append(record)
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def find(self, **wanted):
        """Lists the records that have all these values."""
        return [record for record in self.records if all(record.get(name) == wanted[name] for name in wanted)]

    def other_work(self):
        """Returns the most cores that were busy with other work before a measurement."""
        return max((record["other_work"] for record in self.records if "other_work" in record), default=0.0)

    def reason(self, server, model):
        """Tells why a server has no figures for a model; None where it has, or has not been tried."""
        reasons = [record["reason"] for record in self.find(server=server, model=model) if "reason" in record]
        return reasons[0] if reasons else None

    def figures(self, server, model, in_flight, name):
        """Lists one figure of all rounds."""
        records = [record["loads"] for record in self.find(server=server, model=model) if "loads" in record]
        return [loads[str(in_flight)][name] for loads in records if str(in_flight) in loads]

    def median(self, server, model, in_flight, name):
        """Returns the median of a figure over the rounds; None where there is none."""
        values = self.figures(server, model, in_flight, name)
        return statistics.median(values) if values else None

    def floor(self, model, way, name):
        """Returns the median of an in-process figure; None where there is none."""
        values = [record["floor"][way][name] for record in self.find(model=model) if "floor" in record]
        return statistics.median(values) if values else None

    def process(self, server, model, name):
        """Returns the median of `ready` (seconds) or `memory` (MiB) of a server; None where there is none."""
        values = [record[name] for record in self.find(server=server, model=model) if name in record]
        return statistics.median(values) if values else None
