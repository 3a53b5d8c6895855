// The log of the process: its settings, and callbacks for its records.
//
// The core writes its records to the console, to a file, or, from 26.08 on, to a callback on
// whatever thread logs. Python cannot be entered there: the thread may hold locks of the core's. So
// all that Python is to see is diverted into a file in memory, which Python reads on a thread of
// its own.
#pragma once

#include <pybind11/typing.h>

#include <mutex>
#include <optional>
#include <string>

#include "native/c_api/objects.h"
#include "native/triton/api.h"

namespace tritonserver {

// What programs set the log to; at first what the core does by itself.
struct LogSettings {
  std::string file;  // empty for the console
  bool info = true;
  bool warn = true;
  bool error = true;
  int verbose = 0;
  TRITONSERVER_LogFormat format = TRITONSERVER_LOG_DEFAULT;
};

class Log {
 public:
  static Log& Get();

  // Remembers a setting, and has the core follow it as far as the diversion leaves it alone.
  template <auto kFunction, auto kSetting, class Value>
  void Set(TRITONSERVER_ServerOptions* options, Value value) {
    std::lock_guard lock(mutex_);
    settings_.*kSetting = value;
    Call<kFunction>(options, InForce().*kSetting);
  }
  // INTERNAL if the file cannot be opened; then the log stays as it is.
  void SetFile(TRITONSERVER_ServerOptions* options, const std::string& file);

  LogSettings settings();

  // What Python reads instead of the file that was set.
  struct Diversion {
    std::string file;
    bool everything;      // but verbose messages, whatever levels are set
    bool default_format;  // which tells the time most precisely
  };
  void Divert(std::optional<Diversion> diversion);

  // Writes to the log. While it is diverted, the record tells that a message is verbose; the core's
  // text does not.
  void Write(TRITONSERVER_LogLevel level, const std::string& filename, int line,
             const std::string& message);

 private:
  LogSettings InForce() const;

  std::mutex mutex_;
  LogSettings settings_;
  std::optional<Diversion> diversion_;
};

using LogCallback =
    py::typing::Callable<py::object(TRITONSERVER_LogLevel, py::str, py::int_, py::int_, py::str)>;

// For the core: writes a record into the file that the log is diverted to. Takes no lock, so that
// it can run while the process is forked, and needs no Python.
void WriteRecord(TRITONSERVER_LogLevel level, const char* filename, int line,
                 std::uint64_t timestamp_us, const char* message, void*) noexcept;

// Has records go to the callback of a server that is about to be created or, for None, where they
// go without one. With the GIL.
void InstallLogCallback(const py::object& callback);

// Waits, for a second at most, until the callback has got what was logged, if there is one. With
// the GIL.
void FlushLogCallback();

}  // namespace tritonserver
