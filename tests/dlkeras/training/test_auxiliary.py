import keras
import numpy as np
import pytest

from dlkeras.data import Examples
from dlkeras.training import fit
from dlkeras.training.auxiliary import DeeplySupervised

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture
def examples():
    """96 points of 3 separable classes."""
    y = np.arange(96, dtype="int32") % 3
    x = np.eye(3, dtype="float32")[y] + np.random.default_rng(0).normal(scale=0.3, size=(96, 3)).astype("float32")
    return Examples(x, y)


def build_network(penalty=None):
    """A trunk with two heads on its first layer and the logits on its second; a penalty on the weights of one."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, activation="tanh", kernel_regularizer=penalty, name="trunk")(inputs)
    heads = [keras.layers.Dense(3, name=f"auxiliary_{index}")(x) for index in (1, 2)]
    x = keras.layers.Dense(4, activation="tanh", name="last")(x)
    return keras.Model(inputs, [keras.layers.Dense(3, name="logits")(x), *heads])


def compiled(model, optimizer=None, loss=CROSS_ENTROPY, **arguments):
    model.compile(optimizer or keras.optimizers.SGD(0.1), loss, metrics=["accuracy"], jit_compile=False, **arguments)
    return model


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (4, 3)).astype("float32")
    model = harness(DeeplySupervised, {"network": build_network()}, inputs=inputs, output_shape=(4, 3))
    assert model.weight == 0.3
    assert [output.shape for output in model(inputs, training=True)] == [(4, 3)] * 3


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_loss_is_the_weighted_sum(examples, weight):
    network = build_network(penalty=keras.regularizers.L2(0.1))
    model = compiled(DeeplySupervised(network, weight=weight))
    logits, *heads = (np.array(output, "float64") for output in network(examples.x))
    penalty = 0.1 * np.sum(np.square(network.get_layer("trunk").get_weights()[0]))
    plain = _cross_entropy(logits, examples.y) + penalty  # once, not once an output
    by_hand = plain + weight * sum(_cross_entropy(head, examples.y) for head in heads)

    loss, accuracy = model.evaluate(*examples, verbose=0)
    assert loss == pytest.approx(plain, rel=1e-5)
    assert accuracy == pytest.approx(np.mean(logits.argmax(-1) == examples.y))
    # What a training step reports is from before the step, and its accuracy is that of the logits.
    logs = model.train_on_batch(*examples, return_dict=True)
    assert logs["loss"] == pytest.approx(by_hand, rel=1e-5)
    assert logs["accuracy"] == pytest.approx(np.mean(logits.argmax(-1) == examples.y))


def _cross_entropy(logits, y):
    return np.mean(np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(y)), y])


def test_losses_by_name_and_sample_weights(examples):
    network = build_network()
    model = compiled(DeeplySupervised(network, weight=0.5), loss="mse")
    targets, rows = np.eye(3, dtype="float32")[examples.y], np.linspace(0, 1, 96, dtype="float32")
    losses = [np.mean(rows[:, None] * np.square(np.array(output) - targets)) for output in network(examples.x)]
    loss = model.train_on_batch(examples.x, targets, sample_weight=rows)[0]
    assert loss == pytest.approx(losses[0] + 0.5 * (losses[1] + losses[2]), rel=1e-5)


def test_without_weight_it_trains_as_the_plain_model(examples):
    def train(model):
        return compiled(model).fit(*examples, batch_size=16, epochs=2, shuffle=False, verbose=0).history

    network, other = build_network(), build_network()
    plain = keras.Model(network.input, network.outputs[0])
    histories = train(plain), train(DeeplySupervised(other, weight=0.0))
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-5)
    assert histories[0]["accuracy"] == histories[1]["accuracy"]
    for name in ("trunk", "last", "logits"):
        for one, two in zip(network.get_layer(name).get_weights(), other.get_layer(name).get_weights(), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_several_steps_an_execution(examples):
    histories = []
    for steps in (1, 3):
        model = compiled(DeeplySupervised(build_network()), steps_per_execution=steps)
        histories.append(model.fit(*examples, batch_size=16, epochs=3, shuffle=False, verbose=0).history)
        assert list(histories[-1]) == ["accuracy", "loss"]
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-5)
    assert histories[0]["loss"][-1] < histories[0]["loss"][0]


def test_answers_with_the_logits(examples, tmp_path):
    model = compiled(DeeplySupervised(build_network(), weight=0.7, name="deep"))
    model.fit(*examples, verbose=0)
    expected = np.array(model.network(examples.x)[0])
    np.testing.assert_allclose(np.array(model(examples.x)), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(examples.x, verbose=0), expected, rtol=1e-5, atol=1e-6)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.weight == 0.7 and loaded.name == "deep"
    np.testing.assert_allclose(np.array(loaded(examples.x)), expected, rtol=1e-6)
    # With its optimizer and loss, it goes on as it would have.
    ends = [each.fit(*examples, shuffle=False, verbose=0).history["loss"][0] for each in (model, loaded)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-5)


def test_is_fitted_with_checkpoints(examples, tmp_path):
    def run(folder, epochs):
        model = compiled(DeeplySupervised(build_network()), keras.optimizers.Adam(0.1))
        return model, fit(model, examples, examples, folder, epochs=epochs, batch_size=16)

    whole, state = run(tmp_path / "whole", 3)
    run(tmp_path / "broken", 1)
    again, _ = run(tmp_path / "broken", 3)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    first, last = state["history"][0], state["history"][-1]
    assert set(first) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}
    assert last["loss"] < 0.8 * first["loss"]
    # The heads count in training only.
    assert last["loss"] > 1.2 * last["val_loss"]


@pytest.mark.parametrize(
    ("outputs", "weight", "message"),
    [
        (1, 0.3, "`network` must have auxiliary outputs after its logits. Received: 1 output"),
        (3, -0.1, "`weight` must be at least 0. Received: weight=-0.1"),
    ],
)
def test_refuses(outputs, weight, message):
    network = build_network()
    network = keras.Model(network.input, network.outputs[:outputs])
    with pytest.raises(ValueError) as error:
        DeeplySupervised(network, weight=weight)
    assert str(error.value) == message
