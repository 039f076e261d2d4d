"""The applications: one folder a task, and the commands that work on all of them."""
