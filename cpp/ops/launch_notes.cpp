#include "ops/launch_notes.h"

#include <map>

namespace pt {
namespace {

std::map<std::string_view, LaunchNoteFn>& notes() {
  static auto& all = *new std::map<std::string_view, LaunchNoteFn>;
  return all;
}

}  // namespace

bool add_launch_note(std::string_view kernel, LaunchNoteFn note) { return notes().emplace(kernel, note).second; }

std::string launch_note(const Launch& launch) {
  const auto found = notes().find(launch.kernel);
  return found == notes().end() ? "" : found->second(launch);
}

}  // namespace pt
