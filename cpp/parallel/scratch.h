// Working memory of one thread: grows on demand, never shrinks.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pt {

class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;

  char* data() const { return data_; }
  int64_t size() const { return size_; }
  // Makes it at least this large, 64-byte aligned; what it held is lost. Throws std::bad_alloc and keeps the old.
  void reserve(int64_t bytes);

 private:
  char* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace pt
