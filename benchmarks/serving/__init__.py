"""The model server beside other servers in Python, on the same SavedModels: `python -m benchmarks.serving`."""
