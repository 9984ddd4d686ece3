#include "cuda/runtime/memory.h"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <memory>

namespace pt::cuda {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kLarge = 1 << 20;          // requests from here on have segments of their own kind
constexpr std::size_t kSegment = 2 << 20;        // and all segments are multiples of this
constexpr std::size_t kLargeSegment = 32 << 20;  // at least, for large requests of at most half of it

std::size_t rounded_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

std::string size_text(std::size_t bytes) {
  constexpr double kMiB = 1 << 20;
  std::ostringstream out;
  out << std::fixed << std::setprecision(1);
  if (bytes >= 1024 * kMiB) {
    out << static_cast<double>(bytes) / (1024 * kMiB) << " GiB";
  } else if (bytes >= kLarge) {
    out << static_cast<double>(bytes) / kMiB << " MiB";
  } else {
    out << bytes << " bytes";
  }
  return out.str();
}

}  // namespace

char* DeviceMemory::allocate(std::size_t bytes) {
  if (bytes > context_.total_bytes) {
    const std::lock_guard lock(busy_);
    fail(bytes);
  }
  const std::size_t rounded = std::max(rounded_up(bytes, kAlignment), kAlignment);
  const bool large = rounded >= kLarge;
  const std::lock_guard lock(busy_);
  Piece* piece = take(rounded, large);
  if (!piece) piece = grow(rounded, large, bytes);
  divide(piece, rounded);
  piece->free = false;
  used_.emplace(piece->at, piece);
  used_bytes_ += piece->bytes;
  peak_bytes_ = std::max(peak_bytes_, used_bytes_);
  return piece->at;
}

DeviceMemory::Piece* DeviceMemory::take(std::size_t bytes, bool large) {
  Pieces& pieces = pool(large);
  Piece least{nullptr, bytes, large};
  const auto found = pieces.lower_bound(&least);
  if (found == pieces.end()) return nullptr;
  Piece* piece = *found;
  pieces.erase(found);
  return piece;
}

// A segment from the driver; if there is none, from what the cache gives back; and then no larger than it must be.
DeviceMemory::Piece* DeviceMemory::grow(std::size_t bytes, bool large, std::size_t asked) {
  const std::size_t least = rounded_up(bytes, kSegment);
  const std::size_t wanted = large ? std::max(least, bytes <= kLargeSegment / 2 ? kLargeSegment : 0) : kSegment;
  CUdeviceptr address = 0;
  std::size_t size = wanted;
  const auto try_size = [&](std::size_t next) {
    size = next;
    const CUresult result = context_.driver.cuMemAlloc(&address, size);
    if (result != CUDA_ERROR_OUT_OF_MEMORY) context_.check(result, "allocating memory");
    return result == CUDA_SUCCESS;
  };
  if (!try_size(wanted)) {
    give_back_segments();
    if (!try_size(wanted) && (wanted == least || !try_size(least))) fail(asked);
  }
  held_bytes_ += size;
  return new Piece{reinterpret_cast<char*>(address), size, large};
}

// Keeps the rest of a piece, if that is worth it. A rest of a large piece must be large: nothing else would be put
// there.
void DeviceMemory::divide(Piece* piece, std::size_t bytes) {
  const std::size_t rest = piece->bytes - bytes;
  if (rest < (piece->large ? kLarge : kAlignment)) return;
  auto* next = new Piece{piece->at + bytes, rest, piece->large, piece, piece->after};
  if (piece->after) piece->after->before = next;
  piece->after = next;
  piece->bytes = bytes;
  pool(next->large).insert(next);
}

// Both are free, and in no pool.
void DeviceMemory::join(Piece* piece, Piece* next) {
  piece->bytes += next->bytes;
  piece->after = next->after;
  if (next->after) next->after->before = piece;
  delete next;
}

void DeviceMemory::free(char* address) {
  const std::lock_guard lock(busy_);
  const auto found = used_.find(address);
  if (found == used_.end()) {
    std::fprintf(stderr, "[%s] %p was freed, but is not allocated\n", context_.name.c_str(),
                 static_cast<void*>(address));
    return;
  }
  Piece* piece = found->second;
  used_.erase(found);
  used_bytes_ -= piece->bytes;
  piece->free = true;
  if (Piece* next = piece->after; next && next->free) {
    pool(next->large).erase(next);
    join(piece, next);
  }
  if (Piece* before = piece->before; before && before->free) {
    pool(before->large).erase(before);
    join(before, piece);
    piece = before;
  }
  pool(piece->large).insert(piece);
}

bool DeviceMemory::holds(char* address) {
  const std::lock_guard lock(busy_);
  return used_.contains(address);
}

void DeviceMemory::trim() {
  const std::lock_guard lock(busy_);
  give_back_segments();
}

// Segments that are one free piece, once nothing that is queued uses them any more.
void DeviceMemory::give_back_segments() {
  const auto whole = [](const Piece* piece) { return !piece->before && !piece->after; };
  bool waited = false;
  for (Pieces* pieces : {&free_small_, &free_large_}) {
    for (auto at = pieces->begin(); at != pieces->end();) {
      Piece* piece = *at;
      if (!whole(piece)) {
        ++at;
        continue;
      }
      if (!waited) context_.wait();
      waited = true;
      at = pieces->erase(at);
      held_bytes_ -= piece->bytes;
      const CUresult result = context_.driver.cuMemFree(reinterpret_cast<CUdeviceptr>(piece->at));
      delete piece;
      context_.check(result, "freeing memory");
    }
  }
}

void DeviceMemory::fail(std::size_t asked) {
  std::size_t free = 0, total = 0;
  context_.check(context_.driver.cuMemGetInfo(&free, &total), "asking for free memory");
  throw OutOfMemoryError(text("[", context_.name, "] asked for ", size_text(asked), ", where tensors use ",
                              size_text(used_bytes_), ", the cache keeps ", size_text(held_bytes_ - used_bytes_),
                              " and ", size_text(free), " of ", size_text(total),
                              " are free; expected room for it in one piece; use a smaller batch or model, let go of "
                              "tensors, or end other processes that use the GPU"));
}

PtdUsage DeviceMemory::usage() {
  const std::lock_guard lock(busy_);
  const auto number = [](std::size_t bytes) { return static_cast<int64_t>(bytes); };
  return {number(context_.total_bytes), number(used_bytes_), number(held_bytes_ - used_bytes_), number(peak_bytes_)};
}

void DeviceMemory::forget_peak() {
  const std::lock_guard lock(busy_);
  peak_bytes_ = used_bytes_;
}

}  // namespace pt::cuda
