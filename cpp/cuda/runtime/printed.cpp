#include "cuda/runtime/printed.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>

#include "core/error.h"
#include "cuda/runtime/nvrtc.h"

namespace pt::cuda {
namespace {

namespace fs = std::filesystem;

// A file of the cache: this, then the key, then the image. A file is believed if all of it is as it was written, and
// the key is the whole key: hashes only name it.
struct Head {
  char magic[8] = {'P', 'T', 'C', 'U', 'D', 'A', '0', '1'};
  uint64_t key_bytes = 0, image_bytes = 0, check = 0;
};

uint64_t hash(const std::string& bytes, uint64_t seed) {
  uint64_t h = seed;
  for (const unsigned char byte : bytes) h = (h ^ byte) * 0x100000001b3u;
  return h ^ h >> 32;
}
constexpr uint64_t kSeed = 0xcbf29ce484222325u, kOtherSeed = 0x9e3779b97f4a7c15u;

// Where the system keeps caches of a user; an empty path where there is none.
fs::path cache_folder() {
  const char* given = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = given && *given == '/' ? fs::path(given)
                        : home && *home == '/' ? fs::path(home) / ".cache"
                                               : "";
  return base.empty() ? base : base / "powertrain" / "cuda";
}

bool read_image(const fs::path& file, const std::string& key, std::string& image) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return false;
  const std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  Head head, expected;
  if (all.size() < sizeof(head)) return false;
  std::memcpy(&head, all.data(), sizeof(head));
  if (std::memcmp(head.magic, expected.magic, sizeof(head.magic)) != 0 || head.key_bytes != key.size() ||
      head.image_bytes > all.size() || all.size() != sizeof(head) + head.key_bytes + head.image_bytes ||
      all.compare(sizeof(head), key.size(), key) != 0) {
    return false;
  }
  image = all.substr(sizeof(head) + head.key_bytes);
  return hash(image, kSeed) == head.check;
}

// Whole or not at all: others may read at the same time. A cache that cannot be written is done without.
void write_image(const fs::path& file, const std::string& key, const std::string& image) {
  std::error_code failed;
  fs::create_directories(file.parent_path(), failed);
  if (failed) return;
  static std::atomic<int> counter{0};
  const fs::path fresh = text(file.string(), ".", getpid(), ".", ++counter);
  Head head;
  head.key_bytes = key.size();
  head.image_bytes = image.size();
  head.check = hash(image, kSeed);
  {
    std::ofstream out(fresh, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&head), sizeof(head));
    out << key << image;
    out.close();
    if (out) fs::rename(fresh, file, failed);
    if (out && !failed) return;
  }
  fs::remove(fresh, failed);
}

// Formulas with the CPU's bits.
const std::vector<std::string> kOurOptions = {"--std=c++20", "--fmad=false", "--prec-div=true", "--prec-sqrt=true",
                                              "--ftz=false"};

// The first line that tells of an error, and all that was said.
std::string compilers_words(const std::string& log) {
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error") != std::string::npos) return line;
  }
  return log.empty() ? "no reason" : log;
}

const Nvrtc& nvrtc_here() {
  std::string why_not;
  const Nvrtc* nvrtc = Nvrtc::find(&why_not);
  if (!nvrtc) throw KernelError(why_not);
  return *nvrtc;
}

std::string image_of(const std::string& source, const std::string& name, int capability,
                     const std::vector<std::string>& options) {
  const Nvrtc& nvrtc = nvrtc_here();
  const std::string architecture = nvrtc.architecture(capability);
  std::string key = text(nvrtc.identity(), " ", architecture, "\n");
  for (const std::string& option : options) key += option + "\n";
  key += source;
  char file_name[40];
  std::snprintf(file_name, sizeof(file_name), "%016llx%016llx", static_cast<unsigned long long>(hash(key, kSeed)),
                static_cast<unsigned long long>(hash(key, kOtherSeed)));
  const fs::path folder = cache_folder(), file = folder / file_name;
  std::string image;
  if (!folder.empty() && read_image(file, key, image)) return image;
  image = nvrtc.compile(source, name, architecture, options);
  if (!folder.empty()) write_image(file, key, image);
  return image;
}

}  // namespace

std::string printed_image(const std::string& source, const std::string& name, int capability) {
  try {
    return image_of(source, name, capability, kOurOptions);
  } catch (const CompileError& error) {
    throw KernelError(text("[cuda ", name, "] NVRTC refused a printed kernel: ", error.what(),
                           "; expected it to compile; please report it"));
  }
}

std::string plugin_image(const std::string& source, const std::string& function, int capability,
                         const std::vector<std::string>& options) {
  try {
    return image_of(source, function, capability, options);
  } catch (const CompileError& error) {
    throw KernelError(text("[cuda ", function, "] NVRTC cannot compile it: ", compilers_words(error.what()),
                           "; expected CUDA C++; fix what the compiler names:\n", error.what()));
  }
}

}  // namespace pt::cuda
