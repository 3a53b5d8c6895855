#include "native/inference/bytes_codec.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "native/inference/data_types.h"
#include "native/inference/numpy.h"
#include "native/inference/python_types.h"

namespace tritonserver::inference {
namespace {

constexpr std::size_t kPrefix = sizeof(std::uint32_t);

// Text of fixed width may need this many times the memory of the text itself, and this many bytes
// in any case, before single objects are better.
constexpr std::size_t kMostPadding = 32;
constexpr std::size_t kPaddedBytesThatDoNotMatter = std::size_t{16} << 20;

[[noreturn]] void Refuse(const std::string& what, std::size_t index, const std::string& problem) {
  throw Error(TRITONSERVER_ERROR_INVALID_ARG,
              what + ": element " + std::to_string(index) + " " + problem);
}

constexpr bool IsSurrogate(Py_UCS4 character) { return character >= 0xD800 && character < 0xE000; }

// Bytes of the UTF-8 form; 0 is never returned for text that has any, so surrogates are checked
// apart.
template <class Character>
bool MeasureUtf8(const Character* text, std::size_t length, std::size_t* byte_size) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const Py_UCS4 character = text[i];
    if (IsSurrogate(character) || character > 0x10FFFF) return false;
    size += 1 + (character >= 0x80) + (character >= 0x800) + (character >= 0x10000);
  }
  *byte_size = size;
  return true;
}

template <class Character>
char* WriteUtf8(char* to, const Character* text, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    const Py_UCS4 c = text[i];
    if (c < 0x80) {
      *to++ = static_cast<char>(c);
    } else if (c < 0x800) {
      *to++ = static_cast<char>(0xC0 | c >> 6);
      *to++ = static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      *to++ = static_cast<char>(0xE0 | c >> 12);
      *to++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
      *to++ = static_cast<char>(0x80 | (c & 0x3F));
    } else {
      *to++ = static_cast<char>(0xF0 | c >> 18);
      *to++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
      *to++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
      *to++ = static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return to;
}

// Calls `body(characters, length)` with the text of a str object.
template <class Body>
auto WithText(PyObject* text, Body&& body) {
  const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
      return body(PyUnicode_1BYTE_DATA(text), length);
    case PyUnicode_2BYTE_KIND:
      return body(PyUnicode_2BYTE_DATA(text), length);
    default:
      return body(PyUnicode_4BYTE_DATA(text), length);
  }
}

inline std::size_t CheckedSize(std::size_t byte_size, const std::string& what, std::size_t index) {
  if (byte_size > std::numeric_limits<std::uint32_t>::max()) {
    Refuse(what, index, "has " + std::to_string(byte_size) + " bytes; at most 4 GiB are possible");
  }
  return byte_size;
}

char* WritePrefix(char* to, std::size_t byte_size) {
  const auto prefix = static_cast<std::uint32_t>(byte_size);
  std::memcpy(to, &prefix, kPrefix);
  return to + kPrefix;
}

bool IsText(PyObject* object) { return PyUnicode_Check(object) || PyBytes_Check(object); }

// The bytes that `str` and `bytes` objects take; nothing if there is another object among them.
std::optional<std::size_t> MeasureTexts(PyObject* const* texts, std::size_t count,
                                        const std::string& what) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* text = texts[i];
    std::size_t size = 0;
    if (text == nullptr) return std::nullopt;
    if (PyBytes_Check(text)) {
      size = static_cast<std::size_t>(PyBytes_GET_SIZE(text));
    } else if (!PyUnicode_Check(text)) {
      return std::nullopt;
    } else if (PyUnicode_IS_ASCII(text)) {
      size = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
    } else if (!WithText(text, [&](const auto* characters, std::size_t length) {
                 return MeasureUtf8(characters, length, &size);
               })) {
      Refuse(what, i, "holds a lone surrogate, which UTF-8 cannot encode");
    }
    total += kPrefix + CheckedSize(size, what, i);
  }
  return total;
}

