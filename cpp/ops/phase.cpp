// What eager writes replaced since a phase began. Each thread has its own phase.
//
// A phase that nobody ends, such as a gradient that is only looked at, lasts until the next one of the thread begins.
// So it must not keep slots alive that are gone, nor undo later what a compiled step or a loaded state wrote.
#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ops/recorder.h"

namespace pt {
namespace {

class Journal {
 public:
  void begin() {
    forget_all();
    on_ = true;
  }
  void end() {
    forget_all();
    on_ = false;
  }
  void note(const SlotRef& slot) {
    // The address is no other slot's while it is known: what refers to it weakly keeps its place in memory.
    if (!on_ || known_.count(slot.get())) return;
    Tensor before = slot->current();  // first: if this fails, so does the write, and one that is tried again is noted
    known_.insert(slot.get());
    if (noted_.size() >= look_again_) {
      forget_if([](const SlotRef& one) { return !one; });
      look_again_ = std::max(kFew, 2 * noted_.size());
    }
    noted_.push_back({slot.get(), slot, std::move(before)});
  }
  bool empty() const { return noted_.empty(); }
  void keep(const std::vector<SlotRef>& slots) {
    std::unordered_set<const Slot*> homes;
    for (const SlotRef& slot : slots) homes.insert(home_of(slot));
    forget_if([&](const SlotRef& one) { return !one || homes.count(home_of(one)); });
  }
  void undo() {
    const std::vector<Noted> replaced = std::move(noted_);
    end();
    for (auto one = replaced.rbegin(); one != replaced.rend(); ++one) {
      if (const SlotRef slot = one->slot.lock()) slot->replace(one->before);
    }
  }

 private:
  static constexpr std::size_t kFew = 64;
  struct Noted {
    const Slot* address;
    std::weak_ptr<Slot> slot;
    Tensor before;
  };

  static const Slot* home_of(const SlotRef& slot) { return slot->base() ? slot->base().get() : slot.get(); }

  template <class Over>
  void forget_if(Over over) {
    const auto left = std::remove_if(noted_.begin(), noted_.end(), [&](const Noted& one) {
      const bool gone = over(one.slot.lock());
      if (gone) known_.erase(one.address);
      return gone;
    });
    noted_.erase(left, noted_.end());
  }
  void forget_all() {
    noted_.clear();
    known_.clear();
    look_again_ = kFew;
  }

  bool on_ = false;
  std::vector<Noted> noted_;
  std::unordered_set<const Slot*> known_;
  std::size_t look_again_ = kFew;  // for slots that are gone, once so many are noted
};

Journal& journal() {
  thread_local Journal writes;
  return writes;
}

}  // namespace

void begin_phase() {
  if (!active_recorder()) journal().begin();
}

void end_phase() {
  if (Recorder* recorder = active_recorder()) return recorder->end_phase();
  journal().end();
}

void undo_phase() { journal().undo(); }

void note_write(const SlotRef& slot) { journal().note(slot); }

bool writes_are_noted() { return !journal().empty(); }

void keep_written(const std::vector<SlotRef>& slots) {
  if (writes_are_noted()) journal().keep(slots);
}

}  // namespace pt
