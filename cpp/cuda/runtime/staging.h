// Page-locked memory of the host, through which copies go: the GPU reads and writes it by itself, while the host goes
// on. Three sizes of slots, each with an event that says when the copy is done.
#pragma once
#include <array>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "cuda/runtime/context.h"

namespace pt::cuda {

struct Slot {
  char* at;
  std::size_t bytes;
  int kind;
  CUevent done;
};

class Staging {
 public:
  static constexpr std::size_t kLargest = std::size_t{4} << 20;

  // For copies in one stream.
  Staging(Context& context, CUstream stream) : context_(context), stream_(stream) {}
  // For so many bytes, at most kLargest. Waits for an earlier copy to the device where many are on their way.
  Slot take(std::size_t bytes);
  void give_back(const Slot& slot);
  // Queues the slot's event, behind which another one may have the slot.
  void give_back_later(const Slot& slot);
  void mark(const Slot& slot) { context_.check(context_.driver.cuEventRecord(slot.done, stream_), "marking a copy"); }
  void wait(const Slot& slot) { context_.check(context_.driver.cuEventSynchronize(slot.done), "waiting for a run"); }

  void copy_in(char* to, const char* host, std::size_t bytes);
  void copy_out(char* host, const char* from, std::size_t bytes);

 private:
  struct Kind {
    std::size_t bytes;
    int in_slab;  // slots that are made at once
    int most;     // before one waits
    int made = 0;
    std::vector<Slot> free{};
    std::deque<Slot> on_their_way{};
  };
  void make_slab(Kind& kind, int number);

  Context& context_;
  CUstream stream_;
  std::mutex busy_;
  std::array<Kind, 3> kinds_{Kind{256, 256, 4096}, Kind{std::size_t{64} << 10, 16, 64}, Kind{kLargest, 1, 4}};
};

// A slot that goes back at the end of the block.
class HeldSlot {
 public:
  HeldSlot(Staging& staging, std::size_t bytes) : staging_(staging), slot_(staging.take(bytes)) {}
  ~HeldSlot() {
    if (held_) staging_.give_back(slot_);
  }
  HeldSlot(const HeldSlot&) = delete;
  HeldSlot& operator=(const HeldSlot&) = delete;
  const Slot* operator->() const { return &slot_; }
  const Slot& operator*() const { return slot_; }
  // It is the caller's to give back.
  Slot keep() {
    held_ = false;
    return slot_;
  }
  void give_back_later() {
    held_ = false;
    staging_.give_back_later(slot_);
  }

 private:
  Staging& staging_;
  Slot slot_;
  bool held_ = true;
};

}  // namespace pt::cuda
