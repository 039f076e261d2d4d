"""`dlkeras export`, and the export of all that ships."""

import dataclasses
import hashlib
import json
from pathlib import Path

from apps.presets import METRICS_FILE, model_folder, preset_names, served_name
from apps.registry import APPS
from dlkeras.files import write_atomically

SOURCE_FILE = "source.sha256"
# In a model's folder, beside its versions: the one to serve, where that is not the newest.
CHOICE_FILE = "choice.json"


def export_model(app_name, *, preset=None, run=None, name=None, models="models"):
    """Writes the next version of a trained model for serving; returns its folder."""
    from apps import registry
    from apps.trained import open_trained
    from dlkeras.export import export

    app = registry.create(app_name)
    trained = open_trained(app, model_folder(app_name, preset, run))
    name = name or served_name(app_name, None if run else preset)
    files = {SOURCE_FILE: _fingerprint(trained.directory)}
    if "class_names" in trained.info:
        files["labels.txt"] = "".join(f"{label}\n" for label in trained.info["class_names"])
    endpoints = app.endpoints(trained.model, trained.info)
    card = _model_card(app, trained, endpoints)
    path = export(trained.model, endpoints, Path(models, name), card=card, files=files)
    write_models_config(models)
    print(f"Exported {name} version {path.name} to {path}")
    return path


def export_presets(models="models"):
    """Exports each preset whose newest version in `models` was not made from the weights and code that are here now."""
    for app_name in APPS:
        for preset in preset_names(app_name):
            folder = Path(models, served_name(app_name, preset))
            if not _is_current(folder, model_folder(app_name, preset)):
                export_model(app_name, preset=preset, models=models)


def write_models_config(models="models"):
    """Writes `models.config`, TensorFlow Serving's list of models, for the folders in `models`; returns its path.

    Raises:
        FileNotFoundError: There is no model in `models`.
    """
    folder = Path(models).resolve()
    names = sorted({path.parent.parent.name for path in folder.glob("*/*/saved_model.pb") if _is_version(path.parent)})
    if not names:
        raise FileNotFoundError(f"{folder} holds no exported model. `dlkeras export APP` puts one there.")
    path = folder / "models.config"
    _write(path, f"model_config_list {{\n{''.join(_entry(folder / name) for name in names)}}}\n")
    return path


def choose_version(name, version, models="models"):
    """Has a version of a model served, as soon as the server looks at `models.config` again.

    Args:
        name: The model's name.
        version: Its version's number; None for the newest there is, now and later.
        models: Folder of exported models.
    """
    choice = Path(models, name, CHOICE_FILE)
    if version is None:
        choice.unlink(missing_ok=True)
    else:
        _write(choice, json.dumps({"version": version}))
    write_models_config(models)


def _entry(folder):
    choice = folder / CHOICE_FILE
    version = json.loads(choice.read_text())["version"] if choice.exists() else None
    policy = ""
    # A choice whose version has been deleted would leave the server with nothing to serve.
    if version is not None and (folder / str(version)).is_dir():
        policy = f" model_version_policy {{ specific {{ versions: {version} }} }}"
    return f'  config {{ name: "{folder.name}" base_path: "{folder}" model_platform: "tensorflow"{policy} }}\n'


def _write(path, text):
    # A server that polls the file must not read half of it.
    write_atomically(path, lambda beside: beside.write_text(text))


def _is_version(path):
    return path.name.isdecimal()


def _is_current(folder, source):
    newest = max(
        (path for path in folder.glob("*") if _is_version(path)), key=lambda path: int(path.name), default=None
    )
    mark = newest and newest / "assets.extra" / SOURCE_FILE
    return bool(mark) and mark.exists() and mark.read_text() == _fingerprint(source)


def _fingerprint(directory):
    """Returns a digest of what an export is made from: a model's folder, and the code of `apps` and `dlkeras`."""
    root = Path(__file__).parents[2]
    code = [path for package in ("apps", "dlkeras") for path in (root / package).rglob("*.py")]
    weights = [path for path in Path(directory).glob("*") if path.suffix in (".h5", ".json")]
    digest = hashlib.sha256()
    for path in sorted([*code, *weights]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _model_card(app, trained, endpoints):
    metrics_file = trained.directory / METRICS_FILE
    metrics = json.loads(metrics_file.read_text()) if metrics_file.exists() else {}
    figures = "\n".join(f"- {name}: {value}" for name, value in metrics.items()) or "Not measured yet."
    settings = "\n".join(f"- {name}: {value}" for name, value in dataclasses.asdict(trained.config).items())
    calls = "\n".join(f"- `{endpoint.name}`: {', '.join(endpoint.inputs)} in" for endpoint in endpoints)
    return (
        f"# {app.title}: {trained.directory.name}\n\nEndpoints\n\n{calls}\n\nFigures\n\n{figures}\n\n"
        f"Trained with\n\n{settings}\n"
    )
