// Keys of tables of calls: what a call depends on, as a list of words.
#pragma once
#include <bit>

#include "core/attrs.h"
#include "core/launch.h"

namespace pt {

template <class T>
int64_t word_of(T* pointer) {
  return static_cast<int64_t>(reinterpret_cast<intptr_t>(pointer));
}

// `Words` takes one word at a time: push_back.
template <class Words>
void append(Words& words, const Attr& value) {
  words.push_back(static_cast<int64_t>(value.index()));
  if (auto* b = std::get_if<bool>(&value)) words.push_back(*b);
  if (auto* i = std::get_if<int64_t>(&value)) words.push_back(*i);
  if (auto* d = std::get_if<double>(&value)) words.push_back(std::bit_cast<int64_t>(*d));
  if (auto* t = std::get_if<DType>(&value)) words.push_back(static_cast<int64_t>(*t));
  if (auto* s = std::get_if<std::string>(&value)) {
    words.push_back(static_cast<int64_t>(s->size()));
    for (const char c : *s) words.push_back(c);
  }
  if (auto* v = std::get_if<Ints>(&value)) {
    words.push_back(static_cast<int64_t>(v->size()));
    for (const int64_t i : *v) words.push_back(i);
  }
}

template <class Words>
void append(Words& words, const PlanContext& context) {
  words.push_back(word_of(context.target));
  words.push_back(context.threads << 3 | int64_t{context.printed} << 2 | int64_t{context.multiplies_tiles} << 1 |
                  context.multiplies_pairs);
  words.push_back(word_of(context.isa.data()));
}

template <class Words>
uint64_t hash_of(const Words& words) {
  uint64_t hash = 0x9e3779b97f4a7c15ull;
  for (const int64_t word : words) hash = (hash ^ static_cast<uint64_t>(word)) * 0x100000001b3ull + (hash >> 29);
  return hash;
}

}  // namespace pt
