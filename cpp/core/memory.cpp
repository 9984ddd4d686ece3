#include "core/memory.h"

#include <cstring>
#include <vector>

#include "core/block_cache.h"
#include "core/error.h"

namespace pt {
namespace {

class HostMemory final : public Memory {
 public:
  std::string_view name() const override { return "host"; }
  bool on_host() const override { return true; }
  char* allocate(std::size_t bytes) override {
    char* block = take_block(bytes);
    if (block == nullptr) {
      throw OutOfMemoryError(text("[memory] asked for ", bytes,
                                  " bytes; expected a size that the system has free; use a smaller batch or model"));
    }
    return block;
  }
  void free(char* address, std::size_t bytes) override { return_block(address, bytes); }
  void copy(char* to, const char* from, std::size_t bytes) override { std::memcpy(to, from, bytes); }
  void fill(char* to, int value, std::size_t bytes) override { std::memset(to, value, bytes); }
  void copy_in(char* to, const char* host, std::size_t bytes) override { std::memcpy(to, host, bytes); }
  void copy_out(char* host, const char* from, std::size_t bytes) override { std::memcpy(host, from, bytes); }
};

}  // namespace

Memory& host_memory() {
  static auto& memory = *new HostMemory;  // never destroyed: buffers may go while the process ends
  return memory;
}

void copy_bytes(Memory& to_memory, char* to, Memory& from_memory, const char* from, std::size_t bytes) {
  if (&to_memory == &from_memory) return to_memory.copy(to, from, bytes);
  if (from_memory.on_host()) return to_memory.copy_in(to, from, bytes);
  if (to_memory.on_host()) return from_memory.copy_out(to, from, bytes);
  std::vector<char> between(bytes);
  from_memory.copy_out(between.data(), from, bytes);
  to_memory.copy_in(to, between.data(), bytes);
}

}  // namespace pt
