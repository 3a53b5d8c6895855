"""Messages."""

import gc

import pytest

from tritonserver._c import triton_bindings as tb


@pytest.mark.parametrize("text", ["{}", '{"a": [1, 2.5, "ü"]}', "", "not JSON", "x" * 1_000_000])
def test_round_trip(text: str) -> None:
    message = tb.TRITONSERVER_Message(text)
    assert message.serialize_to_json() == text
    assert message.serialize_to_json() == text


def test_text_outlives_the_message() -> None:
    message = tb.TRITONSERVER_Message('{"a": 1}')
    text = message.serialize_to_json()
    del message
    gc.collect()
    assert text == '{"a": 1}'
