// What the checker knows of each byte that kernels touch: who wrote and read it last, and when.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pt::cuda::sim {

// Ticks count what orders accesses: a launch, a block and a barrier of a block begin a new one. Two accesses of one
// block with the same tick are ordered by __syncwarp alone; two of different blocks by nothing.
using Tick = uint32_t;
Tick next_tick();

constexpr uint16_t kMany = 0xffff;

struct Cell {
  Tick write_tick = 0, read_tick = 0;
  Tick pending = 0;                           // a copy in the background that began then will write it
  Tick foreign_read = 0, foreign_atomic = 0;  // the latest of blocks other than those above
  uint32_t write_clock = 0, read_clock = 0;   // of the lane, within the tick
  const void* write_place = nullptr;          // in the code
  const void* read_place = nullptr;
  uint32_t read_lanes = 0;    // of one warp
  uint16_t read_warp = 0;     // or kMany
  uint16_t write_thread = 0;  // or kMany: by atomic operations
  bool atomic = false;
  int32_t split = -1;  // where the cells of its bytes begin, if they are no longer alike
};

// The cells of a region. Bytes that were only ever used together are alike and have one: those of an element as wide as
// the first that was used. Where a narrower one is used, each of them gets its own.
class Cells {
 public:
  // At least so many bytes are known from now on; `width` is that of the use that comes.
  void grow(int64_t bytes, int64_t width) {
    if (bytes <= bytes_) return;
    if (bytes_ == 0) shift_ = width >= 4 ? 2 : width >= 2 ? 1 : 0;
    bytes_ = bytes;
    whole_.resize(static_cast<std::size_t>((bytes + (1 << shift_) - 1) >> shift_));
  }
  // Calls `visit` with the cells of some bytes in order, until it returns false.
  template <class Visit>
  void each(int64_t first, int64_t bytes, Visit&& visit) {
    const int64_t width = int64_t{1} << shift_;
    for (int64_t at = first, end = first + bytes; at < end;) {
      Cell& cell = whole_[at >> shift_];
      const int64_t within = at & (width - 1);
      if (cell.split < 0 && within == 0 && end - at >= width) {
        if (!visit(cell)) return;
        at += width;
        continue;
      }
      if (cell.split < 0) split(cell, width);
      if (!visit(parts_[cell.split + within])) return;
      ++at;
    }
  }

 private:
  void split(Cell& cell, int64_t width) {
    const auto at = static_cast<int32_t>(parts_.size());
    parts_.insert(parts_.end(), static_cast<std::size_t>(width), cell);
    cell.split = at;
  }

  int64_t bytes_ = 0;
  int shift_ = 0;  // of the width in bytes: 1, 2 or 4
  std::vector<Cell> whole_, parts_;
};

enum class Use { Read, Write, Atomic };

// Memory with one meaning, such as an operand or a shared variable.
struct Region {
  char* begin;
  int64_t bytes;
  std::string name;
  bool may_write = true;
  bool holds_values = true;  // else what was not written must not be read
  bool shared = false;       // of a block
  Cells cells{};

  bool holds(const void* address) const {
    return static_cast<const char*>(address) >= begin && static_cast<const char*>(address) < begin + bytes;
  }
};

// What lanes of a warp know of each other since the block's last barrier.
class WarpClocks {
 public:
  uint32_t own(Tick now, int lane) const { return tick_ == now ? known_[lane][lane] : 1; }
  uint32_t known(Tick now, int lane, int of) const { return tick_ == now ? known_[lane][of] : lane == of; }
  void sync(Tick now, uint32_t mask);

 private:
  Tick tick_ = 0;
  uint32_t known_[32][32];
};

// Who uses a byte now.
struct User {
  Tick launch, block, now;
  int thread;
  const WarpClocks* warp;
  const void* place;
};

// Two uses that nothing orders.
struct Conflict {
  bool found = false;
  Tick tick = 0;    // of the other one
  int thread = -1;  // of the same block; -1: several, or another block's
  Use use = Use::Read;
  const void* place = nullptr;
};

bool was_written(const Region& region, const Cell& cell, const User& user);
Conflict note(Cell& cell, const User& user, Use use);

}  // namespace pt::cuda::sim
