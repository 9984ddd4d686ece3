// Memory of the simulated devices. A device address lies in a range that is reserved and never mapped: who uses it on
// the host is stopped by the hardware. Kernels and copies work on a second range, the shadow, at a constant distance.
// Addresses are used again as late as possible, so that an old pointer is most likely to be found.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pt::simdriver {

struct Block {
  uint64_t address;
  size_t bytes;
  int device;
};

struct Pinned {
  char* address;
  size_t bytes;
  bool registered;  // by cuMemHostRegister: not ours to free
  unsigned flags;
};

class Space {
 public:
  bool open(int devices, size_t bytes_each, bool poisoned);

  // Nothing if the device has no room.
  std::optional<uint64_t> allocate(int device, size_t bytes);
  // False if somebody wrote behind the block.
  bool free(const Block& block);
  void free_all(int device);

  // The block that holds the address, or just ends there.
  const Block* find(uint64_t address) const;
  bool is_device(uint64_t address) const { return address >= base_ && address < base_ + span_ * uint64_t(devices_); }
  char* shadow(uint64_t address) const { return shadow_ + (address - base_); }
  size_t used(int device) const { return used_[device]; }
  size_t capacity() const { return capacity_; }
  // For an error: what the address is.
  std::string describe(uint64_t address) const;

  void pin(const Pinned& pinned) { pinned_[pinned.address] = pinned; }
  void unpin(char* address) { pinned_.erase(address); }
  const Pinned* find_pinned(const void* address) const;

 private:
  uint64_t base_ = 0;
  char* shadow_ = nullptr;
  size_t span_ = 0, capacity_ = 0;
  int devices_ = 0;
  bool poisoned_ = true;
  size_t used_[16] = {};
  uint64_t next_[16] = {};
  std::map<uint64_t, Block> blocks_;  // by address
  std::map<uint64_t, size_t> freed_;  // lately, for describe
  std::map<const char*, Pinned> pinned_;
};

}  // namespace pt::simdriver
