// Why launches are as they are, for people: which kernel, how it is cut, what it packs, what was not possible. A note
// is read from a launch's descriptor when a profile asks for it, so that planning costs nothing more.
#pragma once
#include <string>
#include <string_view>

#include "core/launch.h"

namespace pt {

using LaunchNoteFn = std::string (*)(const Launch&);

// Of the launches of a kernel folder, by the folder itself; always true.
bool add_launch_note(std::string_view kernel, LaunchNoteFn note);

// Empty for a kernel that has nothing to say.
std::string launch_note(const Launch& launch);

}  // namespace pt
