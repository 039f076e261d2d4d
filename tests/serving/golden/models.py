"""The models that the golden exchanges ask for."""

import tensorflow as tf

v1 = tf.compat.v1
METHODS = {name: f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress")}
FLOATS = ("float64", "float32", "float16", "bfloat16", "complex64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = (*FLOATS, *INTEGERS, "bool", "string")


def save_all(base):
    """Save every model.

    Args:
        base: The folder that the models' folders go to.
    """
    save_half_plus(base / "half_plus_two" / "123", 2.0)
    for version in (1, 2):
        save_half_plus(base / "half_plus_version" / str(version), float(version))
    save_classes(base / "classes" / "1")
    save_functions(base / "dtypes" / "1", {name: _identity(tf.as_dtype(name)) for name in DTYPES})
    save_functions(base / "pair" / "1", {"serving_default": _pair, "scalar": _scalar, "uneven": _uneven})
    save_functions(base / "text" / "1", {"serving_default": _text})
    (base / "empty").mkdir()


def save_functions(folder, functions):
    module = tf.Module()
    tf.saved_model.save(module, str(folder), signatures=functions)


def _function(**inputs):
    return tf.function(input_signature=[tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in inputs.items()])


def _identity(dtype):
    return _function(x=(None, dtype))(lambda x: {"y": tf.identity(x)})


@_function(a=((None, 2), tf.float32), b=((None,), tf.int32))
def _pair(a, b):
    return {"total": tf.reduce_sum(a, -1) + tf.cast(b, tf.float32), "twice": b * 2, "rows": a + 1}


@_function(x=((None,), tf.float32))
def _scalar(x):
    return {"sum": tf.reduce_sum(x)}


@_function(x=((None,), tf.float32))
def _uneven(x):
    return {"all": tf.identity(x), "first": x[:1]}


@_function(text=((None,), tf.string))
def _text(text):
    return {"upper": tf.strings.upper(text), "text_bytes": tf.identity(text)}


def save_half_plus(folder, offset):
    """y = x / 2 + offset, with the signatures of TensorFlow Serving's own half_plus_two, and parsing like its."""
    with tf.Graph().as_default(), v1.Session() as session:
        a, b, c = (v1.get_variable(name, initializer=value) for name, value in (("a", 0.5), ("b", offset), ("c", 3.0)))
        serialized = v1.placeholder(tf.string, (None,), "tf_example")
        spec = {"x": v1.FixedLenFeature((1,), tf.float32), "x2": v1.FixedLenFeature((1,), tf.float32, [0.0])}
        parsed = v1.parse_example(serialized, spec)
        # Fed in the middle of the graph, as there: an identity takes any shape, whatever the signature says.
        x, x2 = tf.identity(parsed["x"], "x"), tf.identity(parsed["x2"], "x2")
        y, y2, y3 = tf.add(a * x, b, "y"), tf.add(a * x, c, "y2"), tf.add(a * x2, c, "y3")
        predict = _signature("predict", {"x": x}, {"y": y})
        signatures = {
            "serving_default": predict,
            "tensorflow/serving/predict": predict,
            "classify_x_to_y": _signature("classify", {"inputs": serialized}, {"scores": y}),
            "regress_x_to_y": _signature("regress", {"inputs": serialized}, {"outputs": y}),
            "regress_x_to_y2": _signature("regress", {"inputs": serialized}, {"outputs": y2}),
            "regress_x2_to_y3": _signature("regress", {"inputs": x2}, {"outputs": y3}),
        }
        _save(session, folder, signatures)


def save_classes(folder):
    """Classifications with names, and signatures that are none."""
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, (None,), "tf_example")
        spec = {"x": v1.FixedLenFeature((), tf.float32), "word": v1.FixedLenFeature((), tf.string, "")}
        parsed = v1.parse_example(serialized, spec)
        scores = tf.stack([parsed["x"], 1 - parsed["x"]], -1)
        names = tf.tile([["yes", "no"]], (tf.size(serialized), 1))
        examples = {"inputs": serialized}
        signatures = {
            "serving_default": _signature("classify", examples, {"classes": names, "scores": scores}),
            "classes_only": _signature("classify", examples, {"classes": names}),
            "word": _signature("classify", examples, {"classes": parsed["word"][:, None]}),
            "flat_scores": _signature("classify", examples, {"scores": parsed["x"]}),
            "flat_outputs": _signature("regress", examples, {"outputs": parsed["x"]}),
            "wide_outputs": _signature("regress", examples, {"outputs": scores}),
            "other_names": _signature("classify", {"examples": serialized}, {"scores": scores}),
            "other_outputs": _signature("regress", examples, {"y": parsed["x"]}),
        }
        _save(session, folder, signatures)


def _signature(method, inputs, outputs):
    infos = [{k: v1.saved_model.build_tensor_info(tensor) for k, tensor in part.items()} for part in (inputs, outputs)]
    return v1.saved_model.build_signature_def(*infos, METHODS[method])


def _save(session, folder, signatures):
    session.run(v1.global_variables_initializer())
    builder = v1.saved_model.Builder(str(folder))
    builder.add_meta_graph_and_variables(session, ["serve"], signatures)
    builder.save()
