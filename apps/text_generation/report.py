"""What a test of a language model looks like: what it writes."""

from pathlib import Path

import tensorflow as tf

from dlkeras.files import write_atomically

_TEMPERATURES = (0.5, 0.8, 1.0)
_LENGTH = 500


def write_report(directory, writer):
    """Writes `samples.txt`: a text for each of several temperatures, from no prompt.

    Args:
        directory: Where it goes; made if it is not there.
        writer: `dlkeras.text.writing.Writer`.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    rows = len(_TEMPERATURES)
    fixed = {"max_tokens": tf.fill([rows], _LENGTH), "top_k": tf.zeros([rows], "int32"), "top_p": tf.ones([rows])}
    answer = tf.function(writer.write)(
        tf.fill([rows], ""), **fixed, temperature=tf.constant(_TEMPERATURES), seed=tf.range(rows, dtype="int64")
    )
    texts = [text.decode() for text in answer["text"].numpy()]
    parts = [f"--- temperature {heat} ---\n{text}\n" for heat, text in zip(_TEMPERATURES, texts, strict=True)]
    write_atomically(directory / "samples.txt", lambda path: path.write_text("\n".join(parts), encoding="utf-8"))