py::object EncodeTexts(PyObject* const* texts, std::size_t count, std::size_t byte_size) {
  py::object encoded = NewByteArray(byte_size);
  char* to = static_cast<char*>(ArrayData(encoded));
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* text = texts[i];
    char* const start = to + kPrefix;
    char* end = start;
    if (PyBytes_Check(text)) {
      const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(text));
      std::memcpy(start, PyBytes_AS_STRING(text), size);
      end += size;
    } else if (PyUnicode_IS_ASCII(text)) {
      const auto size = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
      std::memcpy(start, PyUnicode_1BYTE_DATA(text), size);
      end += size;
    } else {
      end = WithText(text, [&](const auto* characters, std::size_t length) {
        return WriteUtf8(start, characters, length);
      });
    }
    WritePrefix(to, static_cast<std::size_t>(end - start));
    to = end;
  }
  return encoded;
}

// The text or bytes that an element stands for.
py::object Normalized(const py::object& element, const std::string& what, std::size_t index) {
  PyObject* object = element.ptr();
  if (IsText(object)) return element;
  if (PyByteArray_Check(object)) return Steal(PyBytes_FromObject(object));
  // Also sizeable things such as arrays, lists, dictionaries.
  if (PyNumber_Check(object) || PySequence_Check(object) || PyMapping_Check(object) ||
      PyAnySet_Check(object) || PyObject_CheckBuffer(object)) {
    Refuse(what, index,
           std::string("is of type ") + Py_TYPE(object)->tp_name +
               "; the elements of a BYTES tensor must be str or bytes");
  }
  return AskOthers(what + ": element " + std::to_string(index) + " does not become text",
                   [&] { return Steal(PyObject_Str(object)); });
}

// Null if the text is not valid UTF-8; otherwise its length in characters.
bool CountCharacters(const char* text, std::size_t byte_size, std::size_t* count) {
  const auto* at = reinterpret_cast<const unsigned char*>(text);
  const unsigned char* const end = at + byte_size;
  std::size_t characters = 0;
  while (at < end) {
    // Eight ASCII characters at once.
    std::uint64_t eight;
    if (end - at >= 8 && (std::memcpy(&eight, at, 8), (eight & 0x8080808080808080) == 0)) {
      at += 8;
      characters += 8;
      continue;
    }
    const unsigned char first = *at++;
    ++characters;
    if (first < 0x80) continue;
    int more;
    unsigned char lowest = 0x80, highest = 0xBF;  // of the second byte
    if (first >= 0xC2 && first <= 0xDF) {
      more = 1;
    } else if (first >= 0xE0 && first <= 0xEF) {
      more = 2;
      if (first == 0xE0) lowest = 0xA0;   // not overlong
      if (first == 0xED) highest = 0x9F;  // no surrogates
    } else if (first >= 0xF0 && first <= 0xF4) {
      more = 3;
      if (first == 0xF0) lowest = 0x90;   // not overlong
      if (first == 0xF4) highest = 0x8F;  // not beyond Unicode
    } else {
      return false;
    }
    for (; more > 0; --more) {
      if (at == end || *at < lowest || *at > highest) return false;
      ++at;
      lowest = 0x80;
      highest = 0xBF;
    }
  }
  *count = characters;
  return true;
}

// Of text that `CountCharacters` accepted.
void ReadUtf8(const char* text, std::size_t byte_size, Py_UCS4* to) {
  const auto* at = reinterpret_cast<const unsigned char*>(text);
  const unsigned char* const end = at + byte_size;
  while (at < end) {
    const unsigned char first = *at;
    if (first < 0x80) {
      *to++ = first;
      at += 1;
    } else if (first < 0xE0) {
      *to++ = (first & 0x1F) << 6 | (at[1] & 0x3F);
      at += 2;
    } else if (first < 0xF0) {
      *to++ = (first & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
      at += 3;
    } else {
      *to++ = (first & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F);
      at += 4;
    }
  }
}

// Calls `body(index, bytes, byte_size)` for each element.
template <class Body>
void ForEachElement(const char* data, std::size_t byte_size, std::size_t count, Body&& body) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t length = 0;
    if (byte_size - at < kPrefix) {
      Refuse("the BYTES tensor is corrupt", i,
             "is missing: the buffer of " + std::to_string(byte_size) + " bytes ends after " +
                 std::to_string(i) + " of " + std::to_string(count) + " elements");
    }
    std::memcpy(&length, data + at, kPrefix);
    at += kPrefix;
    if (length > byte_size - at) {
      Refuse("the BYTES tensor is corrupt", i,
             "is said to have " + std::to_string(length) + " bytes, but only " +
                 std::to_string(byte_size - at) + " are left");
    }
    body(i, data + at, length);
    at += length;
  }
  if (at != byte_size) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                "the BYTES tensor is corrupt: its shape has " + std::to_string(count) +
                    " elements, which end " + std::to_string(byte_size - at) +
                    " bytes before the end of the buffer");
  }
}

