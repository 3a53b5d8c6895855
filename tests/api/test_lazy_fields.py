"""Fields that are made when somebody asks for them: nobody notices."""

import copy
import dataclasses
import gc
import operator
import pickle
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import InferenceResponse, MemoryBuffer, MemoryType, Tensor
from tritonserver._c import _inference

X = np.arange(4, dtype=np.float32)

RESPONSE = ["model", "request_id", "parameters", "outputs", "error"]
FIELDS = {
    InferenceResponse: [*RESPONSE, "classification_label", "final"],
    Tensor: ["data_type", "shape", "memory_buffer"],
    MemoryBuffer: ["data_ptr", "memory_type", "memory_type_id", "size", "owner"],
}

Make = Callable[[type], Any]


@pytest.fixture
def model(native_server: tritonserver.Server) -> tritonserver.Model:
    return native_server.model("identity_fp32")


@pytest.fixture
def make(model: tritonserver.Model) -> Make:
    """Make an object of a class of which nothing was asked yet."""

    def make(cls: type[Any]) -> Any:
        (response,) = model.infer(inputs={"INPUT0": X})
        if cls is InferenceResponse:
            return response
        tensor = response.outputs["OUTPUT0"]
        return tensor if cls is Tensor else tensor.memory_buffer

    return make


each_class = pytest.mark.parametrize("cls", FIELDS)


@each_class
def test_fields_are_those_of_the_dataclass(make: Make, cls: type[Any]) -> None:
    assert [field.name for field in dataclasses.fields(cls)] == FIELDS[cls]
    assert list(vars(make(cls))) == FIELDS[cls]


@each_class
def test_a_field_is_made_once(make: Make, cls: type[Any]) -> None:
    made = make(cls)
    for name in FIELDS[cls]:
        assert getattr(made, name) is getattr(made, name)
        assert vars(made)[name] is getattr(made, name)


@each_class
def test_fields_can_be_set_before_and_after_they_were_asked_for(make: Make, cls: type[Any]) -> None:
    for ask in (False, True):
        for plain in (False, True):
            made, value = make(cls), object()
            if plain:
                assert vars(made)
            for name in FIELDS[cls]:
                if ask:
                    getattr(made, name)
                setattr(made, name, value)
                assert getattr(made, name) is value
            assert vars(made) == dict.fromkeys(FIELDS[cls], value)


@each_class
def test_fields_can_be_deleted(make: Make, cls: type[Any]) -> None:
    made = make(cls)
    for name in FIELDS[cls]:
        delattr(made, name)
        with pytest.raises(AttributeError, match=name):
            getattr(made, name)
        with pytest.raises(AttributeError, match=name):
            delattr(made, name)
    assert vars(made) == {}


@each_class
def test_the_dictionary_is_the_object(make: Make, cls: type[Any]) -> None:
    made, value = make(cls), object()
    for name in FIELDS[cls]:
        made.__dict__[name] = value
        assert getattr(made, name) is value
        del made.__dict__[name]
        assert not hasattr(made, name)
    made.__dict__ = {FIELDS[cls][0]: value, "other": 1}
    assert getattr(made, FIELDS[cls][0]) is value
    assert made.other == 1
    with pytest.raises(TypeError, match="dict"):
        made.__dict__ = 1
    with pytest.raises(TypeError, match="dict"):
        del made.__dict__


@each_class
def test_objects_take_other_attributes(make: Make, cls: type[Any]) -> None:
    made = make(cls)
    made.note = "mine"
    assert made.note == "mine"
    assert set(vars(made)) == {"note", *FIELDS[cls]}
    with pytest.raises(AttributeError, match="other"):
        operator.attrgetter("other")(made)


@each_class
def test_copies_have_the_same_fields(make: Make, cls: type[Any]) -> None:
    made = make(cls)
    again = copy.copy(made)
    assert type(again) is cls
    for name in FIELDS[cls]:
        assert getattr(again, name) is getattr(made, name)
    replaced = dataclasses.replace(made)
    assert vars(replaced) == vars(made)


