// Keys of tables of calls: what a call depends on, as a list of words.
#pragma once
#include <bit>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include "core/attrs.h"
#include "core/launch.h"

namespace pt {

template <class T>
int64_t word_of(T* pointer) {
  return static_cast<int64_t>(reinterpret_cast<intptr_t>(pointer));
}

// What kind of attribute follows: its place among the kinds of Attr.
template <class T, class... Kinds>
constexpr int64_t place_among(const std::variant<Kinds...>*) {
  int64_t place = 0;
  (void)((!std::is_same_v<T, Kinds> && (++place, true)) && ...);
  return place;
}
template <class T>
inline constexpr int64_t kKindWord = place_among<T>(static_cast<const Attr*>(nullptr));

// `Words` takes one word at a time: push_back.
template <class Words>
void append(Words& words, std::monostate) {
  words.push_back(kKindWord<std::monostate>);
}
template <class Words, class Number>
requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
void append(Words& words, Number value) {
  words.push_back(kKindWord<Number>);
  if constexpr (std::is_same_v<Number, double>) {
    words.push_back(std::bit_cast<int64_t>(value));
  } else {
    words.push_back(static_cast<int64_t>(value));
  }
}
template <class Words>
void append(Words& words, std::string_view characters) {
  words.push_back(kKindWord<std::string>);
  words.push_back(static_cast<int64_t>(characters.size()));
  for (const char c : characters) words.push_back(c);
}
template <class Words>
void append(Words& words, std::span<const int64_t> integers) {
  words.push_back(kKindWord<Ints>);
  words.push_back(static_cast<int64_t>(integers.size()));
  for (const int64_t i : integers) words.push_back(i);
}
template <class Words>
void append(Words& words, const Attr& value) {
  std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string>) {
          append(words, std::string_view(held));
        } else if constexpr (std::is_same_v<T, Ints>) {
          append(words, std::span<const int64_t>(held));
        } else {
          append(words, held);
        }
      },
      value);
}

template <class Words>
void append(Words& words, const PlanContext& context) {
  words.push_back(word_of(context.target));
  words.push_back(context.threads << 3 | int64_t{context.printed} << 2 | int64_t{context.multiplies_tiles} << 1 |
                  context.multiplies_pairs);
  words.push_back(word_of(context.isa.data()));
}

// The products do not wait for each other.
template <class Words>
uint64_t hash_of(const Words& words) {
  uint64_t hash = 0;
  for (const int64_t word : words) hash = std::rotl(hash, 13) + static_cast<uint64_t>(word) * 0x9e3779b97f4a7c15ull;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ull;
  return hash ^ hash >> 32;
}

}  // namespace pt
