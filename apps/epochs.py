"""How many epochs a network may learn for in a given time, for tables that compare networks in the same time."""

import time

_STEPS = 24  # that tell how long a step takes, after as many that are not counted


def epochs_in(minutes, app, config, splits, batches):
    """Returns how many whole epochs come nearest to a time, at least 1, as a few steps of a trial model tell.

    Args:
        minutes: CPU minutes, of all threads.
        app: The app.
        config: Of the run.
        splits: Its data.
        batches: Its training batches, two times 24 at least.
    """
    model = app.build(config, splits.info)
    app.compile(model, config, len(batches))
    for part in range(2):  # the first part makes the graphs
        begin = time.process_time()
        # Of batches by length the first two are wider than the others.
        for number in range(2 + part * _STEPS, 2 + (part + 1) * _STEPS):
            model.train_on_batch(*batches[number])
    seconds = (time.process_time() - begin) / _STEPS * len(batches)
    return max(1, round(60 * minutes / seconds))
