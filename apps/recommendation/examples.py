"""What the page begins with: a few items that somebody might like."""

_ITEMS = 3  # of an example


def examples(info, count=4):
    """Returns examples, each the names of some items of one genre, the genres with most items first, none in two.

    Args:
        info: Of a model: `item_names`, `genres`, and `popular`, the places of items by how often they were rated.
        count: Number of examples at most.
    """
    of_genre = {}
    for place in info["popular"]:
        for genre in info["genres"][place]:
            of_genre.setdefault(genre, []).append(info["item_names"][place])
    longest = sorted(of_genre.values(), key=len, reverse=True)[:count]
    if not longest:  # a file of ratings tells no genres
        longest = [[info["item_names"][place] for place in info["popular"]]]
    shown = []
    for names in longest:
        shown.append([name for name in names if not any(name in others for others in shown)][:_ITEMS])
    return [names for names in shown if names]
