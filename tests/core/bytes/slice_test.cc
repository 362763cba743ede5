// Slices, against the rule of Python's documentation written down with numbers that cannot
// overflow.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/slice.h"
}

namespace {

__extension__ typedef __int128 Wide;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr mm_optional kAbsent = {false, 0};

mm_optional Given(int64_t value) {
  return {true, value};
}

std::string Show(mm_optional bound) {
  return bound.given ? std::to_string(bound.value) : "";
}

std::string Show(int64_t length, mm_optional start, mm_optional stop, mm_optional step) {
  return "[" + Show(start) + ":" + Show(stop) + ":" + Show(step) + "] of " + std::to_string(length);
}

struct Indices {
  Wide start, stop, step;
};

// slice.indices(length), as the pure-Python version in CPython's Lib/test/test_slice.py words it.
Indices PythonIndices(Wide length, mm_optional start, mm_optional stop, mm_optional step) {
  Indices result;
  result.step = step.given ? Wide(step.value) : Wide(1);
  Wide lower = result.step < 0 ? Wide(-1) : Wide(0);
  Wide upper = result.step < 0 ? length - 1 : length;
  if (!start.given) {
    result.start = result.step < 0 ? upper : lower;
  } else {
    result.start = start.value;
    result.start =
        result.start < 0 ? std::max(result.start + length, lower) : std::min(result.start, upper);
  }
  if (!stop.given) {
    result.stop = result.step < 0 ? lower : upper;
  } else {
    result.stop = stop.value;
    result.stop =
        result.stop < 0 ? std::max(result.stop + length, lower) : std::min(result.stop, upper);
  }
  return result;
}

// len(range(start, stop, step)).
Wide PythonCount(const Indices &i) {
  if (i.step > 0) return i.start < i.stop ? (i.stop - i.start + i.step - 1) / i.step : Wide(0);
  return i.stop < i.start ? (i.start - i.stop - i.step - 1) / -i.step : Wide(0);
}

// list(range(start, stop, step)), by walking.
std::vector<int64_t> PythonElements(const Indices &i) {
  std::vector<int64_t> elements;
  for (Wide at = i.start; i.step > 0 ? at < i.stop : at > i.stop; at += i.step) {
    elements.push_back(static_cast<int64_t>(at));
  }
  return elements;
}

std::vector<int64_t> Elements(mm_slice slice) {
  std::vector<int64_t> elements;
  for (int64_t i = 0; i < slice.count; i++) elements.push_back(slice.start + i * slice.step);
  return elements;
}

std::vector<mm_optional> BoundsFrom(int64_t first, int64_t last) {
  std::vector<mm_optional> bounds = {kAbsent};
  for (int64_t value = first; value <= last; value++) bounds.push_back(Given(value));
  return bounds;
}

std::vector<mm_optional> Steps() {
  std::vector<mm_optional> steps = {kAbsent};
  for (int64_t value = -4; value <= 4; value++) {
    if (value != 0) steps.push_back(Given(value));
  }
  return steps;
}

std::vector<mm_optional> Extremes() {
  std::vector<mm_optional> all = {kAbsent};
  for (int64_t value : {kMin, kMin + 1, kMin / 2, int64_t{-2}, int64_t{-1}, int64_t{0}, int64_t{1},
                        int64_t{2}, kMax / 2, kMax - 1, kMax}) {
    all.push_back(Given(value));
  }
  return all;
}

std::string Copy(const std::string &data, mm_optional start, mm_optional stop, mm_optional step) {
  mm_slice slice = mm_slice_resolve(static_cast<int64_t>(data.size()), start, stop, step);
  std::string out(static_cast<size_t>(slice.count), '?');
  mm_slice_copy(slice, reinterpret_cast<const uint8_t *>(data.data()),
                reinterpret_cast<uint8_t *>(&out[0]));
  return out;
}

TEST(Slice, PicksWhatPythonPrints) {
  const std::string s = "abcdefg";
  EXPECT_EQ(Copy(s, kAbsent, kAbsent, kAbsent), "abcdefg");
  EXPECT_EQ(Copy(s, Given(2), Given(5), kAbsent), "cde");
  EXPECT_EQ(Copy(s, Given(-3), kAbsent, kAbsent), "efg");
  EXPECT_EQ(Copy(s, kAbsent, Given(-3), kAbsent), "abcd");
  EXPECT_EQ(Copy(s, Given(5), Given(2), kAbsent), "");
  EXPECT_EQ(Copy(s, Given(-100), Given(100), kAbsent), "abcdefg");
  EXPECT_EQ(Copy(s, kAbsent, kAbsent, Given(3)), "adg");
  EXPECT_EQ(Copy(s, kAbsent, kAbsent, Given(-1)), "gfedcba");
  EXPECT_EQ(Copy(s, Given(5), Given(1), Given(-2)), "fd");
  EXPECT_EQ(Copy(s, Given(100), Given(0), Given(-3)), "gd");
  EXPECT_EQ(Copy(s, Given(1), Given(-100), Given(-1)), "ba");
  EXPECT_EQ(Copy(s, Given(-1), Given(-1), Given(-1)), "");
  EXPECT_EQ(Copy(s, kAbsent, kAbsent, Given(kMin)), "g");
  EXPECT_EQ(Copy(s, Given(3), kAbsent, Given(kMax)), "d");
}

TEST(Slice, AgreesWithPythonOnEveryShortCase) {
  const std::string data = "0123456";
  for (int64_t length = 0; length <= 7; length++) {
    for (mm_optional start : BoundsFrom(-9, 9)) {
      for (mm_optional stop : BoundsFrom(-9, 9)) {
        for (mm_optional step : Steps()) {
          Indices python = PythonIndices(length, start, stop, step);
          mm_slice slice = mm_slice_resolve(length, start, stop, step);
          std::string what = Show(length, start, stop, step);
          ASSERT_EQ(slice.start, static_cast<int64_t>(python.start)) << what;
          ASSERT_EQ(slice.step, static_cast<int64_t>(python.step)) << what;
          std::vector<int64_t> elements = PythonElements(python);
          ASSERT_EQ(Elements(slice), elements) << what;
          std::string expected;
          for (int64_t at : elements) expected += data[static_cast<size_t>(at)];
          ASSERT_EQ(Copy(data.substr(0, static_cast<size_t>(length)), start, stop, step), expected)
              << what;
        }
      }
    }
  }
}

TEST(Slice, AgreesWithPythonAtTheEndsOf64Bits) {
  for (int64_t length : {int64_t{0}, int64_t{1}, int64_t{2}, kMax / 2, kMax - 1, kMax}) {
    for (mm_optional start : Extremes()) {
      for (mm_optional stop : Extremes()) {
        for (mm_optional step : Extremes()) {
          if (step.given && step.value == 0) continue;
          Indices python = PythonIndices(length, start, stop, step);
          mm_slice slice = mm_slice_resolve(length, start, stop, step);
          std::string what = Show(length, start, stop, step);
          ASSERT_EQ(slice.start, static_cast<int64_t>(python.start)) << what;
          ASSERT_EQ(slice.step, static_cast<int64_t>(python.step)) << what;
          ASSERT_EQ(slice.count, static_cast<int64_t>(PythonCount(python))) << what;
          if (slice.count == 0) continue;
          Wide last = Wide(slice.start) + Wide(slice.count - 1) * slice.step;
          ASSERT_TRUE(slice.start >= 0 && slice.start < length && last >= 0 && last < length)
              << what;
        }
      }
    }
  }
}

TEST(Slice, OfNothingTouchesNoMemory) {
  mm_slice_copy(mm_slice_resolve(0, kAbsent, kAbsent, kAbsent), nullptr, nullptr);
  mm_slice_copy(mm_slice_resolve(0, kAbsent, kAbsent, Given(-1)), nullptr, nullptr);
  mm_slice_copy(mm_slice_resolve(kMax, Given(5), Given(5), kAbsent), nullptr, nullptr);
}

TEST(Slice, BoundsOfASearchAreClampedLikeASlice) {
  std::vector<mm_optional> bounds = BoundsFrom(-9, 9);
  for (mm_optional extreme : Extremes()) bounds.push_back(extreme);
  for (int64_t length : {int64_t{0}, int64_t{1}, int64_t{4}, int64_t{7}, kMax - 1, kMax}) {
    for (mm_optional start : bounds) {
      for (mm_optional stop : bounds) {
        Indices python = PythonIndices(length, start, stop, kAbsent);
        int64_t from, to;
        bool past;
        mm_slice_bounds(length, start, stop, &from, &to, &past);
        std::string what = Show(length, start, stop, kAbsent);
        ASSERT_EQ(from, static_cast<int64_t>(python.start)) << what;
        ASSERT_EQ(to, static_cast<int64_t>(python.stop)) << what;
        ASSERT_EQ(past, start.given && start.value > length) << what;
      }
    }
  }
}

TEST(Slice, BoundsTellAStartAtTheEndFromOnePastIt) {
  int64_t from, to;
  bool past;
  mm_slice_bounds(3, Given(3), kAbsent, &from, &to, &past);
  EXPECT_EQ(from, 3);
  EXPECT_FALSE(past);
  mm_slice_bounds(3, Given(4), kAbsent, &from, &to, &past);
  EXPECT_EQ(from, 3);
  EXPECT_TRUE(past);
  mm_slice_bounds(3, Given(2), Given(1), &from, &to, &past);
  EXPECT_EQ(from, 2);
  EXPECT_EQ(to, 1);
  EXPECT_FALSE(past);
}

} // namespace
