#include "cuda/sim/driver/images.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace pt::simdriver {

namespace {

constexpr char kOwn[] = "PTSIM", kCarried[] = "PTSIMLIB";
constexpr size_t kHeadBytes = sizeof kCarried - 1 + sizeof(uint64_t);

bool begins_with(const char* image, const char* letters) {
  return std::strncmp(image, letters, std::strlen(letters)) == 0;
}

bool write_all(int file, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = write(file, bytes.data() + done, bytes.size() - done);
    if (wrote <= 0) return false;
    done += size_t(wrote);
  }
  return true;
}

// A library brings its kernels to the registry while it is loaded, and stays: entries of the registry lie in it. The
// file's name is never used again, since dlopen knows libraries by their names.
const void* load_library(const std::string& bytes) {
  const char* folder = std::getenv("TMPDIR");
  std::string path = std::string(folder && *folder ? folder : "/tmp") + "/powertrain-printed-XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) return nullptr;
  const bool whole = write_all(file, bytes);
  close(file);
  void* library = whole ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) std::fprintf(stderr, "simulated CUDA driver: %s\n", whole ? dlerror() : "no room for a library");
  unlink(path.c_str());
  const void* marker = library ? dlsym(library, kMarker) : nullptr;
  return marker ? library_of(marker) : nullptr;
}

}  // namespace

const void* library_of(const void* code) {
  Dl_info info{};
  return dladdr(code, &info) ? info.dli_fbase : nullptr;
}

std::string image_of_library(const std::string& bytes) {
  const uint64_t size = bytes.size();
  return kCarried + std::string(reinterpret_cast<const char*>(&size), sizeof size) + bytes;
}

const void* load_image(const void* image) {
  static std::map<std::string, const void*> loaded;  // the same image again is the same library
  const char* at = static_cast<const char*>(image);
  if (!begins_with(at, kOwn)) return nullptr;
  if (!begins_with(at, kCarried)) return library_of(reinterpret_cast<const void*>(&load_image));
  uint64_t size;
  std::memcpy(&size, at + kHeadBytes - sizeof size, sizeof size);
  const std::string bytes(at + kHeadBytes, size);
  auto [entry, fresh] = loaded.try_emplace(bytes, nullptr);
  if (!entry->second) entry->second = load_library(bytes);
  return entry->second;
}

}  // namespace pt::simdriver
