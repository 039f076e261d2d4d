"""Tables of this app that take hours; `dlkeras benchmark NAME` makes them, a row at a time."""
