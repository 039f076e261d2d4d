"""Prompts to try, written for the page."""

EXAMPLES = (
    "ROMEO:\n",
    "KING RICHARD:\nThe night is long, and",
    "First Citizen:\nGood neighbours, ",
    "DUKE:\nWhat news from Rome?\n\nMESSENGER:\n",
)
