#include "cuda/runtime/staging.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace pt::cuda {

void Staging::make_slab(Kind& kind, int number) {
  void* slab = nullptr;
  context_.check(context_.driver.cuMemHostAlloc(&slab, kind.bytes * kind.in_slab, CU_MEMHOSTALLOC_PORTABLE),
                 "page-locking memory of the host");
  for (int i = 0; i < kind.in_slab; ++i) {
    CUevent done = nullptr;
    context_.check(context_.driver.cuEventCreate(&done, CU_EVENT_DISABLE_TIMING), "making an event");
    kind.free.push_back({static_cast<char*>(slab) + kind.bytes * i, kind.bytes, number, done});
  }
  kind.made += kind.in_slab;
}

Slot Staging::take(std::size_t bytes) {
  std::unique_lock lock(busy_);
  const int number = bytes <= kinds_[0].bytes ? 0 : bytes <= kinds_[1].bytes ? 1 : 2;
  Kind& kind = kinds_[number];
  const auto taken_from = [](auto& slots, auto at) {
    Slot slot = *at;
    slots.erase(at);
    return slot;
  };
  if (!kind.free.empty()) return taken_from(kind.free, kind.free.end() - 1);
  while (!kind.on_their_way.empty()) {
    const CUresult result = context_.driver.cuEventQuery(kind.on_their_way.front().done);
    if (result == CUDA_ERROR_NOT_READY) break;
    context_.check(result, "asking for a copy");
    kind.free.push_back(taken_from(kind.on_their_way, kind.on_their_way.begin()));
  }
  if (kind.free.empty() && kind.made >= kind.most && !kind.on_their_way.empty()) {
    const Slot oldest = taken_from(kind.on_their_way, kind.on_their_way.begin());
    lock.unlock();
    wait(oldest);
    return oldest;
  }
  if (kind.free.empty()) make_slab(kind, number);
  return taken_from(kind.free, kind.free.end() - 1);
}

void Staging::give_back(const Slot& slot) {
  const std::lock_guard lock(busy_);
  kinds_[slot.kind].free.push_back(slot);
}

void Staging::give_back_later(const Slot& slot) {
  mark(slot);
  const std::lock_guard lock(busy_);
  kinds_[slot.kind].on_their_way.push_back(slot);
}

void Staging::copy_in(char* to, const char* host, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes;) {
    const std::size_t piece = std::min(bytes - at, kLargest);
    HeldSlot slot(*this, piece);
    std::memcpy(slot->at, host + at, piece);
    context_.check(context_.driver.cuMemcpyHtoDAsync(reinterpret_cast<CUdeviceptr>(to + at), slot->at, piece, stream_),
                   "copying to the device");
    slot.give_back_later();
    at += piece;
  }
}

// The next piece is on its way while the host copies one.
void Staging::copy_out(char* host, const char* from, std::size_t bytes) {
  std::array<std::unique_ptr<HeldSlot>, 2> slots;
  const std::size_t pieces = (bytes + kLargest - 1) / kLargest;
  const auto size_of_piece = [&](std::size_t piece) { return std::min(kLargest, bytes - piece * kLargest); };
  const auto start = [&](std::size_t piece) {
    auto& slot = slots[piece % 2];
    if (!slot) slot = std::make_unique<HeldSlot>(*this, size_of_piece(piece));
    context_.check(
        context_.driver.cuMemcpyDtoHAsync((*slot)->at, reinterpret_cast<CUdeviceptr>(from + piece * kLargest),
                                          size_of_piece(piece), stream_),
        "copying from the device");
    mark(**slot);
  };
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    if (piece == 0) start(0);
    if (piece + 1 < pieces) start(piece + 1);
    wait(**slots[piece % 2]);
    std::memcpy(host + piece * kLargest, (*slots[piece % 2])->at, size_of_piece(piece));
  }
}

}  // namespace pt::cuda