std::size_t ElementCount(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 0;
  if (!CountElements(shape.data(), shape.size(), kPrefix, &count)) {
    throw Error(TRITONSERVER_ERROR_INVALID_ARG,
                Describe(TRITONSERVER_TYPE_BYTES, shape.data(), shape.size()) +
                    " is not the shape of a tensor");
  }
  return count;
}

py::object NewObjectArray(const std::vector<std::int64_t>& shape) {
  const std::vector<Py_ssize_t> dimensions(shape.begin(), shape.end());
  return NewArray(NumPy::NPY_OBJECT_, static_cast<int>(dimensions.size()), dimensions.data(),
                  nullptr, py::object());
}

py::object NewTextArray(const std::vector<std::int64_t>& shape, std::size_t width) {
  const std::vector<Py_ssize_t> dimensions(shape.begin(), shape.end());
  NumPy& numpy = NumPy::get();
  const py::dtype dtype("U" + std::to_string(width));
  return Steal(numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, py::object(dtype).release().ptr(),
                                           static_cast<int>(dimensions.size()), dimensions.data(),
                                           nullptr, nullptr, 0, nullptr));
}

// Small objects that were decoded, one of each arena of Python's allocator, until others are. An
// arena goes back to the system with its last object, and a new one costs more than filling it: of
// each page the kernel has to be asked, and clears it. Programs that decode one tensor after the
// other need the same memory again, others have the use of all but these objects' bytes.
class ArenaKeeper {
 public:
  // Call it for all elements of an array. Large ones live elsewhere.
  void See(PyObject* object, std::size_t byte_size) {
    const std::uintptr_t arena = reinterpret_cast<std::uintptr_t>(object) >> kArenaLog2;
    if (arena == last_arena_ || byte_size > kLargest || count_ == kMostArenas) return;
    last_arena_ = arena;
    for (std::size_t i = 0; i < count_; ++i) {
      if (reinterpret_cast<std::uintptr_t>(objects_[i]) >> kArenaLog2 == arena) return;
    }
    objects_[count_++] = object;
  }

  // Once all were seen.
  void Keep() {
    for (std::size_t i = 0; i < kMostArenas; ++i) {
      Py_XSETREF(kept_[i], i < count_ ? Py_NewRef(objects_[i]) : nullptr);
    }
  }

 private:
  static constexpr int kArenaLog2 = 20;
  static constexpr std::size_t kMostArenas = 16;
  static constexpr std::size_t kLargest = 512;

  static inline std::array<PyObject*, kMostArenas> kept_{};

  std::array<PyObject*, kMostArenas> objects_;
  std::size_t count_ = 0;
  std::uintptr_t last_arena_ = 0;
};

}  // namespace

py::object EncodeObjects(PyObject* const* elements, std::size_t count, const std::string& what) {
  // No Python code runs meanwhile, so the elements need not be kept.
  if (const auto byte_size = MeasureTexts(elements, count, what)) {
    return EncodeTexts(elements, count, *byte_size);
  }
  // What makes text of other objects may drop the elements.
  std::vector<py::object> kept;
  kept.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    kept.push_back(
        py::reinterpret_borrow<py::object>(elements[i] == nullptr ? Py_None : elements[i]));
  }
  std::vector<PyObject*> texts;
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    kept[i] = Normalized(kept[i], what, i);
    texts.push_back(kept[i].ptr());
  }
  return EncodeTexts(texts.data(), count, MeasureTexts(texts.data(), count, what).value());
}

