// How long core/bytes/expr.h takes to evaluate what stands in the description of a structure, beside
// the same in C, called through a pointer as an evaluation is, with values from the same function.
//
//   expr_bench [--benchmark_filter=REGEX]
extern "C" {
#include "core/bytes/expr.h"
}

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// A record: length, kind (text), flags, pad (NULL).
struct Record {
  int64_t length = 1000, flags = 5;
  const char *kind = "IEND";
};

enum { LENGTH, KIND, FLAGS, PAD };

int Bind(void *, const char *name, mm_expr_name *out, mm_error *err) {
  static const struct {
    const char *name;
    mm_expr_name slot;
  } names[] = {{"length", {LENGTH, MM_VALUE_INTEGER}},
               {"kind", {KIND, MM_VALUE_TEXT}},
               {"flags", {FLAGS, MM_VALUE_INTEGER}},
               {"pad", {PAD, MM_VALUE_INTEGER}}};
  for (const auto &one : names) {
    if (strcmp(name, one.name) == 0) return *out = one.slot, static_cast<int>(MM_OK);
  }
  return mm_fail(err, MM_ERROR, "there is no %s", name);
}

int Get(void *context, int slot, mm_value *value, mm_error *) {
  const auto *record = static_cast<const Record *>(context);
  value->kind = MM_VALUE_INTEGER;
  if (slot == LENGTH) value->integer = record->length;
  if (slot == FLAGS) value->integer = record->flags;
  if (slot == PAD) value->kind = MM_VALUE_NULL;
  if (slot == KIND) {
    value->kind = MM_VALUE_TEXT;
    value->data = reinterpret_cast<const uint8_t *>(record->kind);
    value->size = 4;
  }
  return MM_OK;
}

mm_expr *Compile(const char *text) {
  mm_expr *expr;
  mm_error err;
  if (mm_expr_compile(text, strlen(text), Bind, nullptr, &expr, &err)) {
    fprintf(stderr, "%s\n", err.text);
    std::abort();
  }
  return expr;
}

void Evaluate(benchmark::State &state, const char *text) {
  Record record;
  mm_expr *expr = Compile(text);
  mm_expr_frame frame = {};
  frame.get = Get;
  frame.context = &record;
  mm_error err;
  for (auto _ : state) {
    mm_value value;
    mm_expr_frame_reset(&frame);
    if (mm_expr_eval(expr, &frame, &value, &err)) std::abort();
    benchmark::DoNotOptimize(value);
    benchmark::DoNotOptimize(record);
  }
  mm_expr_frame_free(&frame);
  mm_expr_free(expr);
}

// What "length - 4" is in C.
int InC(const Record *record, mm_value *value, mm_error *err) {
  mm_value length;
  int rc = Get(const_cast<Record *>(record), LENGTH, &length, err);
  if (rc) return rc;
  value->kind = MM_VALUE_INTEGER;
  return __builtin_sub_overflow(length.integer, 4, &value->integer);
}

void EvaluateInC(benchmark::State &state) {
  Record record;
  mm_error err;
  auto *call = InC;
  benchmark::DoNotOptimize(call);
  for (auto _ : state) {
    mm_value value;
    if (call(&record, &value, &err)) std::abort();
    benchmark::DoNotOptimize(value);
    benchmark::DoNotOptimize(record);
  }
}

void CompileOnly(benchmark::State &state, const char *text) {
  for (auto _ : state) mm_expr_free(Compile(text));
}

const char *const kExpressions[] = {
    "12",
    "length",
    "length - 4",
    "length * 2",
    "align(length, 2) + 8",
    "length + flags",
    "kind = 'IEND'",
    "flags & 4 = 0",
    "length > 4 AND kind <> 'IHDR'",
    "CASE flags WHEN 1 THEN 4 WHEN 5 THEN length ELSE 0 END",
    "CASE WHEN flags & 1 THEN align(length, 4) ELSE length END",
    "coalesce(pad, length)",
    "flags IN (1, 2, 3, 4, 5)",
    "length BETWEEN 1 AND 4096",
    "kind || flags",
};

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RegisterBenchmark("in C: length - 4", EvaluateInC);
  for (const char *text : kExpressions) {
    benchmark::RegisterBenchmark(text, [text](auto &state) { Evaluate(state, text); });
  }
  const char *compiled = "CASE WHEN flags & 1 THEN align(length, 4) ELSE length END";
  benchmark::RegisterBenchmark("compile", [=](auto &state) { CompileOnly(state, compiled); });
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
