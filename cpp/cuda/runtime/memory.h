// The device's memory, in stream order: what is freed may be given out again at once, for all work is queued on one
// stream. Memory comes from the driver in segments, which are divided into pieces; a piece is the smallest one that
// fits, and joins its free neighbours when it is freed.
#pragma once
#include <cstddef>
#include <mutex>
#include <set>
#include <unordered_map>

#include "abi/device.h"
#include "cuda/runtime/context.h"

namespace pt::cuda {

class DeviceMemory {
 public:
  explicit DeviceMemory(Context& context) : context_(context) {}
  char* allocate(std::size_t bytes);
  void free(char* address);
  bool holds(char* address);  // whether it was allocated here
  void trim();
  PtdUsage usage();
  void forget_peak();  // the most is what is used now

 private:
  struct Piece {
    char* at;
    std::size_t bytes;
    bool large;                                 // of a segment for large requests
    Piece *before = nullptr, *after = nullptr;  // its neighbours in the segment
    bool free = true;
  };
  struct Smaller {
    bool operator()(const Piece* a, const Piece* b) const {
      return a->bytes != b->bytes ? a->bytes < b->bytes : a->at < b->at;
    }
  };
  using Pieces = std::set<Piece*, Smaller>;

  Pieces& pool(bool large) { return large ? free_large_ : free_small_; }
  Piece* take(std::size_t bytes, bool large);
  Piece* grow(std::size_t bytes, bool large, std::size_t asked);
  void divide(Piece* piece, std::size_t bytes);
  void join(Piece* piece, Piece* next);
  void give_back_segments();
  [[noreturn]] void fail(std::size_t asked);

  Context& context_;
  std::mutex busy_;
  Pieces free_small_, free_large_;
  std::unordered_map<char*, Piece*> used_;
  std::size_t held_bytes_ = 0;  // from the driver
  std::size_t used_bytes_ = 0, peak_bytes_ = 0;
};

}  // namespace pt::cuda
