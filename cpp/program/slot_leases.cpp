#include <algorithm>

#include "program/program.h"

namespace pt {

void SlotLeases::acquire(const std::vector<SlotRef>& slots, const std::vector<bool>& written) {
  held_ = 0;  // after a fork: what another thread of the parent held
  do {
    // What a backend holds comes here; that runs Python, so no lease is held meanwhile.
    for (const SlotRef& slot : slots) (slot->base() ? slot->base() : slot)->bring();
    if (homes_version_ != Slot::homes_version()) find_homes(slots, written);
  } while (!acquire_once());
  for (const Home& home : homes_) home.slot->check_whole();
}

// False if, while this thread waited, another one moved a slot or a value.
bool SlotLeases::acquire_once() {
  for (const Home& home : homes_) {
    process_ = home.slot->lease().acquire(home.written ? Lease::Mode::Write : Lease::Mode::Read);
    ++held_;
  }
  const bool stays = homes_version_ == Slot::homes_version() &&
                     std::none_of(homes_.begin(), homes_.end(), [](const Home& home) { return home.slot->away(); });
  if (!stays) release();
  return stays;
}

void SlotLeases::release() {
  while (held_ > 0) {
    const Home& home = homes_[--held_];
    home.slot->lease().release(home.written ? Lease::Mode::Write : Lease::Mode::Read, process_);
  }
}

std::vector<SlotRef> SlotLeases::written() const {
  std::vector<SlotRef> found;
  for (const Home& home : homes_)
    if (home.written) found.push_back(home.slot);
  return found;
}

void SlotLeases::find_homes(const std::vector<SlotRef>& slots, const std::vector<bool>& written) {
  homes_.clear();
  homes_version_ = Slot::homes_version();
  for (std::size_t s = 0; s < slots.size(); ++s) {
    const SlotRef home = slots[s]->base() ? slots[s]->base() : slots[s];
    const auto known = std::find_if(homes_.begin(), homes_.end(), [&](const Home& h) { return h.slot == home; });
    if (known == homes_.end()) {
      homes_.push_back({home, written[s]});
    } else {
      known->written = known->written || written[s];
    }
  }
  std::sort(homes_.begin(), homes_.end(), [](const Home& a, const Home& b) { return a.slot < b.slot; });
}

}  // namespace pt
