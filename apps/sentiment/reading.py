"""The texts of a config: read or made, and turned into ids of words."""

from apps.reading import tell_problems
from dlkeras.data.made_reviews import CLASS_NAMES, make_reviews
from dlkeras.data.splits import Examples, Splits
from dlkeras.data.text_files import load_texts
from dlkeras.models.text.naive_bayes import distinct_pairs
from dlkeras.text import WordTokenizer, pad

REVIEWS = "reviews"
TOKENIZER = "tokenizer"  # the keys in `info`
PAIRS = "pairs"


def read(config):
    """Reads or makes the texts of a config: `Splits` of `str`."""
    if config.data == REVIEWS:
        return _made(config)
    fractions = {name: getattr(config, name) for name in ("validation_fraction", "test_fraction")}
    splits, problems = load_texts(config.data, **reading(config), **fractions, seed=config.seed, strict=config.strict)
    tell_problems(problems, "the texts")
    return splits


def encode(splits, config, info=None):
    """Turns texts into ids by the words of the training texts, or by those of a trained model's `info`."""
    fitted = info is None
    if fitted:
        tokenizer = WordTokenizer(min_frequency=config.min_frequency, max_size=config.max_words)
        info = {**splits.info, TOKENIZER: tokenizer.fit(splits.train.x).to_dict()}
    tokenizer = WordTokenizer.from_dict(info[TOKENIZER])
    parts = [encoded(part, tokenizer, config) for part in (splits.train, splits.validation, splits.test)]
    if fitted and config.naive_bayes:
        info[PAIRS] = len(distinct_pairs(parts[0].x, len(tokenizer.vocabulary)))
    return Splits(*parts, info)


def _made(config):
    held_out = max(50, config.reviews // 5)
    counts = (config.reviews, held_out, held_out)
    parts = [Examples(*make_reviews(count, (config.seed, part))) for part, count in enumerate(counts)]
    return Splits(*parts, {"class_names": CLASS_NAMES, "data": REVIEWS})


def reading(config):
    """Returns how texts are read, for `load_texts` and `load_test_texts`."""
    return {
        "form": config.form or None,
        "columns": tuple(config.columns.split(",")),
        "names": dict(pair.split("=", 1) for pair in renamings(config.names)) or None,
        "encoding": config.encoding or None,
    }


def encoded(examples, tokenizer, config):
    """Turns texts into ids, `(texts, words of the longest)`; a longer one than `config.length` loses its end."""
    # Cut first: a single long text would make the array as wide as itself.
    ids, _ = pad([ids[: config.length] for ids in tokenizer.encode_many(examples.x)])
    return Examples(ids, examples.y)


def renamings(names):
    """Returns the parts of a config's `names`, such as `0=negative`."""
    return names.split(",") if names else []
