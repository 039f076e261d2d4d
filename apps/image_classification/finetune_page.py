"""The page on which a person trains a model on pictures of their own, asks it, and goes back to older versions."""

import html

import gradio

from apps.calls import curl_call, python_call
from apps.components import mistakes, picture_file
from apps.image_classification.training_view import curve, describe, show_step
from apps.image_classification.uploads import UploadError, save_classes, save_zip
from apps.image_classification.workshop import NAME, Workshop, WorkshopError
from apps.picture_files import read_picture
from apps.predict import PredictError

TITLE = "Train on your own pictures"
_ROWS = 10
_BY_CLASS, _ZIP = "class by class", "a zip with a folder a class"
_BACKBONES = [
    ("Small pictures, 32 px: ResNet-20 of CIFAR-10", "cifar10"),
    ("Grey pictures, 28 px: ResNet-20 of Fashion-MNIST", "fashion_mnist"),
    ("Photographs, 224 px: MobileNet of ImageNet", "mobilenet_v1_025"),
]
_ABOUT_BACKBONES = "Small pictures train in seconds. MobileNet's weights (2 MB) are downloaded when it is first used."


def build_training(predict):
    """Builds the page.

    Args:
        predict: `ServerPredict`, whose `models` is the folder that the server serves; without one the page says so.

    Returns:
        A function of no arguments and its outputs, `(look, outputs)`, to be called whenever the page is opened.
    """
    if predict.models is None:
        gradio.Markdown("Training here needs the model server on this machine: open this page by `dlkeras up`.")
        return None, []
    return _Page(predict).build()


