#include "native/c_api/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <new>
#include <string_view>
#include <tuple>

#include "native/c_api/bindings.h"
#include "native/c_api/call.h"

namespace tritonserver {
namespace {

// What begins the name of a verbose message's file while the log is diverted.
constexpr const char* kVerboseMark = "VERBOSE ";

// What `WriteRecord` writes to. Once there is one its number stays, so that no thread can write to
// a file of others that has got the number meanwhile.
std::atomic<int> record_file{-1};

void SetRecordFile(const std::string& path) {
  const int opened = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (opened < 0) {
    throw Error(TRITONSERVER_ERROR_INTERNAL, "cannot open " + path + " for records of the log");
  }
  int none = -1;
  if (!record_file.compare_exchange_strong(none, opened)) {
    dup3(opened, record_file, O_CLOEXEC);
    close(opened);
  }
}

std::string_view LastPart(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Appends `text` as a string of JSON.
void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ') {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", c);
      line += escaped;
      continue;
    }
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  line += '"';
}

}  // namespace

Log& Log::Get() {
  static auto& instance = *new Log;
  // Another thread may have been in here when the process was forked.
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { new (&instance.mutex_) std::mutex; });
  static_cast<void>(registered);
  return instance;
}

LogSettings Log::InForce() const {
  LogSettings settings = settings_;
  if (diversion_) {
    settings.file = diversion_->file;
    if (diversion_->everything) settings.info = settings.warn = settings.error = true;
    if (diversion_->default_format) settings.format = TRITONSERVER_LOG_DEFAULT;
  }
  return settings;
}

void Log::SetFile(TRITONSERVER_ServerOptions* options, const std::string& file) {
  std::lock_guard lock(mutex_);
  Call<&Api::ServerOptionsSetLogFile>(options, file.c_str());
  // Whatever directory is the current one when the log goes there again.
  settings_.file = file.empty() ? "" : std::filesystem::absolute(file).string();
  if (diversion_) Call<&Api::ServerOptionsSetLogFile>(options, diversion_->file.c_str());
}

LogSettings Log::settings() {
  std::lock_guard lock(mutex_);
  return settings_;
}

void Log::Divert(std::optional<Diversion> diversion) {
  const auto options = New<&Api::ServerOptionsNew>();
  std::lock_guard lock(mutex_);
  diversion_ = std::move(diversion);
  if (diversion_) SetRecordFile(diversion_->file);
  const LogSettings settings = InForce();
  try {
    Call<&Api::ServerOptionsSetLogFile>(options.get(), settings.file.c_str());
  } catch (const Error&) {
    if (diversion_) throw;
    // Its directory may be gone. That is no failure of what the log was diverted for.
    Call<&Api::ServerOptionsSetLogFile>(options.get(), "");
    LogQuietly("cannot open the log file " + settings.file + " again; the log goes to the console");
  }
  Call<&Api::ServerOptionsSetLogInfo>(options.get(), settings.info);
  Call<&Api::ServerOptionsSetLogWarn>(options.get(), settings.warn);
  Call<&Api::ServerOptionsSetLogError>(options.get(), settings.error);
  Call<&Api::ServerOptionsSetLogVerbose>(options.get(), settings.verbose);
  Call<&Api::ServerOptionsSetLogFormat>(options.get(), settings.format);
}

void Log::Write(TRITONSERVER_LogLevel level, const std::string& filename, int line,
                const std::string& message) {
  std::string shown(LastPart(filename));
  if (level == TRITONSERVER_LOG_VERBOSE) {
    std::lock_guard lock(mutex_);
    if (diversion_) shown.insert(0, kVerboseMark);
  }
  Call<&Api::LogMessage>(level, shown.c_str(), line, message.c_str());
}

void WriteRecord(TRITONSERVER_LogLevel level, const char* filename, int line,
                 std::uint64_t timestamp_us, const char* message, void*) noexcept {
  try {
    std::string record(1, "IWEV"[level & 3]);
    record += std::to_string(timestamp_us) + ' ' + std::to_string(syscall(SYS_gettid)) + ' ';
    record += LastPart(filename == nullptr ? "" : filename);
    record += ':' + std::to_string(line) + "] ";
    AppendQuoted(record, message == nullptr ? "" : message);
    record += '\n';
    // At once, for others write, too.
    while (write(record_file, record.data(), record.size()) < 0 && errno == EINTR) {
    }
  } catch (const std::exception&) {  // no memory: so much is logged, and nobody can be told
  }
}

namespace {

using Flush = py::typing::Callable<py::object()>;
using Installer = py::typing::Callable<Flush(py::typing::Optional<LogCallback>)>;

// The Python side of callbacks. Never destroyed.
struct Callbacks {
  GilSafe<Installer> install;
  GilSafe<> flush;  // nothing while no callback is installed
};

Callbacks& callbacks() {
  static auto& instance = *new Callbacks;
  return instance;
}

void SetCallbackInstaller(Installer install) {
  callbacks().install = GilSafe<Installer>(std::move(install));
}

void LogMessage(TRITONSERVER_LogLevel level, const String& filename, Integer<int> line,
                const String& message) {
  CheckText("filename", filename);
  CheckText("message", message);
  {
    WithoutGil without_gil;
    Log::Get().Write(level, filename, line, message);
  }
  if (Call<&Api::LogIsEnabled>(level)) FlushLogCallback();
}

void DivertLog(const String& file, bool everything, bool default_format) {
  CheckName("file", file);
  Log::Get().Divert(Log::Diversion{file, everything, default_format});
}

void UndivertLog() { Log::Get().Divert(std::nullopt); }

auto Settings() {
  const LogSettings now = Log::Get().settings();
  return std::make_tuple(now.file, now.info, now.warn, now.error, now.verbose);
}

}  // namespace

void InstallLogCallback(const py::object& callback) {
  if (callback.is_none() && !callbacks().flush.get()) return;
  if (!callbacks().install.get()) {
    throw Error(TRITONSERVER_ERROR_UNAVAILABLE,
                "nothing was set to read Triton's log; import tritonserver");
  }
  py::object flush = callbacks().install.get()(callback);
  callbacks().flush = GilSafe<>(callback.is_none() ? py::object() : std::move(flush));
}

void FlushLogCallback() {
  const py::object flush = callbacks().flush.get();
  if (flush) flush();
}

void BindLog(py::module_& module, Later& later) {
  later.push_back([module]() mutable {
    DefFunction<&Api::LogIsEnabled>(module, "TRITONSERVER_LogIsEnabled",
                                    "Whether messages of this level are logged. Log settings are "
                                    "the process's, not a server's.");
    DefWithNames<&Api::LogMessage, 0>(module, "TRITONSERVER_LogMessage",
                                      "Write a message to Triton's log. Of `filename` only the "
                                      "last part is shown.",
                                      &LogMessage, std::make_index_sequence<4>{});
    module.def("_set_log_callback_installer", &SetCallbackInstaller, py::arg("install"),
               R"(Set what has records of the log go to a callback, or, for None, not any more.

`install` returns what waits until the callback has got all that was logged.)");
    module.def("_divert_log", &DivertLog, py::arg("file"), py::arg("everything").none(false),
               py::arg("default_format").none(false), NoGil(),
               R"(Have the log written to this file, whatever is set.

`everything` turns on all levels but the verbose one.)");
    module.def("_undivert_log", &UndivertLog, NoGil(), "Have the log written as it is set again.");
    module.def("_log_settings", &Settings, NoGil(),
               "What the log was set to: file, info, warn, error, and the verbose level.");
  });
}

}  // namespace tritonserver
