"""How many bytes the server holds for its clients at a time, over all connections, and how fast these must move."""

# Answers that clients have asked for and do not take.
MAX_UNSENT_BYTES = 2**30
MIN_BYTES_PER_SECOND = 2_000
# Pieces of a request below this size are put together, or their bookkeeping would outgrow them.
SMALL_PIECE = 1024


class Budget:
    """Bytes that requests, and answers that wait for their clients, take and give back. For the event loop's thread.

    Args:
        limit: The bytes of requests there are.

    Attributes:
        taken: The bytes of requests that are held.
        unsent: The bytes of answers that wait for their clients.
    """

    def __init__(self, limit):
        self.limit = limit
        self.taken = 0
        self.unsent = 0

    def take(self, size):
        """Take bytes for a request.

        Args:
            size: How many.

        Returns:
            Whether there were as many left; if not, none are taken.
        """
        if self.taken + size > self.limit:
            return False
        self.taken += size
        return True

    def give(self, size):
        """Give bytes of a request back.

        Args:
            size: How many.
        """
        self.taken -= size

    def keep(self, size):
        """Keep bytes of an answer that its client does not take yet.

        Args:
            size: How many; below 0 when it has taken them.

        Returns:
            Whether there was room for them; they count in either case.
        """
        self.unsent += size
        return self.unsent <= MAX_UNSENT_BYTES


class Pace:
    """Tells a slow client from one that has stopped.

    Args:
        seconds: How long bytes may move slower than `MIN_BYTES_PER_SECOND`.
    """

    def __init__(self, seconds):
        self._seconds = seconds
        self._since = None
        self._count = 0

    def too_slow(self, now, count, expected):
        """Look at the bytes that have moved; to be called now and then.

        Args:
            now: `time.monotonic()`.
            count: The bytes that have moved since the connection was made.
            expected: Whether there is anything to move.

        Returns:
            Whether the client has been too slow.
        """
        if not expected:
            self._since = None
        elif self._since is None:
            self._since, self._count = now, count
        elif now - self._since >= self._seconds:
            if count - self._count < self._seconds * MIN_BYTES_PER_SECOND:
                return True
            self._since, self._count = now, count
        return False


def add_piece(pieces, data):
    """Add to a list of bytes, which is joined later.

    Args:
        pieces: The list.
        data: Bytes.
    """
    if pieces and len(data) < SMALL_PIECE and len(pieces[-1]) < SMALL_PIECE:
        pieces[-1] += data
    elif data:
        pieces.append(data)