@each_class
def test_objects_without_fields(cls: type[Any]) -> None:
    empty = cls.__new__(cls)
    assert vars(empty) == {}
    for name in FIELDS[cls]:
        with pytest.raises(AttributeError, match=name):
            getattr(cls.__new__(cls), name)


@each_class
def test_classes_can_be_inherited(make: Make, cls: type[Any]) -> None:
    values = [getattr(make(cls), name) for name in FIELDS[cls]]
    derived = type("Derived", (cls,), {"__slots__": ()})
    made = derived(*values)
    assert list(vars(made).values()) == values
    assert isinstance(made, cls)


@each_class
def test_nothing_leaks(make: Make, cls: type[Any]) -> None:
    def count() -> tuple[int, int]:
        gc.collect()
        objects = sum(type(each) in FIELDS for each in gc.get_objects())
        return objects, _inference.live_counts()["output_buffers"]

    make(cls)
    before = count()
    for ask in (lambda made: None, vars, repr, gc.get_referents):
        for _ in range(10):
            ask(make(cls))
    assert count() == before


@each_class
def test_cycles_through_fields_are_collected(make: Make, cls: type[Any]) -> None:
    class Link:
        target: object

    made, link = make(cls), Link()
    link.target = made
    setattr(made, FIELDS[cls][0], link)
    alive = weakref.ref(link)
    del made, link
    gc.collect()
    assert alive() is None


def test_a_buffer_pickles_what_it_says() -> None:
    buffer = MemoryBuffer(64, MemoryType.CPU, 0, 8, None)
    assert pickle.loads(pickle.dumps(buffer)) == buffer


def test_memory_outlives_the_objects_that_lead_to_it(model: tritonserver.Model) -> None:
    (response,) = model.infer(inputs={"INPUT0": X})
    outputs = response.outputs
    del response
    tensor = outputs.pop("OUTPUT0")
    array = np.from_dlpack(tensor)
    buffer = tensor.memory_buffer
    del tensor
    owner = buffer.owner
    del buffer
    for _ in range(100):  # which would use freed memory of this size again
        list(model.infer(inputs={"INPUT0": X + 1}))
    assert array.tobytes() == owner.tobytes() == X.tobytes()


def test_what_was_set_counts_for_the_conversion(make: Make) -> None:
    tensor = make(Tensor)
    tensor.shape = [2, 2]
    assert tensor.to_numpy().tolist() == X.reshape(2, 2).tolist()
    tensor.data_type = tritonserver.DataType.INT32
    assert tensor.to_numpy().tolist() == X.view(np.int32).reshape(2, 2).tolist()
    other = np.zeros(4, np.int32)
    tensor.memory_buffer = MemoryBuffer.from_dlpack(other)
    assert np.shares_memory(tensor.to_numpy(), other)
    buffer = make(MemoryBuffer)
    buffer.size = 4
    with pytest.raises(tritonserver.InvalidArgumentError, match="4 bytes"):
        Tensor(tritonserver.DataType.FP32, [4], buffer).to_numpy()


def test_given_outputs_outlive_the_bound_request(model: tritonserver.Model) -> None:
    target = np.zeros(4, np.float32)
    bound = model.bind({"OUTPUT0": target}, inputs={"INPUT0": X})
    (response,) = bound.infer()
    alive = weakref.ref(target)
    del bound, target
    gc.collect()
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == X.tolist()
    assert alive() is not None
    del response
    gc.collect()
    end = time.monotonic() + 10
    while alive() is not None and time.monotonic() < end:  # until the core releases the request
        time.sleep(0.001)
    assert alive() is None


def test_larger_given_outputs_outlive_the_bound_request(model: tritonserver.Model) -> None:
    target = np.zeros(100, np.float32)
    outputs = model.bind({"OUTPUT0": target}, inputs={"INPUT0": X}).run()
    alive = weakref.ref(target)
    del target
    gc.collect()
    assert outputs["OUTPUT0"].size == X.nbytes
    assert outputs["OUTPUT0"].to_numpy().tolist() == X.tolist()
    assert outputs["OUTPUT0"].memory_buffer.owner is alive()
