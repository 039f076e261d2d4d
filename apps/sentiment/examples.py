"""Texts to try, written for the page."""

EXAMPLES = (
    "A warm, funny and beautifully acted film that never once talks down to its audience.",
    "The plot is not bad, but the ending is a lifeless mess.",
    "I expected another tedious sequel and got the most gripping two hours of the year.",
    "Hardly a single joke works, and the music drowns what little charm the cast brings.",
)
