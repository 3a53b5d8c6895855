// Takes the place of the Python backend's stub in a prepared home (`tritonserver.runtime`).
//
// The backend starts this program where it expects the stub. Everything it needs is found from its
// own place in the home:
//
//   <home>/backends/python/triton_python_backend_stub    this program
//   <home>/python/bin/python3                            the interpreter that models run in
//   <home>/python/bin/triton_python_backend_stub         the stub for that interpreter
//   <home>/python/libpython/                             its libpython
//   <home>/python/environment.py                         for models that bring an environment
//   <home>/python/refused/1/model.py                     in place of a model that is not there
//
// The backend waits without a limit for the stub's first answer. So whatever would keep the stub
// from giving one is looked for here, and becomes a text with which a model is refused.
//
// It is a compiled program and not a script because the backend may take the read permission of the
// stub away (it does when the host ignores SIGCHLD), which a script does not survive.

#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kStubArguments = 9;
constexpr int kModel = 1;    // the model's file
constexpr int kBackend = 9;  // the directory of a backend that is written in Python itself
constexpr char kNoBackend[] = "DEFAULT";
constexpr std::size_t kMostNames = 8;
constexpr char kRefused[] = "TRITONSERVER_MODEL_REFUSED";

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string OwnPath() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : std::string();
}

// The model process takes exactly one item off again before model code runs.
void Prepend(const char* variable, const std::string& item) {
  const char* value = getenv(variable);
  const bool empty = value == nullptr || *value == '\0';
  setenv(variable, empty ? item.c_str() : (item + ":" + value).c_str(), 1);
}

// The directory named by the model's EXECUTION_ENV_PATH, or nothing. The backend has sourced its
// `bin/activate` and put its `lib` first on LD_LIBRARY_PATH.
std::string ExecutionEnvironment() {
  const char* value = getenv("LD_LIBRARY_PATH");
  if (value == nullptr) {
    return {};
  }
  const std::string library_path = value;
  const std::string first = library_path.substr(0, library_path.find(':'));
  const std::string environment = Parent(first);
  const bool found =
      first == environment + "/lib" && access((environment + "/bin/activate").c_str(), R_OK) == 0;
  return found ? environment : std::string();
}

std::vector<char*> Pointers(std::vector<std::string>* words) {
  std::vector<char*> pointers;
  for (std::string& word : *words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Returns why `python` does not even run an empty program, or nothing if it does. Once this process
// has become the interpreter it is too late to tell the backend.
std::string TryInterpreter(const std::string& python) {
  std::vector<std::string> words = {python, "-I", "-c", ""};
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, python.c_str(), nullptr, nullptr, Pointers(&words).data(), environ);
  if (error != 0) {
    return strerror(error);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status == 0 ? "" : "does not run";
}

// Lets the environment's own interpreter choose the stub. Returns only if that cannot be started.
void RunExecutionEnvironment(const std::string& environment, const std::string& home, char** argv) {
  const std::string python = environment + "/bin/python3";
  std::string problem = TryInterpreter(python);
  if (problem.empty()) {
    std::vector<std::string> words = {python, "-I", home + "/python/environment.py"};
    for (char** argument = argv; *argument != nullptr; ++argument) {
      words.emplace_back(*argument);
    }
    execv(python.c_str(), Pointers(&words).data());
    problem = strerror(errno);
  }
  setenv(kRefused, ("its EXECUTION_ENV_PATH is unusable: " + python + ": " + problem).c_str(), 1);
}

// Up to so many names of what is in a directory, for people; nothing if there is no such directory.
std::string ContentOf(const std::string& directory) {
  DIR* opened = opendir(directory.c_str());
  if (opened == nullptr) return {};
  std::vector<std::string> names;
  while (const dirent* entry = readdir(opened)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(opened);
  std::sort(names.begin(), names.end());
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += (text.empty() ? "" : ", ") + names[i];
  }
  if (names.size() > kMostNames) text += ", ...";
  return text.empty() ? "nothing" : text;
}

std::string NameIn(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Why the stub would not find the model's file and leave, or nothing if it is there.
std::string ProblemOf(const std::string& file) {
  struct stat status{};
  const bool is_there = stat(file.c_str(), &status) == 0;
  if (is_there && S_ISREG(status.st_mode)) {
    if (access(file.c_str(), R_OK) == 0) return {};
    return file + " cannot be read: " + strerror(errno);
  }
  if (is_there) return file + " is no file; put the model's code into a file of that name";
  const std::string version = Parent(file);
  if (const std::string content = ContentOf(version); !content.empty()) {
    return file + " is not there: " + version + " has " + content +
           "; the model's code has to be in " + NameIn(file) +
           ", or `default_model_filename` in config.pbtxt has to name its file";
  }
  return file + " is not there: " + Parent(version) + " has " + ContentOf(Parent(version)) +
         ", and Triton reads the number that the name of a version's directory begins with; call "
         "it " +
         NameIn(version) + ", or by another number from 1 on";
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 2 && strcmp(argv[1], "--check") == 0;
  if (argc <= kStubArguments && !check) {
    return 1;  // The backend probes the stub this way and takes any other status as "not runnable".
  }
  const std::string home = Parent(Parent(Parent(OwnPath())));

  // The stub ignores SIGINT once it is up; a Ctrl-C before that would kill it and hang the load.
  signal(SIGINT, SIG_IGN);
  // If the host ignores SIGCHLD, that is no reason for the children of models to lose their status.
  signal(SIGCHLD, SIG_DFL);

  std::string stand_in = home + "/python/refused/1/model.py";
  if (getenv(kRefused) == nullptr && !check && strcmp(argv[kBackend], kNoBackend) == 0) {
    const std::string problem = ProblemOf(argv[kModel]);
    if (!problem.empty()) {
      setenv(kRefused, problem.c_str(), 1);
      argv[kModel] = stand_in.data();
    }
  }
  if (getenv(kRefused) == nullptr && !check) {
    const std::string environment = ExecutionEnvironment();
    if (!environment.empty()) {
      RunExecutionEnvironment(environment, home, argv);
    }
  }

  const std::string stub = home + "/python/bin/triton_python_backend_stub";
  Prepend("PATH", home + "/python/bin");
  Prepend("LD_LIBRARY_PATH", home + "/python/libpython");
  if (check) {
    argv[1] = nullptr;  // The stub's answer to a call without arguments is status 1.
  }
  execv(stub.c_str(), argv);
  fprintf(stderr, "tritonserver: cannot run %s: %s\n", stub.c_str(), strerror(errno));
  return 127;
}
