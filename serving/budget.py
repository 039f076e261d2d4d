"""How many bytes of requests the server holds at a time, over all connections."""


class Budget:
    """A number of bytes that requests take and give back. For one thread, the event loop's.

    Args:
        limit: The bytes there are.
    """

    def __init__(self, limit):
        self.limit = limit
        self.taken = 0

    def take(self, size):
        """Take bytes.

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
        """Give bytes back.

        Args:
            size: How many.
        """
        self.taken -= size
