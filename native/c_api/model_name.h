// Names that models can have.
#pragma once

#include <string>

namespace tritonserver {

// INVALID_ARG for a name that no model can have, because it is no name of a directory. Cores before
// 26.03 take some of them for a path, and load what is there.
void CheckModelName(const std::string& name);

// INVALID_ARG for a name of nothing but blanks. For questions about models, which are answered for
// all others.
void CheckModelNameIsGiven(const std::string& name);

}  // namespace tritonserver
