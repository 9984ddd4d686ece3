// Memory for numbers of any type, zeros at first. One function for all types keeps the engine small.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pt {

class Room {
 public:
  // Can throw std::bad_alloc.
  void resize(std::size_t bytes);
  uint8_t* bytes() const { return bytes_.get(); }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(bytes_.get());
  }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
};

}  // namespace pt
