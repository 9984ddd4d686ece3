// The compiler of printed kernels: the host's g++, which makes a shared library of a source, kept by what went into it.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace pt::simdriver {

struct Source {
  std::string name, text;
  std::vector<std::pair<std::string, std::string>> headers;  // name and text
  std::vector<std::string> options;                          // -I and -D alone
};

struct Compiled {
  std::string library;  // the file's bytes, or empty
  std::string log;
  bool cached = false;
};

Compiled compile(const Source& source);

}  // namespace pt::simdriver
