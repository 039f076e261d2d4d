"""The course of a run as a picture."""

from matplotlib.figure import Figure


def plot_history(history, path):
    """Draws loss and the other metrics over the epochs, training and validation, as a PNG.

    Args:
        history: One dict an epoch, with `epoch` and metrics; those named `val_...` go with their namesakes.
        path: The PNG's path.
    """
    names = [name for name in history[0] if name not in ("epoch", "learning_rate") and not name.startswith("val_")]
    figure = Figure(figsize=(5 * len(names), 3.6), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    epochs = [row["epoch"] for row in history]
    for ax, name in zip(axes, names, strict=True):
        ax.plot(epochs, [row[name] for row in history], label="training", marker=".")
        if f"val_{name}" in history[0]:
            ax.plot(epochs, [row[f"val_{name}"] for row in history], label="validation", marker=".")
        ax.set(title=name, xlabel="epoch")
        ax.grid(alpha=0.3)
        ax.legend()
    figure.savefig(path, dpi=120, format="png")
