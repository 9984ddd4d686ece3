#include "cuda/sim/checker.h"

#include <algorithm>

#include "core/error.h"
#include "cuda/sim/block.h"
#include "cuda/sim/modules.h"

namespace pt::cuda::sim {
namespace {

constexpr int kLanes = 32;
constexpr int64_t kNear = 4096;  // bytes from an operand, to be called after its end

const char* verb(Use use) { return use == Use::Read ? "reads" : use == Use::Write ? "writes" : "updates"; }
const char* past(Use use) { return use == Use::Read ? "read" : use == Use::Write ? "wrote" : "updated"; }

bool inside(const char* address, const void* begin, int64_t bytes) {
  return address >= static_cast<const char*>(begin) && address < static_cast<const char*>(begin) + bytes;
}

}  // namespace

void Memories::add(const void* begin, int64_t bytes, std::string name, bool may_write, bool holds_values) {
  regions_.push_back({static_cast<char*>(const_cast<void*>(begin)), bytes, std::move(name), may_write, holds_values});
}

Region* Memories::find(const void* address) {
  for (Region& region : regions_) {
    if (region.holds(address)) return &region;
  }
  return nullptr;
}

Checker*& Checker::active() {
  thread_local Checker* checker = nullptr;
  return checker;
}

void Checker::begin_launch(const Kernel& kernel, const Geometry& geometry, const void* operands, const void* params,
                           Memories& memories, char* dynamic_shared) {
  memories_ = &memories;
  threads_ = geometry.block;
  arguments_[0] = static_cast<const char*>(operands);
  arguments_[1] = static_cast<const char*>(params);
  argument_bytes_[0] = 8 * (kernel.operands + 2);
  argument_bytes_[1] = kernel.params_bytes;
  dynamic_.begin = dynamic_shared;
  dynamic_.bytes = geometry.shared_bytes;
  const void* code = reinterpret_cast<const void*>(kernel.run);
  if (variables_of_ != code) {
    variables_ = shared_variables(code);
    variables_of_ = code;
  }
  warps_.resize((threads_.x * threads_.y * threads_.z + kLanes - 1) / kLanes);
  blocks_.clear();
  std::fill(recent_, recent_ + kRecent, nullptr);
  launch_ = next_tick();
}

void Checker::begin_block(const uint3& block) {
  block_ = now_ = next_tick();
  blocks_.emplace_back(block_, block);
}

void Checker::begin_thread(int thread, const char* stack, int64_t stack_bytes) {
  thread_ = thread;
  stack_ = stack;
  stack_bytes_ = stack_bytes;
}

Region* Checker::find(const char* address, int64_t bytes) {
  for (Region* region : recent_) {
    if (region && region->holds(address)) return region;
  }
  Region* found = memories_->find(address);
  if (!found && dynamic_.holds(address)) found = &dynamic_;
  for (std::size_t i = 0; !found && i < variables_.size(); ++i) {
    if (variables_[i].holds(address)) found = &variables_[i];
  }
  if (found) found->cells.grow(found->bytes, bytes);
  if (found) recent_[oldest_++ % kRecent] = found;
  return found;
}

bool Checker::is_shared(const void* address) const {
  const auto holds = [&](const Region& region) { return region.holds(address); };
  return holds(dynamic_) || std::any_of(variables_.begin(), variables_.end(), holds);
}

std::string Checker::complaint(const void* place_in_memory, int64_t bytes, Use use, bool as_one, const void* place) {
  const char* address = static_cast<const char*>(place_in_memory);
  if (inside(address, stack_, stack_bytes_) || inside(address, &here, sizeof(here))) return "";
  const auto doing = [&] { return text(verb(use), " ", bytes, bytes == 1 ? " byte" : " bytes"); };
  Region* region = find(address, bytes);
  if (!region) {
    for (int i = 0; i < 2; ++i) {
      if (use == Use::Read && inside(address, arguments_[i], argument_bytes_[i])) return "";
    }
    if (use == Use::Read && in_static_memory(address) && !is_shared(address)) return "";
    if (inside(address, arguments_[1], argument_bytes_[1])) {
      return text(doing(), " of the kernel's parameters", at_line(place),
                  "; expected them as they are; copy them first");
    }
    return outside(address, doing(), place);
  }
  const int64_t first = address - region->begin;
  const auto where = [&] { return text(" at byte ", first, " of ", region->name, at_line(place)); };
  if (first + bytes > region->bytes) {
    return text(doing(), where(), ", which ends at byte ", region->bytes,
                "; expected to stay inside; check the bounds");
  }
  if (use != Use::Read && !region->may_write) {
    return text(doing(), where(), "; expected to write outputs and the workspace alone; check which operand it is");
  }
  if (as_one && reinterpret_cast<uintptr_t>(address) % bytes) {
    return text(doing(), where(), "; expected an address that is a multiple of ", bytes,
                "; use narrower elements where it is not");
  }
  const User user{region->shared ? block_ : launch_, block_, now_, thread_, &warps_[thread_ / kLanes], place};
  std::string wrong;
  region->cells.each(first, bytes, [&](Cell& cell) {
    if (cell.pending >= block_) {
      wrong = text(doing(), where(), ", to which a copy is under way; expected to wait for it, and __syncthreads()");
    } else if (use != Use::Write && !was_written(*region, cell, user)) {
      wrong = text(doing(), where(), ", which ", region->shared ? "this block has not" : "nobody has",
                   " written; expected values; write them first", region->shared ? ", and __syncthreads()" : "");
    } else if (const Conflict conflict = note(cell, user, use); conflict.found) {
      wrong = conflict_text(conflict, doing() + where());
    }
    return wrong.empty();
  });
  return wrong;
}

void Checker::set_pending(const char* address, int64_t bytes, bool pending) {
  Region* region = find(address, bytes);
  region->cells.each(address - region->begin, bytes, [&](Cell& cell) {
    cell.pending = pending ? now_ : 0;
    return true;
  });
}

std::string Checker::outside(const char* address, const std::string& doing, const void* place) {
  const Region* nearest = nullptr;
  int64_t distance = 0;
  const auto compare = [&](const Region& region) {
    if (region.bytes == 0) return;
    const int64_t off = address < region.begin ? region.begin - address : address - (region.begin + region.bytes) + 1;
    if (!nearest || off < distance) nearest = &region, distance = off;
  };
  for (const Region& region : memories_->regions()) compare(region);
  for (const Region& region : variables_) compare(region);
  compare(dynamic_);
  if (!nearest || distance > kNear)
    return doing + " of memory that the launch was not given" + at_line(place) +
           "; expected operands; check the address";
  const bool before = address < nearest->begin;
  return text(doing, ", ", before ? nearest->begin - address : address - (nearest->begin + nearest->bytes),
              before ? " before the begin of " : " after the end of ", nearest->name, at_line(place),
              "; expected to stay inside; check the bounds");
}

std::string Checker::thread_text(int thread) const {
  const uint32_t index = static_cast<uint32_t>(thread);
  return text("thread (", index % threads_.x, ", ", index / threads_.x % threads_.y, ", ",
              index / threads_.x / threads_.y, ")");
}

std::string Checker::block_text(Tick tick) const {
  auto at = std::upper_bound(blocks_.begin(), blocks_.end(), tick, [](Tick t, const auto& b) { return t < b.first; });
  const uint3& block = (at - 1)->second;
  return text("block (", block.x, ", ", block.y, ", ", block.z, ")");
}

std::string Checker::conflict_text(const Conflict& conflict, const std::string& doing) const {
  const bool other_block = conflict.tick < block_;
  const std::string who = other_block           ? block_text(conflict.tick)
                          : conflict.thread < 0 ? "another thread"
                                                : thread_text(conflict.thread);
  const std::string fix =
      other_block ? "; expected blocks to write different bytes, and to read none of another's; split the work "
                    "otherwise, or use two launches"
      : conflict.thread >= 0 && conflict.thread / kLanes == thread_ / kLanes
          ? "; expected __syncwarp() or __syncthreads() between the two"
          : "; expected __syncthreads() between the two";
  return text(doing, ", which ", who, " ", past(conflict.use), at_line(conflict.place), fix);
}

}  // namespace pt::cuda::sim