py::object EncodePaddedText(const Py_UCS4* text, std::size_t count, std::size_t width,
                            const std::string& what) {
  std::vector<std::size_t> lengths(count);
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Py_UCS4* element = text + i * width;
    std::size_t length = width;
    while (length > 0 && element[length - 1] == 0) --length;
    std::size_t size = 0;
    if (!MeasureUtf8(element, length, &size)) {
      Refuse(what, i, "holds a lone surrogate, which UTF-8 cannot encode");
    }
    lengths[i] = length;
    total += kPrefix + CheckedSize(size, what, i);
  }
  py::object encoded = NewByteArray(total);
  char* to = static_cast<char*>(ArrayData(encoded));
  for (std::size_t i = 0; i < count; ++i) {
    char* const end = WriteUtf8(to + kPrefix, text + i * width, lengths[i]);
    WritePrefix(to, static_cast<std::size_t>(end - to) - kPrefix);
    to = end;
  }
  return encoded;
}

py::object EncodePaddedBytes(const char* bytes, std::size_t count, std::size_t width,
                             const std::string& what) {
  std::vector<std::size_t> lengths(count);
  std::size_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char* element = bytes + i * width;
    std::size_t length = width;
    while (length > 0 && element[length - 1] == 0) --length;
    lengths[i] = CheckedSize(length, what, i);
    total += kPrefix + length;
  }
  py::object encoded = NewByteArray(total);
  char* to = static_cast<char*>(ArrayData(encoded));
  for (std::size_t i = 0; i < count; ++i) {
    to = WritePrefix(to, lengths[i]);
    std::memcpy(to, bytes + i * width, lengths[i]);
    to += lengths[i];
  }
  return encoded;
}

py::object DecodeBytes(const char* data, std::size_t byte_size,
                       const std::vector<std::int64_t>& shape) {
  const std::size_t count = ElementCount(shape);
  // A corrupt tensor may be said to have more elements than there is memory for: find the first one
  // that is missing before an array is made.
  if (count > byte_size / kPrefix) {
    ForEachElement(data, byte_size, count, [](std::size_t, const char*, std::size_t) {});
  }
  py::object array = NewObjectArray(shape);
  auto** elements = static_cast<PyObject**>(ArrayData(array));
  ArenaKeeper keeper;
  ForEachElement(data, byte_size, count, [&](std::size_t i, const char* bytes, std::size_t size) {
    PyObject* made = PyBytes_FromStringAndSize(bytes, static_cast<Py_ssize_t>(size));
    if (made == nullptr) throw py::error_already_set();
    Py_XSETREF(elements[i], made);
    keeper.See(made, size);
  });
  keeper.Keep();
  return array;
}

py::object DecodeText(const char* data, std::size_t byte_size,
                      const std::vector<std::int64_t>& shape) {
  const std::size_t count = ElementCount(shape);
  std::size_t width = 1;
  bool ends_in_nul = false;
  ForEachElement(data, byte_size, count, [&](std::size_t i, const char* text, std::size_t size) {
    std::size_t length = 0;
    if (!CountCharacters(text, size, &length)) {
      Refuse("the BYTES tensor is not text", i, "is not valid UTF-8; use to_bytes_array()");
    }
    width = std::max(width, length);
    ends_in_nul |= size > 0 && text[size - 1] == '\0';
  });
  const std::size_t most = std::max(kPaddedBytesThatDoNotMatter, kMostPadding * byte_size);
  if (ends_in_nul || width > most / sizeof(Py_UCS4) / std::max<std::size_t>(count, 1)) {
    py::object array = NewObjectArray(shape);
    auto** elements = static_cast<PyObject**>(ArrayData(array));
    ArenaKeeper keeper;
    ForEachElement(data, byte_size, count, [&](std::size_t i, const char* text, std::size_t size) {
      PyObject* made = PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(size), nullptr);
      if (made == nullptr) throw py::error_already_set();
      Py_XSETREF(elements[i], made);
      keeper.See(made, size);
    });
    keeper.Keep();
    return array;
  }
  py::object array = NewTextArray(shape, width);
  auto* elements = static_cast<Py_UCS4*>(ArrayData(array));
  std::fill_n(elements, count * width, 0);
  ForEachElement(data, byte_size, count, [&](std::size_t i, const char* text, std::size_t size) {
    ReadUtf8(text, size, elements + i * width);
  });
  return array;
}

}  // namespace tritonserver::inference
