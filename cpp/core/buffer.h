// Memory with an owner. Buffers are shared by the tensors that view them and freed with the last one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace pt {

class Buffer {
 public:
  // 64-byte aligned, not initialised; large ones are advised to use huge pages. Zero bytes give a valid address.
  static std::shared_ptr<Buffer> allocate(std::size_t bytes);
  // Memory of someone else, such as a NumPy array; `release` runs when the last tensor lets go.
  static std::shared_ptr<Buffer> borrow(void* data, std::size_t bytes, std::function<void()> release);
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool borrowed() const { return static_cast<bool>(release_); }

  // Number of buffers ever allocated here: what the test of "a replay allocates nothing" counts.
  static int64_t allocations();

 private:
  Buffer(char* data, std::size_t bytes, std::function<void()> release)
      : data_(data), bytes_(bytes), release_(std::move(release)) {}
  char* data_;
  std::size_t bytes_;
  std::function<void()> release_;
};
using BufferRef = std::shared_ptr<Buffer>;

}  // namespace pt
