// The rewrite rules by their names, for who runs them; rewrite.h is what a rule sees.
#pragma once
#include <set>
#include <string>
#include <vector>

namespace pt {

using SwitchedOff = std::set<std::string, std::less<>>;

std::vector<std::string> rewrite_rules();

// While one lives, the rules of these names fit nothing on this thread.
class RewritesOff {
 public:
  explicit RewritesOff(const SwitchedOff& names);
  ~RewritesOff();
  RewritesOff(const RewritesOff&) = delete;

 private:
  const SwitchedOff* saved_;
};

}  // namespace pt
