"""What apps do with data that was read: compare it with what a model knows, tell what is wrong, test on all of it."""

from dlkeras.data.location import DataError
from dlkeras.data.splits import Examples, Splits

_MOST_LISTED = 20


def check_classes(found, trained):
    """Refuses data of other classes than those that a model was trained on.

    Args:
        found: `info` of the data.
        trained: `info` of the model, or `None` where there is none yet.

    Raises:
        DataError: The class names differ.
    """
    if trained is not None and found["class_names"] != trained["class_names"]:
        raise DataError(
            f"The model was trained on class_names {trained['class_names']}. Received: {found['class_names']}"
        )


def tell_problems(problems, what):
    """Says what was left out of a data set.

    Args:
        problems: List of `dlkeras.data.annotations.Problem`.
        what: Where they are, such as "the annotations".
    """
    if problems:
        print(f"{len(problems)} problems in {what}; what they concern is left out:")
        for file, sentence in problems[:_MOST_LISTED]:
            print(f"  {file}: {sentence}")


def to_test_on(test, info, data):
    """Returns `Splits` of nothing but examples to test on.

    Args:
        test: `Examples`.
        info: Of the model.
        data: What the data is called.
    """
    none = Examples(test.x[:0], test.y[:0])
    return Splits(none, none, test, {**info, "data": data})
