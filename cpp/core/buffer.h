// A piece of some memory, with an owner. Buffers are shared by the tensors that view them and freed with the last one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/memory.h"

namespace pt {

class Buffer {
 public:
  // 64-byte aligned, not initialised; large ones are advised to use huge pages. Zero bytes give a valid address.
  static std::shared_ptr<Buffer> allocate(std::size_t bytes, Memory& memory = host_memory());
  // Host memory of someone else, such as a NumPy array; `release` runs when the last tensor lets go.
  static std::shared_ptr<Buffer> borrow(void* data, std::size_t bytes, std::function<void()> release);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  Memory& memory() const { return memory_; }
  // In that memory: for launches, and for its copies.
  char* address() const { return address_; }
  // The one way to read and write it from here; throws if the memory is not the host's.
  char* host() const {
    if (host_ == nullptr) refuse();
    return host_;
  }
  bool on_host() const { return host_ != nullptr; }
  std::size_t bytes() const { return bytes_; }
  bool borrowed() const { return static_cast<bool>(release_); }

  // Number of buffers ever allocated here: what the test of "a replay allocates nothing" counts.
  static int64_t allocations();

 private:
  Buffer(Memory& memory, char* address, std::size_t bytes, std::function<void()> release)
      : memory_(memory),
        address_(address),
        host_(memory.on_host() ? address : nullptr),
        bytes_(bytes),
        release_(std::move(release)) {}
  [[noreturn]] void refuse() const;
  Memory& memory_;
  char* address_;
  char* host_;  // null where the memory is not the host's
  std::size_t bytes_;
  std::function<void()> release_;
};
using BufferRef = std::shared_ptr<Buffer>;

}  // namespace pt
