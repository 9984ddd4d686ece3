#include "cuda/sim/driver/space.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstring>

namespace pt::simdriver {

namespace {

constexpr size_t kAlign = 512;      // of an address, and what a device's memory is handed out in
constexpr size_t kFence = 256;      // bytes behind a block, at least, that nobody may write
constexpr size_t kLarge = 1 << 16;  // from here on freed memory is given back to the system
constexpr size_t kRemembered = 4096;
constexpr unsigned char kPoison = 0xFF, kFenceByte = 0xA5;

size_t rounded(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }
size_t taken(size_t bytes) { return rounded(bytes + kFence); }

char* reserve(size_t bytes, int protection) {
  void* at = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
}

}  // namespace

bool Space::open(int devices, size_t bytes_each, bool poisoned) {
  devices_ = devices;
  capacity_ = bytes_each;
  poisoned_ = poisoned;
  span_ = rounded(2 * bytes_each + (size_t(1) << 28));
  char* base = reserve(span_ * size_t(devices), PROT_NONE);
  shadow_ = reserve(span_ * size_t(devices), PROT_READ | PROT_WRITE);
  base_ = reinterpret_cast<uint64_t>(base);
  for (int device = 0; device < devices; ++device) next_[device] = base_ + uint64_t(device) * span_;
  return base && shadow_;
}

std::optional<uint64_t> Space::allocate(int device, size_t bytes) {
  if (bytes > capacity_ || used_[device] + rounded(bytes) > capacity_) return {};
  const uint64_t low = base_ + uint64_t(device) * span_, high = low + span_;
  // From where the last one ended, then once around.
  for (uint64_t start : {next_[device], low}) {
    uint64_t at = start;
    auto block = blocks_.lower_bound(at);
    if (block != blocks_.begin()) {
      const Block& before = std::prev(block)->second;
      if (before.device == device) at = std::max(at, before.address + taken(before.bytes));
    }
    while (block != blocks_.end() && block->first < high && at + taken(bytes) > block->first) {
      at = block->first + taken(block->second.bytes);
      ++block;
    }
    if (at + taken(bytes) > high) continue;
    blocks_[at] = {at, bytes, device};
    used_[device] += rounded(bytes);
    next_[device] = at + taken(bytes);
    freed_.erase(at);
    std::memset(shadow(at), poisoned_ ? kPoison : 0, bytes);
    std::memset(shadow(at) + bytes, kFenceByte, taken(bytes) - bytes);
    return at;
  }
  return {};
}

bool Space::free(const Block& block) {
  const Block gone = block;
  bool intact = true;
  for (size_t at = gone.bytes; at < taken(gone.bytes); ++at)
    intact = intact && static_cast<unsigned char>(shadow(gone.address)[at]) == kFenceByte;
  if (gone.bytes >= kLarge) {
    // Whole pages alone: the first and the last may hold neighbours.
    const uint64_t page = 4096, from = reinterpret_cast<uint64_t>(shadow(gone.address));
    const uint64_t first = (from + page - 1) / page * page, end = (from + gone.bytes) / page * page;
    madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
  }
  used_[gone.device] -= rounded(gone.bytes);
  if (freed_.size() == kRemembered) freed_.erase(freed_.begin());
  freed_[gone.address] = gone.bytes;
  blocks_.erase(gone.address);
  return intact;
}

void Space::free_all(int device) {
  for (auto block = blocks_.begin(); block != blocks_.end();) {
    const Block gone = block->second;
    ++block;
    if (gone.device == device) free(gone);
  }
}

const Block* Space::find(uint64_t address) const {
  auto after = blocks_.upper_bound(address);
  if (after == blocks_.begin()) return nullptr;
  const Block& block = std::prev(after)->second;
  return address <= block.address + block.bytes ? &block : nullptr;
}

const Pinned* Space::find_pinned(const void* address) const {
  const char* at = static_cast<const char*>(address);
  auto after = pinned_.upper_bound(at);
  if (after == pinned_.begin()) return nullptr;
  const Pinned& pinned = std::prev(after)->second;
  return at < pinned.address + pinned.bytes ? &pinned : nullptr;
}

std::string Space::describe(uint64_t address) const {
  char text[160];
  auto say = [&](const char* format, auto... values) { std::snprintf(text, sizeof text, format, values...); };
  const Pinned* pinned = find_pinned(reinterpret_cast<const void*>(address));
  auto after = freed_.upper_bound(address);
  if (const Block* block = find(address)) {
    say("%#llx, byte %llu of an allocation of %zu bytes on device %d", static_cast<unsigned long long>(address),
        static_cast<unsigned long long>(address - block->address), block->bytes, block->device);
  } else if (pinned) {
    say("%#llx, in %zu bytes of pinned host memory", static_cast<unsigned long long>(address), pinned->bytes);
  } else if (after != freed_.begin() && address <= std::prev(after)->first + std::prev(after)->second) {
    say("%#llx, in an allocation of %zu bytes that was freed", static_cast<unsigned long long>(address),
        std::prev(after)->second);
  } else if (is_device(address)) {
    say("%#llx, device memory that was never allocated", static_cast<unsigned long long>(address));
  } else {
    say("%#llx, no device memory and no pinned memory", static_cast<unsigned long long>(address));
  }
  return text;
}

}  // namespace pt::simdriver
