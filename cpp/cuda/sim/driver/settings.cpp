#include "cuda/sim/driver/settings.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace pt::simdriver {

namespace {

bool read_number(const std::string& text, uint64_t* number) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  char* end = nullptr;
  errno = 0;
  *number = std::strtoull(text.c_str(), &end, 10);
  const std::string unit = end;
  if (unit == "K") *number <<= 10;
  if (unit == "M") *number <<= 20;
  if (unit == "G") *number <<= 30;
  return errno == 0 && (unit.empty() || unit == "K" || unit == "M" || unit == "G");
}

bool read_failing(const std::string& text, Failing* failing) {
  failing->all_after = !text.empty() && text.back() == '+';
  return read_number(failing->all_after ? text.substr(0, text.size() - 1) : text, &failing->number);
}

bool set(Settings& settings, const std::string& key, const std::string& value) {
  if (key == "name") return settings.name = value, !value.empty();
  if (key == "capability") {
    if (value.size() < 3 || value[value.size() - 2] != '.') return false;
    settings.major = std::atoi(value.c_str());
    settings.minor = value.back() - '0';
    return settings.major >= 5 && settings.minor >= 0 && settings.minor <= 9;
  }
  if (key == "fail_alloc") return read_failing(value, &settings.fail_alloc);
  if (key == "fail_compile") return read_failing(value, &settings.fail_compile);
  uint64_t number = 0;
  if (!read_number(value, &number)) return false;
  if (key == "devices") return settings.devices = int(number), number <= 16;
  if (key == "memory") return settings.memory = number, number > 0;
  if (key == "units") return settings.units = int(number), number > 0;
  if (key == "version") return settings.version = int(number), true;
  if (key == "lose_device_at_launch") return settings.lose_device_at_launch = number, true;
  if (key == "defer") return settings.deferred = number != 0, true;
  if (key == "poison") return settings.poisoned = number != 0, true;
  if (key == "queue") return settings.queue = number, number > 0;
  if (key == "order") return settings.order = number, true;
  return false;
}

std::string card(int major, int minor) {
  return "Simulated GPU, compute capability " + std::to_string(major) + "." + std::to_string(minor);
}

}  // namespace

Settings parse_settings(const std::string& text, std::string* problem) {
  Settings settings;
  problem->clear();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const size_t equals = part.find('=');
    if (equals == std::string::npos || !set(settings, part.substr(0, equals), part.substr(equals + 1)))
      *problem = "[POWERTRAIN_SIM] " + part +
                 "; expected key=value with devices, memory, capability, units, version, fail_alloc, "
                 "fail_compile, lose_device_at_launch, name, defer, poison, queue or order; for example "
                 "memory=256M,fail_alloc=5";
    at = end + 1;
  }
  if (!settings.units) settings.units = settings.major >= 10 ? 148 : settings.major == 9 ? 132 : 108;
  if (settings.name.empty()) settings.name = card(settings.major, settings.minor);
  return settings;
}

int most_shared_bytes(const Settings& settings) {
  if (settings.major >= 9) return 227 << 10;
  return (settings.major == 8 && settings.minor != 0 && settings.minor != 7 ? 99 : 163) << 10;
}

}  // namespace pt::simdriver
