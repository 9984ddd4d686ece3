#include "graph/passes/groups.h"

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>

namespace pt {

Groups::Groups(const Graph& graph)
    : graph_(graph), group_(graph.nodes.size()), members_(graph.nodes.size()), visited_(graph.nodes.size(), 0) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    group_[n] = static_cast<int>(n);
    members_[n].push_back(static_cast<int>(n));
  }
}

bool Groups::can_join(const std::vector<int>& groups) {
  ++search_;
  auto inside = [&](int group) { return std::find(groups.begin(), groups.end(), group) != groups.end(); };
  // Backwards from what the joined group reads from outside: reaching the group again would be a circle.
  std::vector<int> stack;
  auto visit_inputs = [&](int group, bool from_inside) {
    for (int node : members_[group]) {
      for (int input : graph_.nodes[node].inputs) {
        if (input < 0 || graph_.values[input].origin != Origin::Node) continue;
        const int maker = group_[graph_.values[input].index];
        if (inside(maker)) {
          if (!from_inside) return false;
          continue;
        }
        // Also groups that end before ours begins: what they read may belong to a group that goes on behind it.
        if (visited_[maker] == search_) continue;
        visited_[maker] = search_;
        stack.push_back(maker);
      }
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
      for (int input : graph_.nodes[node].inputs) {
        if (input < 0 || graph_.values[input].origin != Origin::Node) continue;
        const int maker = group_[graph_.values[input].index];
        if (maker != static_cast<int>(g)) makers.insert(maker);
      }
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
