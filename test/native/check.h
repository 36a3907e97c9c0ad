// Owns the smallest of test frameworks: named checks that register themselves and say where they failed.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace check {

struct Failure {
  std::string where;
};

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline std::vector<Failure>& failures() {
  static std::vector<Failure> all;
  return all;
}

struct Register {
  Register(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

template <typename A, typename B>
void equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (a == b) return;
  std::ostringstream where;
  where << file << ":" << line << ": " << text;
  if constexpr (requires { where << a << b; }) where << " (" << a << " and " << b << ")";
  failures().push_back({where.str()});
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define CASE(name)                                                                      \
  static void CHECK_JOIN(case_, __LINE__)();                                            \
  static const check::Register CHECK_JOIN(register_, __LINE__)(name, CHECK_JOIN(case_, __LINE__)); \
  static void CHECK_JOIN(case_, __LINE__)()
#define EQUAL(a, b) check::equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define TRUE(a) check::equal(static_cast<bool>(a), true, #a, __FILE__, __LINE__)
#define FALSE(a) check::equal(static_cast<bool>(a), false, #a, __FILE__, __LINE__)
