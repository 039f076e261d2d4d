"""The command line: `dlkeras list | train | evaluate | export | predict | serve | demo | up | benchmark`."""

import argparse
import sys

from apps.quiet import import_keras
from apps.registry import APPS, BENCHMARKS


def _add(commands, name, summary, example):
    return commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_model(parser):
    parser.add_argument("app", choices=APPS, metavar="APP", help=f"one of {', '.join(APPS)}")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--preset", help="a preset that ships; by default the app's first")
    which.add_argument("--run", metavar="DIR", help="the folder of a run, such as runs/image_classification/default")


def _add_ports(parser, gallery):
    parser.add_argument("--models", default="models", metavar="DIR", help="folder of exported models (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--grpc-port", type=int, default=8500, metavar="N", help="(%(default)s)")
    parser.add_argument("--rest-port", type=int, default=8501, metavar="N", help="(%(default)s)")
    if gallery:
        parser.add_argument("--port", type=int, default=7860, metavar="N", help="the gallery's port (%(default)s)")


def _setting(text):
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"must be FIELD=VALUE. Received: {text}")
    return tuple(text.split("=", 1))


def parser():
    """Returns the parser of all commands."""
    main = argparse.ArgumentParser(prog="dlkeras", description="Train, evaluate, export, serve and show Keras models.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add(commands, "list", "list apps, their configs and presets", "dlkeras list")

    train = _add(
        commands,
        "train",
        "train an app's model; a run that was broken off goes on",
        "dlkeras train image_classification --data my_pictures --set epochs=5",
    )
    train.add_argument("app", choices=APPS, metavar="APP", help=f"one of {', '.join(APPS)}")
    train.add_argument("--config", help="a named variant; see dlkeras list; by default the one that fits the rest")
    train.add_argument("--data", help="name of a data set, folder, or tar file")
    train.add_argument(
        *("--set", "-s"),
        action="append",
        type=_setting,
        default=[],
        metavar="FIELD=VALUE",
        dest="settings",
        help="another value for a field of the config; may be given again",
    )
    train.add_argument("--format", choices=("voc", "coco", "yolo"), help="how pictures are annotated with boxes (voc)")
    train.add_argument(
        "--strict", action="store_const", const="true", help="refuse data with anything wrong in its annotations"
    )
    train.add_argument("--finetune", metavar="BACKBONE", help="a pretrained network to fine-tune; see the app's README")
    train.add_argument("--backbone", metavar="NAME", help="a pretrained network to build on; see the app's README")
    train.add_argument("--weights", metavar="FILE", help="weights file for it, where it needs one")
    train.add_argument("--run", metavar="DIR", help="the run's folder (runs/APP/CONFIG)")
    train.add_argument("--strategy", default="auto", choices=("auto", "none", "mirrored"), help="(%(default)s)")
    train.add_argument(
        "--precision",
        default="float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="what is computed with; weights are float32 (%(default)s)",
    )
    train.add_argument("--find-lr", action="store_true", help="try learning rates and draw their losses; no training")
    train.add_argument("--fresh", action="store_true", help="delete what is in the run's folder first")

    evaluate = _add(
        commands, "evaluate", "measure a model on its test split", "dlkeras evaluate image_classification --run DIR"
    )
    _add_model(evaluate)
    evaluate.add_argument("--data", help="other data to measure on, or the same elsewhere")
    evaluate.add_argument("--report", metavar="DIR", help="where tables and pictures go (runs/APP/NAME/report)")
    evaluate.add_argument("--record", action="store_true", help="write metrics.json, and a preset's row in the README")

    export = _add(
        commands, "export", "write a model as a SavedModel to be served", "dlkeras export image_classification"
    )
    export.add_argument("app", choices=APPS, nargs="?", metavar="APP", help=f"one of {', '.join(APPS)}")
    which = export.add_mutually_exclusive_group()
    which.add_argument("--preset", help="a preset that ships; by default the app's first")
    which.add_argument("--run", metavar="DIR", help="the folder of a run")
    which.add_argument("--all", action="store_true", help="every preset of every app that has changed since")
    export.add_argument("--name", help="name to serve it by; by default the app's")
    export.add_argument("--models", default="models", metavar="DIR", help="folder of exported models (%(default)s)")

    predict = _add(commands, "predict", "ask a model once", "dlkeras predict image_classification cat.jpg")
    _add_model(predict)
    predict.add_argument("input", nargs="+", metavar="INPUT", help="a file, a text, or name=value for several inputs")
    predict.add_argument("--server", metavar="HOST:PORT", help="ask a server, gRPC or http://host:port")
    predict.add_argument("--endpoint", default="serving_default", help="(%(default)s)")
    predict.add_argument("--save", metavar="DIR", help="write outputs that are files, such as pictures, there")

    serve = _add(commands, "serve", "serve the exported models over gRPC and REST", "dlkeras serve --rest-port 9001")
    _add_ports(serve, gallery=False)

    demo = _add(commands, "demo", "open the page of one app, or of all", "dlkeras demo image_classification")
    demo.add_argument("app", choices=APPS, nargs="?", metavar="APP", help="by default all")
    demo.add_argument("--server", metavar="HOST:PORT", help="ask a model server; by default models in this process")
    demo.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    demo.add_argument("--port", type=int, default=7860, metavar="N", help="(%(default)s)")

    up = _add(commands, "up", "export what ships, serve it and open the gallery", "dlkeras up --port 8080")
    _add_ports(up, gallery=True)
    bench = _add(
        commands,
        "benchmark",
        "make a long table, a row at a time; one that was broken off goes on",
        "dlkeras benchmark vision --rows lenet vgg11_mini",
    )
    bench.add_argument("name", choices=BENCHMARKS, metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    bench.add_argument("--rows", nargs="+", metavar="ROW", help="the rows to make; by default all")
    bench.add_argument("--directory", metavar="DIR", help="where rows are kept (runs/benchmark/NAME)")
    bench.add_argument("--record", action="store_true", help="write the table into the project's own README")
    return main


def _list(arguments):
    from apps import registry
    from apps.presets import preset_names

    for name in APPS:
        app = registry.create(name)
        print(f"{name}: {app.title}")
        print(f"  configs: {', '.join(app.configs)}")
        print(f"  presets: {', '.join(preset_names(name)) or 'none ships'}")


# Options that are fields of a config.
_NAMED = ("data", "format", "strict", "finetune", "backbone", "weights")


def _train(arguments):
    import keras

    from apps.commands.training import find_rate, train

    keras.config.set_dtype_policy(arguments.precision)
    named = {name: getattr(arguments, name) for name in _NAMED}
    chosen = {
        "config": arguments.config,
        "settings": {**dict(arguments.settings), **{name: value for name, value in named.items() if value}},
        "run": arguments.run,
        "strategy": arguments.strategy,
    }
    if arguments.find_lr:
        find_rate(arguments.app, **chosen)
    else:
        train(arguments.app, **chosen, fresh=arguments.fresh)


def _evaluate(arguments):
    from apps.commands.training import evaluate

    evaluate(
        arguments.app,
        preset=arguments.preset,
        run=arguments.run,
        data=arguments.data,
        report=arguments.report,
        record=arguments.record,
    )


def _export(arguments):
    from apps.commands.exporting import export_model, export_presets

    if arguments.all:
        export_presets(arguments.models)
    elif arguments.app:
        export_model(
            arguments.app,
            preset=arguments.preset,
            run=arguments.run,
            name=arguments.name,
            models=arguments.models,
        )
    else:
        raise ValueError("`dlkeras export` takes an APP or --all. Received: neither")


def _predict(arguments):
    from apps.commands.asking import predict

    predict(
        arguments.app,
        arguments.input,
        preset=arguments.preset,
        run=arguments.run,
        server=arguments.server,
        endpoint=arguments.endpoint,
        save=arguments.save,
    )


def _ports(arguments):
    from apps.commands.serving import Ports

    gallery = getattr(arguments, "port", Ports.gallery)
    return Ports(arguments.grpc_port, arguments.rest_port, gallery, arguments.host)


def _serve(arguments):
    from apps.commands.serving import serve

    serve(_ports(arguments), arguments.models)


def _demo(arguments):
    from apps.gallery import launch

    names = [arguments.app] if arguments.app else list(APPS)
    launch(names, server=arguments.server, host=arguments.host, port=arguments.port)


def _up(arguments):
    from apps.commands.serving import up

    return up(_ports(arguments), arguments.models)


def _benchmark(arguments):
    from apps.commands.benchmarking import benchmark

    benchmark(arguments.name, rows=arguments.rows, directory=arguments.directory, record=arguments.record)


_COMMANDS = {
    "list": _list,
    "train": _train,
    "evaluate": _evaluate,
    "export": _export,
    "predict": _predict,
    "serve": _serve,
    "demo": _demo,
    "up": _up,
    "benchmark": _benchmark,
}


_WITHOUT_KERAS = ("serve", "up")


def _needs_keras(arguments):
    return arguments.command not in _WITHOUT_KERAS and not getattr(arguments, "server", None)


def main(arguments=None):
    """Runs one command; an error that a person can mend is one sentence on standard error and exit code 1."""
    arguments = parser().parse_args(arguments)
    if _needs_keras(arguments):
        import_keras()
    try:
        return _COMMANDS[arguments.command](arguments) or 0
    except (ValueError, OSError) as error:
        print(f"dlkeras: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
