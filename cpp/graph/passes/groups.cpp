#include "graph/passes/groups.h"

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

namespace pt {

Groups::Groups(const Graph& graph)
    : graph_(graph),
      checks_(graph.nodes.size()),
      group_(graph.nodes.size()),
      members_(graph.nodes.size()),
      visited_(graph.nodes.size(), 0) {
  std::vector<int> checks;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    group_[n] = static_cast<int>(n);
    members_[n].push_back(static_cast<int>(n));
    if (n > 0 && graph.nodes[n].phase != graph.nodes[n - 1].phase) checks.clear();
    const Op* op = graph.nodes[n].op;
    if (op && op->guard) checks_[n] = checks;  // which is to know of them before anything is written
    if (op && op->has_effect()) checks.push_back(static_cast<int>(n));
  }
}

template <class Fn>
void Groups::for_makers(int node, Fn fn) const {
  for (int input : graph_.nodes[node].inputs) {
    if (input >= 0 && graph_.values[input].origin == Origin::Node) fn(group_[graph_.values[input].index]);
  }
  for (int check : checks_[node]) fn(group_[check]);
}

bool Groups::can_join(const std::vector<int>& groups) {
  ++search_;
  auto inside = [&](int group) { return std::find(groups.begin(), groups.end(), group) != groups.end(); };
  // Backwards from what the joined group reads from outside: reaching the group again would be a circle.
  std::vector<int> stack;
  auto visit_inputs = [&](int group, bool from_inside) {
    bool free = true;
    for (int node : members_[group]) {
      for_makers(node, [&](int maker) {
        if (inside(maker)) {
          free = free && from_inside;
          return;
        }
        // Also groups that end before ours begins: what they read may belong to a group that goes on behind it.
        if (visited_[maker] == search_) return;
        visited_[maker] = search_;
        stack.push_back(maker);
      });
      if (!free) return false;
    }
    return true;
  };
  for (int g : groups) visit_inputs(g, true);
  while (!stack.empty()) {
    const int group = stack.back();
    stack.pop_back();
    if (!visit_inputs(group, false)) return false;
  }
  return true;
}

int Groups::join(const std::vector<int>& groups) {
  const int first = groups[0];
  for (std::size_t i = 1; i < groups.size(); ++i) {
    if (groups[i] == first) continue;
    for (int node : members_[groups[i]]) group_[node] = first;
    members_[first].insert(members_[first].end(), members_[groups[i]].begin(), members_[groups[i]].end());
    members_[groups[i]].clear();
  }
  std::sort(members_[first].begin(), members_[first].end());
  return first;
}

std::vector<int> Groups::order() const {
  std::vector<std::set<int>> users(members_.size());
  std::vector<int> waits(members_.size(), 0);
  for (std::size_t g = 0; g < members_.size(); ++g) {
    std::set<int> makers;
    for (int node : members_[g]) {
      for_makers(node, [&](int maker) {
        if (maker != static_cast<int>(g)) makers.insert(maker);
      });
    }
    waits[g] = static_cast<int>(makers.size());
    for (int maker : makers) users[maker].insert(static_cast<int>(g));
  }
  using Entry = std::tuple<int, int, int>;  // phase, earliest node, group
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  auto push = [&](int g) {
    // A group runs as late as its last member asks for, so that operands are kept for a short time.
    if (!members_[g].empty()) ready.emplace(graph_.nodes[members_[g].front()].phase, members_[g].back(), g);
  };
  for (std::size_t g = 0; g < members_.size(); ++g) {
    if (waits[g] == 0) push(static_cast<int>(g));
  }
  std::vector<int> result;
  while (!ready.empty()) {
    const int group = std::get<2>(ready.top());
    ready.pop();
    result.push_back(group);
    for (int user : users[group]) {
      if (--waits[user] == 0) push(user);
    }
  }
  return result;
}

}  // namespace pt
