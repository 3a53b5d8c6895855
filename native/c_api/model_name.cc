#include "native/c_api/model_name.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "native/triton/error.h"

namespace tritonserver {
namespace {

bool IsBlank(unsigned char c) { return std::isspace(c) != 0; }
bool IsControl(unsigned char c) { return std::iscntrl(c) != 0; }

[[noreturn]] void Refuse(const std::string& name, const char* rule) {
  std::string shown;
  for (const char c : name) {
    if (!IsControl(c)) {
      shown += c;
      continue;
    }
    char escaped[5];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", c);
    shown += escaped;
  }
  throw Error(TRITONSERVER_ERROR_INVALID_ARG, "Invalid model name '" + shown + "': " + rule);
}

}  // namespace

void CheckModelNameIsGiven(const std::string& name) {
  if (std::all_of(name.begin(), name.end(), IsBlank)) {
    Refuse(name, "give the name of a model in a repository");
  }
}

void CheckModelName(const std::string& name) {
  CheckModelNameIsGiven(name);
  if (name == "." || name.find("..") != std::string::npos ||
      name.find_first_of("/\\") != std::string::npos ||
      std::any_of(name.begin(), name.end(), IsControl)) {
    Refuse(
        name,
        "give the name of a directory in a repository, not a path: no '/', '\\', '..' or control "
        "characters");
  }
}

}  // namespace tritonserver
