#include "cuda/sim/shadow.h"

#include <algorithm>
#include <atomic>
#include <bit>

namespace pt::cuda::sim {
namespace {

constexpr int kLanes = 32;

bool ordered(const User& user, int thread, uint32_t clock) {
  if (thread == user.thread) return true;
  if (thread / kLanes != user.thread / kLanes) return false;
  return user.warp->known(user.now, user.thread % kLanes, thread % kLanes) >= clock;
}

bool of_other_block(Tick tick, const User& user) { return tick >= user.launch && tick < user.block; }

Conflict with_write(const Cell& cell, const User& user, Use use) {
  const bool both_atomic = use == Use::Atomic && cell.atomic;
  const Use other = cell.atomic ? Use::Atomic : Use::Write;
  if (use != Use::Atomic && of_other_block(cell.foreign_atomic, user)) {
    return {true, cell.foreign_atomic, -1, Use::Atomic, cell.write_place};
  }
  if (both_atomic) return {};
  if (of_other_block(cell.write_tick, user)) return {true, cell.write_tick, -1, other, cell.write_place};
  if (cell.write_tick != user.now) return {};
  if (cell.write_thread == kMany) return {true, user.now, -1, other, cell.write_place};
  if (ordered(user, cell.write_thread, cell.write_clock)) return {};
  return {true, user.now, cell.write_thread, other, cell.write_place};
}

Conflict with_reads(const Cell& cell, const User& user) {
  for (const Tick tick : {cell.foreign_read, cell.read_tick}) {
    if (of_other_block(tick, user)) return {true, tick, -1, Use::Read, cell.read_place};
  }
  if (cell.read_tick != user.now) return {};
  if (cell.read_warp == kMany) return {true, user.now, -1, Use::Read, cell.read_place};
  for (uint32_t lanes = cell.read_lanes; lanes; lanes &= lanes - 1) {
    const int thread = cell.read_warp * kLanes + std::countr_zero(lanes);
    if (!ordered(user, thread, cell.read_clock)) return {true, user.now, thread, Use::Read, cell.read_place};
  }
  return {};
}

void note_read(Cell& cell, const User& user) {
  const int warp = user.thread / kLanes, lane = user.thread % kLanes;
  const uint32_t clock = user.warp->own(user.now, lane);
  if (of_other_block(cell.read_tick, user)) cell.foreign_read = cell.read_tick;
  if (cell.read_tick != user.now) {
    cell.read_tick = user.now;
    cell.read_warp = static_cast<uint16_t>(warp);
    cell.read_lanes = 0;
    cell.read_clock = clock;
  }
  if (cell.read_warp != warp) {
    cell.read_warp = kMany;
  } else {
    cell.read_lanes |= 1u << lane;
    cell.read_clock = std::max(cell.read_clock, clock);
  }
  cell.read_place = user.place;
}

void note_write(Cell& cell, const User& user, bool atomic) {
  const bool shared_atomic = atomic && cell.atomic && cell.write_tick == user.now && cell.write_thread != user.thread;
  if (cell.atomic && of_other_block(cell.write_tick, user)) cell.foreign_atomic = cell.write_tick;
  cell.write_tick = user.now;
  cell.write_thread = shared_atomic ? kMany : static_cast<uint16_t>(user.thread);
  cell.write_clock = user.warp->own(user.now, user.thread % kLanes);
  cell.write_place = user.place;
  cell.atomic = atomic;
}

}  // namespace

Tick next_tick() {
  static std::atomic<Tick> tick = 0;  // one clock for all threads of the host, so that memory may go between them
  return ++tick;
}

void WarpClocks::sync(Tick now, uint32_t mask) {
  if (tick_ != now) {
    tick_ = now;
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int of = 0; of < kLanes; ++of) known_[lane][of] = lane == of;
    }
  }
  uint32_t joined[kLanes] = {}, latest = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (!(mask >> lane & 1)) continue;
    for (int of = 0; of < kLanes; ++of) joined[of] = std::max(joined[of], known_[lane][of]);
    latest = std::max(latest, known_[lane][lane]);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    if (!(mask >> lane & 1)) continue;
    // Nobody of them did anything between its own clock and the latest, so that all of it is known.
    for (int of = 0; of < kLanes; ++of) known_[lane][of] = mask >> of & 1 ? latest : joined[of];
    known_[lane][lane] = latest + 1;
  }
}

bool was_written(const Region& region, const Cell& cell, const User& user) {
  return region.holds_values || (region.shared ? cell.write_tick >= user.block : cell.write_tick != 0);
}

Conflict note(Cell& cell, const User& user, Use use) {
  Conflict conflict = with_write(cell, user, use);
  if (!conflict.found && use != Use::Read) conflict = with_reads(cell, user);
  if (use == Use::Read) {
    note_read(cell, user);
  } else {
    note_write(cell, user, use == Use::Atomic);
  }
  return conflict;
}

}  // namespace pt::cuda::sim
