#include "native/triton/core_waits.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace tritonserver {
namespace {

#if defined(__x86_64__)
constexpr unsigned kImport = R_X86_64_JUMP_SLOT;
constexpr unsigned kImportAddress = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr unsigned kImport = R_AARCH64_JUMP_SLOT;
constexpr unsigned kImportAddress = R_AARCH64_GLOB_DAT;
#else
#error "the relocations of this processor are not known"
#endif

thread_local StopClock* stop_clock = nullptr;
std::atomic<bool> sleeps_are_taken_over{false};

int Sleep(const timespec* time, timespec* rest) {
  if (stop_clock == nullptr) return nanosleep(time, rest);
  stop_clock->Sleep();
  return 0;
}

int SleepByClock(clockid_t clock, int flags, const timespec* time, timespec* rest) {
  if (stop_clock == nullptr) return clock_nanosleep(clock, flags, time, rest);
  stop_clock->Sleep();
  return 0;
}

// --- Batchers

constexpr std::int64_t kMillisecond = 1'000'000;

// A batcher waits for half a second, to the end of which it may wait again after a wake-up.
constexpr std::int64_t kBatcherWaits = 500 * kMillisecond;
constexpr std::int64_t kRestOfIt = 350 * kMillisecond;

// When it looks again after it was woken: soon, for the instance is about to be idle, and then more
// and more rarely.
constexpr std::array kLooks{kMillisecond / 4, 2 * kMillisecond, 16 * kMillisecond,
                            128 * kMillisecond};

std::int64_t ToNanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

timespec ToTimespec(std::int64_t nanoseconds) {
  return {static_cast<time_t>(nanoseconds / 1'000'000'000),
          static_cast<decltype(timespec::tv_nsec)>(nanoseconds % 1'000'000'000)};
}

template <class Wait>
int WaitUntil(clockid_t clock, const timespec* end, Wait wait) {
  thread_local std::size_t looks = 0;
  timespec now;
  clock_gettime(clock, &now);
  const std::int64_t rest = ToNanoseconds(*end) - ToNanoseconds(now);
  if (rest < kRestOfIt || rest > kBatcherWaits || looks == kLooks.size()) {
    const int result = wait(end);
    if (result == 0) looks = 0;
    return result;
  }
  const timespec look = ToTimespec(ToNanoseconds(now) + std::min(rest, kLooks[looks]));
  const int result = wait(&look);
  looks = result == ETIMEDOUT ? looks + 1 : 0;
  return result;
}

int ClockWait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
              const timespec* end) {
  return WaitUntil(clock, end, [&](const timespec* time) {
    return pthread_cond_clockwait(condition, mutex, clock, time);
  });
}

// By the system's clock, as every condition of a C++ library is.
int TimedWait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* end) {
  return WaitUntil(CLOCK_REALTIME, end, [&](const timespec* time) {
    return pthread_cond_timedwait(condition, mutex, time);
  });
}

// --- Imports

struct Replacement {
  const char* name;
  void* function;
  bool is_sleep;
};

const std::array kReplacements{
    Replacement{"nanosleep", reinterpret_cast<void*>(&Sleep), true},
    Replacement{"clock_nanosleep", reinterpret_cast<void*>(&SleepByClock), true},
    Replacement{"pthread_cond_clockwait", reinterpret_cast<void*>(&ClockWait), false},
    Replacement{"pthread_cond_timedwait", reinterpret_cast<void*>(&TimedWait), false},
};

// Memory that the loader made read-only when it was done with the library.
struct ReadOnlyRelocations {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  explicit ReadOnlyRelocations(const void* base) {
    const auto* header = static_cast<const ElfW(Ehdr)*>(base);
    const auto* segments =
        reinterpret_cast<const ElfW(Phdr)*>(static_cast<const char*>(base) + header->e_phoff);
    for (int i = 0; i < header->e_phnum; ++i) {
      if (segments[i].p_type != PT_GNU_RELRO) continue;
      begin = reinterpret_cast<std::uintptr_t>(base) + segments[i].p_vaddr;
      end = begin + segments[i].p_memsz;
    }
  }
};

// One pointer is written, so other threads see the old one or the new one.
bool Write(void** entry, void* function, const ReadOnlyRelocations& read_only) {
  const auto address = reinterpret_cast<std::uintptr_t>(entry);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  auto* const begin = reinterpret_cast<void*>(address & ~(page - 1));
  const bool is_read_only =
      address >= (read_only.begin & ~(page - 1)) && address < (read_only.end & ~(page - 1));
  if (is_read_only && mprotect(begin, page, PROT_READ | PROT_WRITE) != 0) return false;
  __atomic_store_n(entry, function, __ATOMIC_RELEASE);
  if (is_read_only) mprotect(begin, page, PROT_READ);
  return true;
}

// What the dynamic section says of a library.
struct Dynamic {
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const ElfW(Rela) * relocations[2] = {};
  std::size_t byte_sizes[2] = {};

  explicit Dynamic(const link_map& library) {
    for (const ElfW(Dyn)* entry = library.l_ld; entry->d_tag != DT_NULL; ++entry) {
      const auto pointer = entry->d_un.d_ptr;
      switch (entry->d_tag) {
        case DT_SYMTAB:
          symbols = reinterpret_cast<const ElfW(Sym)*>(pointer);
          break;
        case DT_STRTAB:
          names = reinterpret_cast<const char*>(pointer);
          break;
        case DT_JMPREL:
          relocations[0] = reinterpret_cast<const ElfW(Rela)*>(pointer);
          break;
        case DT_PLTRELSZ:
          byte_sizes[0] = entry->d_un.d_val;
          break;
        case DT_RELA:
          relocations[1] = reinterpret_cast<const ElfW(Rela)*>(pointer);
          break;
        case DT_RELASZ:
          byte_sizes[1] = entry->d_un.d_val;
          break;
      }
    }
  }
};

}  // namespace

void TakeOverWaits(const void* function) {
  const char* keep = std::getenv("TRITONSERVER_KEEP_CORE_WAITS");
  if (keep != nullptr && std::strcmp(keep, "1") == 0) return;
  Dl_info info;
  link_map* library = nullptr;
  if (dladdr1(function, &info, reinterpret_cast<void**>(&library), RTLD_DL_LINKMAP) == 0) return;
  const ReadOnlyRelocations read_only(info.dli_fbase);
  const Dynamic dynamic(*library);
  for (std::size_t table = 0; table < std::size(dynamic.relocations); ++table) {
    const ElfW(Rela)* const relocations = dynamic.relocations[table];
    for (std::size_t i = 0; i < dynamic.byte_sizes[table] / sizeof(*relocations); ++i) {
      const auto type = ELF64_R_TYPE(relocations[i].r_info);
      if (type != kImport && type != kImportAddress) continue;
      const auto& symbol = dynamic.symbols[ELF64_R_SYM(relocations[i].r_info)];
      for (const Replacement& replacement : kReplacements) {
        if (std::strcmp(dynamic.names + symbol.st_name, replacement.name) != 0) continue;
        auto** const entry = reinterpret_cast<void**>(library->l_addr + relocations[i].r_offset);
        const bool written = Write(entry, replacement.function, read_only);
        if (written && replacement.is_sleep) sleeps_are_taken_over = true;
      }
    }
  }
}

bool StopClock::IsInForce() { return sleeps_are_taken_over; }

StopClock::StopClock(std::chrono::seconds timeout, unsigned sleeps)
    : timeout_(timeout), sleeps_left_(sleeps) {
  stop_clock = this;
}

StopClock::~StopClock() { stop_clock = nullptr; }

void StopClock::RunOut() {
  std::lock_guard lock(mutex_);
  ran_out_ = true;
  changed_.notify_all();
}

void StopClock::Sleep() {
  constexpr std::chrono::milliseconds kShortest(1);
  constexpr std::chrono::seconds kLongest(1);
  constexpr std::chrono::seconds kLongestIfFew(2);

  const auto passed = Clock::now() - begin_;
  const auto left = std::max(timeout_ - passed, Clock::duration::zero());
  if (sleeps_left_ > 0) --sleeps_left_;
  // So a stop takes at most an eighth longer than the models.
  Clock::duration time = std::min<Clock::duration>(kShortest + passed / 8, kLongest);
  // A core that cannot be told anew how often to look must not be done before the time is over.
  time = std::max<Clock::duration>(time, left - sleeps_left_ * kLongestIfFew);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::min(time, left), [this] { return ran_out_; });
}

}  // namespace tritonserver
