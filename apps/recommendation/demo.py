"""The page: pick what you like, and see what you may like too and why; or look at users and items of the data."""

import time

import gradio

from apps.calls import curl_values_call, python_values_call
from apps.components import calls_of, mistake, mistakes, page_of
from apps.presets import preset_info, preset_names, served_name
from apps.recommendation.asking import FROM_HISTORY, ask_for_known, ask_for_new, ask_for_rating, ask_for_similar
from apps.recommendation.examples import examples

APP = "recommendation"
TITLE = "Recommendation"
ANY = "any"
_ABOUT = (
    "Pick some that you like. The model has never met you: it tells what you may like too, and which of yours it takes "
    "it from."
)
_MOST_OFFERED = 2000  # items to pick from, those that are rated most
_OFFERED_USERS = 200


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"items": [[name]], ...}, endpoint=..., preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    info = preset_info(APP, presets[0])
    preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="recommendation-preset")
    with gradio.Row():
        genre = gradio.Dropdown(_genres(info), value=ANY, label="Genre", elem_id="recommendation-genre")
        k = gradio.Slider(1, 50, 10, step=1, label="How many", elem_id="recommendation-k")
    with gradio.Tab("For you"):
        items, more = _build_for_new(predict, info, preset, genre, k)
    with gradio.Tab("For a user of the data"):
        user, rated = _build_for_known(predict, info, preset, genre, k)
    with gradio.Tab("Like one of them"):
        item = _build_similar(predict, info, preset, genre, k)

    def other(name):
        known = preset_info(APP, name)
        choices, users = _items(known), _users(known)
        return (
            gradio.Dropdown(_genres(known), value=ANY),
            gradio.Dropdown(choices, value=examples(known)[0]),
            gradio.Dataset(samples=_samples(known)),
            gradio.Dropdown(users, value=users[0]),
            gradio.Dropdown(choices, value=choices[0][1]),
            gradio.Dropdown(choices, value=choices[0][1]),
        )

    preset.input(other, preset, [genre, items, more, user, rated, item], api_name=False)


def _build_for_new(predict, info, preset, genre, k):
    gradio.Markdown(_ABOUT)
    first = examples(info)[0]
    items = gradio.Dropdown(
        _items(info), value=first, multiselect=True, label="What you like", elem_id="recommendation-items"
    )
    button = gradio.Button("Recommend", variant="primary", elem_id="recommendation-ask")
    more = gradio.Dataset(
        components=[gradio.Textbox(visible=False)],
        samples=_samples(info),
        label="Examples",
        type="index",
        elem_id="recommendation-examples",
    )
    table, spent = _answer(["title", "score", "since you like"], "recommendation-table")
    calls_of(lambda *given: _calls(predict, *given), [preset, items, k, genre], "recommendation-curl")
    asked = {
        "fn": lambda *given: _timed(_for_new, predict, *given),
        "inputs": [preset, items, k, genre],
        "outputs": [table, spent],
    }
    button.click(**asked, api_name="recommend")
    chosen = more.click(
        lambda name, index: examples(preset_info(APP, name))[index], [preset, more], items, api_name=False
    )
    chosen.then(**asked, api_name=False)
    return items, more


def _build_for_known(predict, info, preset, genre, k):
    users, choices = _users(info), _items(info)
    gradio.Markdown("What a user whose ratings were learned from has not seen yet, and may like.")
    user = gradio.Dropdown(users, value=users[0], label="User", allow_custom_value=True, elem_id="recommendation-user")
    button = gradio.Button("Recommend", variant="primary", elem_id="recommendation-ask-known")
    table, spent = _answer(["title", "score"], "recommendation-known")
    button.click(
        lambda *given: _timed(ask_for_known, predict, *given),
        [preset, user, k, genre],
        [table, spent],
        api_name="top_k",
    )
    with gradio.Row():
        rated = gradio.Dropdown(
            choices, value=choices[0][1], label="How would they rate", elem_id="recommendation-rated"
        )
        rate = gradio.Button("Rate", elem_id="recommendation-rate")
    said = gradio.Markdown(elem_id="recommendation-rating")
    rate.click(lambda *given: _rated(predict, *given), [preset, user, rated], said, api_name="rate")
    return user, rated


def _build_similar(predict, info, preset, genre, k):
    choices = _items(info)
    gradio.Markdown("What those like who like this one: score 1 is as near as can be.")
    item = gradio.Dropdown(choices, value=choices[0][1], label="This one", elem_id="recommendation-item")
    button = gradio.Button("Find", variant="primary", elem_id="recommendation-ask-similar")
    table, spent = _answer(["title", "score"], "recommendation-similar")
    button.click(
        lambda *given: _timed(ask_for_similar, predict, *given),
        [preset, item, k, genre],
        [table, spent],
        api_name="similar",
    )
    return item


def _answer(headers, elem_id):
    return gradio.Dataframe(headers=headers, interactive=False, wrap=True, elem_id=elem_id), gradio.Markdown()


def _for_new(predict, preset, items, k, genre):
    if not items:
        raise mistake("Pick one at least that you like.")
    return ask_for_new(predict, preset, items, k, genre)


def _timed(ask, predict, preset, asked, k, genre):
    """Returns rows for the page, and how long they took."""
    begin = time.perf_counter()
    with mistakes():
        rows = ask(predict, preset, asked, int(k), "" if genre == ANY else genre)
    spent = f"Answered in {(time.perf_counter() - begin) * 1000:.0f} ms."
    return rows, spent if rows else f"{spent} There is nothing left of that genre."


def _rated(predict, preset, user, item):
    titles = dict(zip(*(preset_info(APP, preset)[name] for name in ("item_names", "titles")), strict=True))
    with mistakes():
        rating = ask_for_rating(predict, preset, user, item)
    return f"User {user} would give **{titles[item]}** {rating:.1f}."


def _items(info):
    """Returns `(title, name)` of the items to pick from, by title."""
    choices = [(info["titles"][place], info["item_names"][place]) for place in info["popular"][:_MOST_OFFERED]]
    return sorted(choices)


def _users(info):
    return info["user_names"][:_OFFERED_USERS]


def _genres(info):
    return [ANY, *sorted({genre for genres in info["genres"] for genre in genres})]


def _samples(info):
    titles = dict(zip(info["item_names"], info["titles"], strict=True))
    return [["; ".join(titles[name] for name in names)] for names in examples(info)]


def _calls(predict, preset, items, k, genre):
    model = served_name(APP, preset)
    values = {"items": items, "k": int(k), "genre": "" if genre == ANY else genre}
    return (
        curl_values_call(predict.rest, model, FROM_HISTORY, values),
        python_values_call(predict.address, model, FROM_HISTORY, values),
    )
