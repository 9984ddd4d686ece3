#include "cuda/sim/driver/compile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "cuda/sim/driver/images.h"

extern char** environ;

namespace fs = std::filesystem;

namespace pt::simdriver {

namespace {

// A path that the build gave, several with ':' between.
std::vector<std::string> split(const std::string& paths) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < paths.size();) {
    const size_t end = std::min(paths.find(':', at), paths.size());
    parts.push_back(paths.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string own_library() {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void*>(&own_library), &info) && info.dli_fname
             ? fs::absolute(info.dli_fname).string()
             : "";
}

class Hash {
 public:
  void add(const std::string& text) {
    const uint64_t size = text.size();
    add(&size, sizeof size);
    add(text.data(), text.size());
  }
  std::string text() const {
    char digits[33];
    std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(a_),
                  static_cast<unsigned long long>(b_));
    return digits;
  }

 private:
  void add(const void* data, size_t bytes) {
    for (const auto* at = static_cast<const unsigned char*>(data); bytes; --bytes, ++at) {
      a_ = (a_ ^ *at) * 0x100000001B3u;
      b_ = (b_ + *at) * 0x9E3779B97F4A7C15u;
      b_ ^= b_ >> 32;
    }
  }
  uint64_t a_ = 0xCBF29CE484222325u, b_ = 1;
};

// This library is linked anew when a header changes that its own kernels use: its date stands for those headers.
std::string key_of(const Source& source, const std::vector<std::string>& command) {
  Hash hash;
  struct stat file {};
  stat(own_library().c_str(), &file);
  hash.add(std::to_string(file.st_size) + "," + std::to_string(file.st_mtim.tv_sec) + "," +
           std::to_string(file.st_mtim.tv_nsec));
  for (const std::string& word : command) hash.add(word);
  hash.add(source.text);
  for (const auto& [name, text] : source.headers) {
    hash.add(name);
    hash.add(text);
  }
  return hash.text();
}

// A folder of this user alone: libraries in it are loaded.
fs::path cache_folder() {
  const char* named = std::getenv("POWERTRAIN_SIM_CACHE");
  const fs::path folder =
      named && *named ? fs::path(named) : fs::temp_directory_path() / ("powertrain-sim-" + std::to_string(geteuid()));
  std::error_code error;
  fs::create_directories(folder, error);
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0 || status.st_uid != geteuid()) return {};
  fs::permissions(folder, fs::perms::owner_all, error);
  return folder;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// A folder that is gone with the object.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "powertrain-compile-XXXXXX").string();
    if (mkdtemp(name.data())) path_ = name;
  }
  ~Folder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

bool run(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return write_file(log, "the compiler " + command[0] + " could not be started"), false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The rounding and the language of the kernels that are built with the library.
std::vector<std::string> command_of(const Source& source) {
  std::vector<std::string> command{PT_SIM_COMPILER,
                                   "-std=c++20",
                                   "-O1",
                                   "-fPIC",
                                   "-shared",
                                   "-ffp-contract=off",
                                   "-fno-math-errno",
                                   "-fno-trapping-math",
                                   "-fvisibility=hidden",
                                   "-w",
                                   "-DPT_CUDA_SIM",
                                   "-include",
                                   "cuda/sim/device_code.h"};  // NVRTC knows CUDA's words without a header
  for (const std::string& option : source.options) command.push_back(option);
  for (const std::string& path : split(PT_SIM_INCLUDE)) command.push_back("-I" + path);
  return command;
}

// An entry in the registry for each kernel that is no PT_CUDA_KERNEL, which has one.
std::string entries_of(const std::string& text) {
  if (text.find("PT_CUDA_KERNEL") != std::string::npos) return "";
  static const std::regex kernel(
      R"(extern\s*"C"\s*__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\()");
  std::string entries = "\n#include \"cuda/sim/plain.h\"\n";
  for (std::sregex_iterator at(text.begin(), text.end(), kernel), end; at != end; ++at)
    entries += "PT_SIM_PLAIN(" + (*at)[1].str() + ")\n";
  return entries;
}

}  // namespace

Compiled compile(const Source& source) {
  std::vector<std::string> command = command_of(source);
  const fs::path cache = cache_folder(), kept = cache.empty() ? fs::path() : cache / (key_of(source, command) + ".so");
  if (!kept.empty() && fs::exists(kept)) return {read_file(kept), "", true};

  const Folder folder;
  if (folder.path().empty()) return {"", "no temporary folder could be made", false};
  for (const auto& [name, text] : source.headers) write_file(folder.path() / "include" / name, text);
  const fs::path code = folder.path() / "program.cpp", made = folder.path() / "program.so", log = folder.path() / "log";
  write_file(code, "#line 1 \"" + source.name + "\"\n" + source.text + entries_of(source.text) +
                       "\nextern \"C\" __attribute__((visibility(\"default\"))) const int " + kMarker + " = 1;\n");
  // Headers that came with the program go before those of the build.
  command.insert(command.begin() + 1, "-I" + (folder.path() / "include").string());
  for (const std::string& word : {code.string(), std::string("-o"), made.string(), own_library()})
    command.push_back(word);
  const bool whole = run(command, log);
  Compiled result{whole ? read_file(made) : "", read_file(log), false};
  if (whole && !kept.empty()) {
    const fs::path fresh = cache / (kept.filename().string() + "." + std::to_string(getpid()));
    write_file(fresh, result.library);
    std::error_code error;
    fs::rename(fresh, kept, error);  // whole or not at all
  }
  return result;
}

}  // namespace pt::simdriver
