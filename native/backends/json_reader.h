// A reader for the JSON texts of the core, which are well formed.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "native/backends/backend.h"

namespace tritonserver::backend {

// Walks through a JSON text once, from left to right. `Object` and `Array` call their argument with
// the reader in front of each value, which it must consume.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  template <class Member>
  void Object(Member member) {
    Expect('{');
    if (Accept('}')) return;
    do {
      const std::string key = String();
      Expect(':');
      member(key);
    } while (Accept(','));
    Expect('}');
  }

  template <class Element>
  void Array(Element element) {
    Expect('[');
    if (Accept(']')) return;
    do {
      element();
    } while (Accept(','));
    Expect(']');
  }

  std::string String() {
    Expect('"');
    std::string value;
    while (true) {
      const char next = Take();
      if (next == '"') return value;
      if (next == '\\') {
        Escape(value);
      } else {
        value += next;
      }
    }
  }

  bool Boolean() { return Scalar() == "true"; }

  int64_t Integer() {
    const std::string_view digits = Scalar();
    int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  void Skip() {
    switch (Peek()) {
      case '{':
        return Object([this](const std::string&) { Skip(); });
      case '[':
        return Array([this] { Skip(); });
      case '"':
        String();
        return;
      default:
        Scalar();
    }
  }

 private:
  // A number, true, false or null, as it is written.
  std::string_view Scalar() {
    SkipBlanks();
    const std::string_view scalar = rest_.substr(0, rest_.find_first_of(",]} \t\r\n"));
    if (scalar.empty()) Fail();
    rest_.remove_prefix(scalar.size());
    return scalar;
  }

  void Escape(std::string& value) {
    const char kind = Take();
    if (kind == 'u') {  // the core uses these for control characters only
      const uint32_t code = HexDigits();
      if (code >= 0x80) Fail();
      value += static_cast<char>(code);
      return;
    }
    static constexpr std::string_view kEscapes = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const size_t escape = kEscapes.find(kind);
    if (escape == std::string_view::npos) Fail();
    value += kMeanings[escape];
  }

  uint32_t HexDigits() {
    if (rest_.size() < 4) Fail();
    uint32_t code = 0;
    if (std::from_chars(rest_.data(), rest_.data() + 4, code, 16).ptr != rest_.data() + 4) Fail();
    rest_.remove_prefix(4);
    return code;
  }

  void SkipBlanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }

  char Peek() {
    SkipBlanks();
    if (rest_.empty()) Fail();
    return rest_.front();
  }

  char Take() {
    if (rest_.empty()) Fail();
    const char next = rest_.front();
    rest_.remove_prefix(1);
    return next;
  }

  bool Accept(char wanted) {
    if (Peek() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Expect(char wanted) {
    if (!Accept(wanted)) Fail();
  }

  [[noreturn]] static void Fail() {
    throw Error(TRITONSERVER_ERROR_INTERNAL, "cannot read the JSON text of a model configuration");
  }

  std::string_view rest_;
};

}  // namespace tritonserver::backend
