"""Outputs requested as classes, as Triton's classification extension defines them."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tritonserver
from tritonserver import (
    Classification,
    DataType,
    InvalidArgumentError,
    MemoryType,
    Model,
    RequestedOutput,
    Tensor,
    UnsupportedError,
)

SCORES = np.array([0.25, 0.9, 0.5], np.float32)


@pytest.fixture
def classifier(native_server: tritonserver.Server) -> Model:
    """Copies FP32 of shape [3], with the labels cat, dog and bird."""
    return native_server.model("classifier")


@pytest.fixture
def identity(native_server: tritonserver.Server) -> Model:
    """Copies tensors of every type and of rank 2, without labels."""
    return native_server.model("native_identity")


def classify(model: Model, inputs: dict[str, Any], output: str, count: int, **more: Any) -> Tensor:
    outputs = [RequestedOutput(output, class_count=count)]
    (response,) = model.infer(inputs=inputs, requested_outputs=outputs, **more)
    assert list(response.outputs) == [output]
    return response.outputs[output]


def test_the_highest_with_their_labels(classifier: Model) -> None:
    tensor = classify(classifier, {"INPUT0": SCORES}, "OUTPUT0", 2)
    assert (tensor.data_type, list(tensor.shape)) == (DataType.BYTES, [2])
    assert tensor.to_string_array().tolist() == ["0.9:1:dog", "0.5:2:bird"]
    value, index, label = tensor.to_classes()[0]
    assert (np.float32(value), index, label) == (SCORES[1], 1, "dog")
    assert tensor.to_classes().tolist() == [(0.9, 1, "dog"), (0.5, 2, "bird")]


def test_more_than_there_are(classifier: Model) -> None:
    tensor = classify(classifier, {"INPUT0": SCORES}, "OUTPUT0", 2**32 - 1)
    assert [each.label for each in tensor.to_classes()] == ["dog", "bird", "cat"]


def test_none_means_the_output_as_it_is(classifier: Model) -> None:
    tensor = classify(classifier, {"INPUT0": SCORES}, "OUTPUT0", 0)
    assert np.array_equal(tensor.to_numpy(), SCORES)
    assert RequestedOutput("OUTPUT0") == RequestedOutput("OUTPUT0", class_count=0)


def test_names_and_classes_in_one_request(native_server: tritonserver.Server) -> None:
    model = native_server.model("identity_eight")
    values = {f"INPUT{i}": np.array([i, i + 1], np.float32) for i in range(8)}
    outputs = ["OUTPUT1", RequestedOutput("OUTPUT2", class_count=1), RequestedOutput("OUTPUT3")]
    (response,) = model.infer(inputs=values, requested_outputs=outputs)
    assert set(response.outputs) == {"OUTPUT1", "OUTPUT2", "OUTPUT3"}
    assert response.outputs["OUTPUT1"].to_numpy().tolist() == [1, 2]
    assert response.outputs["OUTPUT2"].to_classes().tolist() == [(3.0, 1, "")]
    assert response.outputs["OUTPUT3"].to_numpy().tolist() == [3, 4]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_batch_has_a_row_for_each_item(start_server: Any, count: int) -> None:
    model = start_server("native/identity_batching").model("identity_batching")
    scores = np.array([[1, 3, 2], [6, 5, 4]], np.float32)
    tensor = classify(model, {"INPUT0": scores}, "OUTPUT0", count)
    order = [[1, 2, 0], [0, 1, 2]]
    assert list(tensor.shape) == [2, min(count, 3)]
    assert [[each.class_index for each in row] for row in tensor.to_classes()] == [
        row[:count] for row in order
    ]


@pytest.mark.parametrize(
    ("name", "values", "wanted"),
    [
        ("bool", np.array([[False, True]]), ["1:1", "0:0"]),
        ("uint8", np.array([[7, 255]], np.uint8), ["255:1", "7:0"]),
        ("uint16", np.array([[7, 65535]], np.uint16), ["65535:1", "7:0"]),
        ("uint32", np.array([[7, 2**32 - 1]], np.uint32), ["4294967295:1", "7:0"]),
        ("uint64", np.array([[7, 2**64 - 1]], np.uint64), ["18446744073709551615:1", "7:0"]),
        ("int8", np.array([[-128, 5]], np.int8), ["5:1", "-128:0"]),
        ("int16", np.array([[-300, 5]], np.int16), ["5:1", "-300:0"]),
        ("int32", np.array([[-70000, 5]], np.int32), ["5:1", "-70000:0"]),
        ("int64", np.array([[-(2**62), 5]], np.int64), ["5:1", "-4611686018427387904:0"]),
        ("fp16", np.array([[-0.5, 6e-8]], np.float16), ["5.9604645e-08:1", "-0.5:0"]),
        ("fp32", np.array([[1e-30, 0.1]], np.float32), ["0.1:1", "1e-30:0"]),
        ("fp64", np.array([[0.1, 1 / 3]]), ["0.3333333333333333:1", "0.1:0"]),
    ],
)
def test_every_data_type(
    identity: Model, name: str, values: np.ndarray[Any, Any], wanted: list[str]
) -> None:
    tensor = classify(identity, {f"{name}_input": values}, f"{name}_output", 2)
    assert tensor.to_string_array().tolist() == wanted
    assert tensor.to_classes()[0].value == float(wanted[0].partition(":")[0])


def test_bfloat16(start_server: Any, tmp_path: Any) -> None:
    directory = tmp_path / "repository" / "bf16" / "1"
    directory.mkdir(parents=True)
    tensor = 'name: "X" data_type: TYPE_BF16 dims: [ -1 ]'
    (directory.parent / "config.pbtxt").write_text(
        f'backend: "identity" input {{ {tensor} }} output {{ {tensor.replace("X", "Y")} }}'
    )
    values = np.array([1.5, -2, 3e38], ml_dtypes.bfloat16)
    classes = classify(start_server().model("bf16"), {"X": values}, "Y", 2).to_classes()
    assert [(each.value, each.class_index) for each in classes] == [
        (pytest.approx(float(values[2])), 2),
        (1.5, 0),
    ]


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.floats(width=16), min_size=0, max_size=40), st.integers(1, 50))
def test_any_scores(identity: Model, scores: list[float], count: int) -> None:
    """Halves, among them infinities, numbers that are none, and equal ones."""
    values = np.array([scores], np.float16)
    tensor = classify(identity, {"fp16_input": values}, "fp16_output", count)
    numbers = [i for i in range(len(scores)) if not math.isnan(scores[i])]
    order = sorted(numbers, key=lambda i: -scores[i])
    order += [i for i in range(len(scores)) if math.isnan(scores[i])]
    found = tensor.to_classes()
    assert [each.class_index for each in found] == order[:count]
    found_values = np.array([each.value for each in found], np.float16)
    assert np.array_equal(found_values, values[0, order[:count]], equal_nan=True)


def test_text_has_no_classes(identity: Model) -> None:
    with pytest.raises(UnsupportedError, match="'string_output' has data type BYTES"):
        classify(identity, {"string_input": [["a"]]}, "string_output", 1)


def test_the_result_is_in_host_memory(classifier: Model) -> None:
    class Refusing(tritonserver.MemoryAllocator):
        def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> Any:
            raise RuntimeError("is not asked")

    more = dict(output_memory_allocator=Refusing(), output_memory_type="gpu")
    tensor = classify(classifier, {"INPUT0": SCORES}, "OUTPUT0", 1, **more)
    assert tensor.memory_type == MemoryType.CPU
    assert tensor.to_classes()[0].label == "dog"


def test_bound_requests(classifier: Model) -> None:
    outputs = [RequestedOutput("OUTPUT0", class_count=1)]
    scores = SCORES.copy()
    bound = classifier.bind(inputs={"INPUT0": scores}, requested_outputs=outputs)
    assert bound.run()["OUTPUT0"].to_classes()[0].label == "dog"
    scores[0] = 1
    assert bound.run()["OUTPUT0"].to_classes()[0].label == "cat"
    with pytest.raises(InvalidArgumentError, match="'OUTPUT0' is requested as classes"):
        classifier.bind(outputs={"OUTPUT0": np.empty(3)}, requested_outputs=outputs)


@pytest.mark.parametrize("count", [-1, 2**32, 1.5, "1", None])
def test_counts_that_are_none(classifier: Model, count: Any) -> None:
    with pytest.raises(TypeError, match="class_count"):
        classify(classifier, {"INPUT0": SCORES}, "OUTPUT0", count)


def test_unknown_outputs(classifier: Model) -> None:
    with pytest.raises(InvalidArgumentError, match="OUTPUT7"):
        classify(classifier, {"INPUT0": SCORES}, "OUTPUT7", 1)


@pytest.mark.parametrize("text", ["", "dog", "0.5", "x:1", "0.5:x:dog"])
def test_text_that_is_no_class(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="'value:index' or 'value:index:label'"):
        Tensor.from_string_array([text]).to_classes()


def test_labels_with_colons() -> None:
    tensor = Tensor.from_string_array(["0.5:3:a:b"])
    assert tensor.to_classes().tolist() == [Classification(0.5, 3, "a:b")]
