"""What the commands do, a function each; `apps.cli` reads their arguments."""