class _Page:
    def __init__(self, predict):
        self._predict = predict
        self._workshop = Workshop(predict.models, predict.address)

    def build(self):
        gradio.Markdown(
            "Give a few pictures of each thing that you want told apart. A network that was trained on many others "
            "learns to, here on this machine, and answers on this page."
        )
        with gradio.Row():
            with gradio.Column(scale=6):
                given = self._build_pictures()
                backbone = gradio.Dropdown(
                    _BACKBONES, value="cifar10", label="Starts from", info=_ABOUT_BACKBONES, elem_id="backbone"
                )
                epochs = gradio.Slider(2, 40, value=16, step=1, label="Epochs", elem_id="epochs")
                with gradio.Row():
                    train = gradio.Button("Train", variant="primary", elem_id="train")
                    cancel = gradio.Button("Cancel", interactive=False, elem_id="cancel")
                self._step = gradio.HTML(elem_id="step")
                self._curve = gradio.LinePlot(
                    **curve([]), x="epoch", y="accuracy", color="pictures", y_lim=[0, 1], height=220, visible=False
                )
            with gradio.Column(scale=5):
                self._build_answer()
        self._shown, self._timer = gradio.State(None), gradio.Timer(1, active=False)
        watched = [self._shown, self._step, self._curve, train, cancel, self._timer, *self._versions]
        seen = {"outputs": watched, "show_progress": "hidden", "api_name": False}
        train.click(self._start, [*given, backbone, epochs], None, api_name="train").then(self._open, None, **seen)
        cancel.click(self._workshop.cancel, None, None, api_name="cancel").then(self._open, None, **seen)
        self._timer.tick(self._watch, self._shown, **seen)
        return self._open, watched

    def _build_pictures(self):
        source = gradio.Radio([_BY_CLASS, _ZIP], value=_BY_CLASS, label="Your pictures come", elem_id="source")
        with gradio.Column() as by_class:
            rows = [self._build_row(number) for number in range(_ROWS)]
            add = gradio.Button("Add a class", size="sm", elem_id="add")
        archive = gradio.File(label="Zip", file_types=[".zip"], height=120, visible=False, elem_id="zip")
        count = gradio.State(2)
        source.change(
            lambda chosen: [gradio.update(visible=chosen == _BY_CLASS), gradio.update(visible=chosen == _ZIP)],
            source,
            [by_class, archive],
            api_name=False,
        )
        add.click(_add_row, count, [count, add, *(row for row, *_ in rows)], api_name=False)
        return [source, archive, *(part for _, *parts in rows for part in parts)]

    def _build_row(self, number):
        with gradio.Row(visible=number < 2, elem_classes="class-row") as row:
            name = gradio.Textbox(label=f"Class {number + 1}", placeholder="name", max_lines=1, scale=2, min_width=140)
            files = gradio.Gallery(
                label="Pictures",
                show_label=False,
                type="filepath",
                file_types=["image"],
                columns=3,
                height=150,
                scale=5,
                interactive=True,
            )
        return row, name, files

    def _build_answer(self):
        self._answering = gradio.Markdown(elem_id="answering")
        picture = picture_file(height=240, label="Picture", elem_id="my-picture")
        answer = gradio.Label(num_top_classes=5, label="Answer", elem_id="my-answer")
        choice = gradio.Radio([], label="Versions", visible=False, elem_id="versions")
        use = gradio.Button("Use this version", size="sm", visible=False, elem_id="use")
        with gradio.Accordion("The same call from your shell or program", open=False):
            file = "picture.jpg"
            gradio.Code(curl_call(self._predict.rest, NAME, "serving_default", file), language="shell", label="curl")
            python = python_call(self._predict.address, NAME, "serving_default", "image_bytes", file)
            gradio.Code(python, language="python", label="Python")
        asked = {"fn": self._ask, "inputs": picture, "outputs": answer}
        picture.upload(**asked, api_name="ask_mine")
        picture.clear(**asked, api_name=False)
        self._answering.change(**asked, api_name=False)
        self._versions = [self._answering, choice, use]
        use.click(self._use, choice, self._versions, api_name="use_version")

    def _start(self, source, archive, *rest):
        *parts, backbone, epochs = rest
        with mistakes(UploadError, WorkshopError):
            if source == _ZIP and not archive:
                raise UploadError("There is no zip yet. Drop one, or give pictures class by class.")
            classes = [
                (name, [path for path, _ in files or []]) for name, files in zip(parts[::2], parts[1::2], strict=True)
            ]
            fill = (lambda to: save_zip(archive, to)) if source == _ZIP else (lambda to: save_classes(classes, to))
            upload = self._workshop.start(fill, backbone, lambda upload: _settings(upload, epochs))
        if upload.left_out:
            more = f" and {len(upload.left_out) - 5} more" if len(upload.left_out) > 5 else ""
            gradio.Info(f"Left out, as they are no pictures of a class: {', '.join(upload.left_out[:5])}{more}.")

    def _open(self):
        return self._watch(None)

    def _watch(self, shown):
        """Shows what is new since `shown`."""
        look = self._workshop.look()
        now = (look.number, look.step, look.progress.done, look.progress.total)
        if now == shown:
            return [gradio.skip()] * 9
        # Not at every epoch: a person may be choosing a version.
        same_step = shown is not None and shown[:2] == now[:2]
        return [
            now,
            show_step(look),
            gradio.update(**curve(look.progress.history), visible=bool(look.progress.history)),
            gradio.update(interactive=not look.running),
            gradio.update(interactive=look.step in ("training", "exporting")),
            gradio.update(active=look.running),
            *([gradio.skip()] * 3 if same_step else self._show_versions()),
        ]

    def _show_versions(self):
        versions = self._workshop.versions.on_disk()
        text, number = "None of its versions answers yet." if versions else "There is none yet: train one.", None
        try:
            number = self._workshop.versions.answering() if versions else None
        except PredictError as error:
            text = html.escape(str(error))
        for version in versions:
            if version.number == number:
                text = f"Version {number} answers. It knows: {html.escape(', '.join(version.class_names))}."
        choices = [(describe(version), version.number) for version in versions]
        return (
            f"### Ask your model\n{text}",
            gradio.update(choices=choices, value=number, visible=bool(versions)),
            gradio.update(visible=bool(versions)),
        )

    def _use(self, number):
        with mistakes(WorkshopError):
            if number is None:
                raise WorkshopError("There is no version chosen yet. Choose one from the list.")
            self._workshop.versions.use(number)
        return self._show_versions()

    def _ask(self, path):
        if path is None:
            return None
        with mistakes(WorkshopError):
            number, answer = self._workshop.versions.ask(read_picture(path))
        labels = [label.decode() for label in answer["labels"][0]]
        scores = dict(zip(labels, map(float, answer["scores"][0]), strict=True))
        return gradio.update(value=scores, label=f"Answer of version {number}")


def _add_row(count):
    count = min(count + 1, _ROWS)
    rows = [gradio.update(visible=number < count) for number in range(_ROWS)]
    return [count, gradio.update(visible=count < _ROWS), *rows]


def _settings(upload, epochs):
    """Returns fields of the config: a third of the epochs for the head, and some steps an epoch of few pictures too."""
    head = max(1, int(epochs) // 3)
    batch_size = min(32, max(4, sum(upload.counts.values()) // 8))
    # A tenth of a few pictures, as is usual, would say nothing.
    return {"head_epochs": head, "epochs": int(epochs) - head, "batch_size": batch_size, "validation_fraction": 0.2}
