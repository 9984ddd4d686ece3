// The memory of one device. What is done to it happens in stream order: behind everything that the device was given
// before, so that nobody waits where nothing is read.
#pragma once
#include <cstddef>
#include <string_view>

namespace pt {

class Target;  // ops/target.h

class Memory {
 public:
  virtual ~Memory() = default;
  virtual std::string_view name() const = 0;
  // Whether addresses in it are the host's own pointers.
  virtual bool on_host() const { return false; }
  // 64-byte aligned, not initialised. Zero bytes give a valid address. Throws OutOfMemoryError.
  virtual char* allocate(std::size_t bytes) = 0;
  // `bytes`: as many as were asked for.
  virtual void free(char* address, std::size_t bytes) = 0;
  virtual void copy(char* to, const char* from, std::size_t bytes) = 0;  // both in this memory, apart from each other
  virtual void fill(char* to, int value, std::size_t bytes) = 0;         // each byte
  // From and to the host's memory. Both return when the host may use its side again.
  virtual void copy_in(char* to, const char* host, std::size_t bytes) = 0;
  virtual void copy_out(char* host, const char* from, std::size_t bytes) = 0;

  const Target* computes_here = nullptr;  // the first that was made of those whose memory it is
};

Memory& host_memory();

// Between any two memories; through the host where neither is its own.
void copy_bytes(Memory& to_memory, char* to, Memory& from_memory, const char* from, std::size_t bytes);

}  // namespace pt
