"""Tables of this app that take an hour; `dlkeras benchmark NAME` makes them, a row at a time."""
