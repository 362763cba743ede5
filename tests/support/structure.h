// A layout and a walk over bytes, as text: what the tests of both look at.
#ifndef MM_TESTS_STRUCTURE_H
#define MM_TESTS_STRUCTURE_H

extern "C" {
#include "core/bytes/layout.h"
#include "core/bytes/walk.h"
}

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mm_test {

// A name and a definition; an option has '=' at the end of its name, and `align=` and `endian=` are
// options, too.
using Parts = std::vector<std::pair<std::string, std::string>>;

class Structure {
public:
  explicit Structure(const Parts &parts) {
    static const char *const options[] = {"record=", "count=", "while=", "until=", "check="};
    int rc = MM_OK;
    std::string endian;
    for (const auto &[name, text] : parts) {
      int option = -1;
      for (int i = 0; i < MM_LAYOUT_OPTIONS; i++) {
        if (name == options[i]) option = i;
      }
      if (name == "align=") {
        layout_.align = strtoull(text.c_str(), nullptr, 0);
      } else if (name == "endian=") {
        endian = text;
      } else if (name == "eager=") {
        layout_.eager = true;
      } else if (option >= 0) {
        rc = mm_layout_set(&layout_, option, text.c_str(), &err_);
      } else {
        rc = mm_layout_add(&layout_, name.c_str(), text.c_str(), &err_);
      }
      if (rc) break;
    }
    rc_ = rc ? rc : mm_layout_finish(&layout_, !endian.empty(), endian == "be", &err_);
  }
  ~Structure() { mm_layout_clear(&layout_); }
  Structure(const Structure &) = delete;
  Structure &operator=(const Structure &) = delete;

  int rc() const { return rc_; }
  std::string error() const { return rc_ ? err_.text : "ok"; }
  const mm_layout *get() const { return &layout_; }

private:
  mm_layout layout_ = {};
  mm_error err_ = {};
  int rc_;
};

// What a definition is refused with, or "ok".
inline std::string Refused(const Parts &parts) {
  return Structure(parts).error();
}

inline std::string Show(const mm_value &value) {
  char text[32];
  bool is_bytes = value.kind == MM_VALUE_TEXT || value.kind == MM_VALUE_BLOB;
  std::string bytes(is_bytes ? reinterpret_cast<const char *>(value.data) : "",
                    is_bytes ? value.size : 0);
  switch (value.kind) {
    case MM_VALUE_NULL:
      return "NULL";
    case MM_VALUE_INTEGER:
      return std::to_string(value.integer);
    case MM_VALUE_REAL:
      snprintf(text, sizeof text, "%.15g", value.real);
      return text;
    case MM_VALUE_TEXT:
      return bytes;
    default:
      std::string hex = "x'";
      for (unsigned char byte : bytes) {
        snprintf(text, sizeof text, "%02x", byte);
        hex += text;
      }
      return hex + "'";
  }
}

// Exactly the bytes, so that a sanitizer sees one too many.
class Exact {
public:
  explicit Exact(const std::string &bytes)
      : memory_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    if (!bytes.empty()) memcpy(memory_.get(), bytes.data(), bytes.size());
  }
  const uint8_t *data() const { return memory_.get(); }
  uint64_t size() const { return size_; }

private:
  std::unique_ptr<uint8_t[]> memory_;
  uint64_t size_;
};

// A walk over bytes of its own.
class Walk {
public:
  Walk(const Structure &structure, const std::string &bytes, uint64_t start = 0,
       uint64_t stop = UINT64_MAX, bool big_endian = false)
      : bytes_(bytes) {
    rc = mm_walk_open(&walk, structure.get(), &err);
    walk.data = bytes_.data();
    walk.size = bytes_.size();
    if (rc == MM_OK) rc = mm_walk_begin(&walk, start, stop, big_endian, &err);
  }
  ~Walk() { mm_walk_close(&walk); }
  Walk(const Walk &) = delete;
  Walk &operator=(const Walk &) = delete;

  // Quickly where that is possible, as a scan does.
  int Step() {
    if (mm_walk_step_quick(&walk)) return rc = MM_OK;
    rc = mm_walk_step(&walk, &err);
    if (rc == MM_OK) mm_walk_quicken(&walk, UINT64_MAX);
    return rc;
  }
  // The columns of the record, or the sentence that says why there is none.
  std::string Value(size_t i) {
    mm_value value;
    return mm_walk_value(&walk, i, &value, &err) ? err.text : Show(value);
  }
  std::string Record() {
    std::string text;
    for (size_t i = 0; i < walk.layout->count; i++) text += (i ? "|" : "") + Value(i);
    return text;
  }
  // All records, a space between them; then '!' and what damage there is.
  std::string All() {
    std::string text;
    while (rc == MM_OK && Step() == MM_OK && !walk.done)
      text += (text.empty() ? "" : " ") + Record();
    if (rc) text += (text.empty() ? "! " : " ! ") + std::string(err.text);
    return text;
  }

  mm_walk walk = {};
  mm_error err = {};
  int rc;

private:
  Exact bytes_;
};

// The records of the bytes, as Walk::All.
inline std::string Records(const Parts &parts, const std::string &bytes, uint64_t start = 0,
                           uint64_t stop = UINT64_MAX, bool big_endian = false) {
  Structure structure(parts);
  return structure.rc() ? structure.error() : Walk(structure, bytes, start, stop, big_endian).All();
}

} // namespace mm_test

#endif
