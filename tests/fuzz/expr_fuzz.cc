// libFuzzer: core/bytes/expr.h beside SQLite, which is asked for the same expression over a row of an
// ordinary table. What is compiled is an expression to SQLite, too, and gives the same value; what is
// damage here is not compared, as the test of core does that. Nothing hangs or overflows the stack.
//
// The first byte says how the rest is read; then the values of the columns, and the text.
#include "tests/fuzz/fuzz.h"
#include "tests/support/expr_oracle.h"

namespace {

using mm_test::Answer;
using mm_test::CompiledExpr;
using mm_test::ExprRow;
using mm_test::kExprColumns;
using mm_test::Owned;

const char *const kPieces[] = {"i",         "j",
                               "s",         "u",
                               "b",         "c",
                               "n",         "0",
                               "1",         "2",
                               "-",         "+",
                               "*",         "/",
                               "%",         "||",
                               "&",         "|",
                               "<<",        ">>",
                               "<",         "<=",
                               ">",         ">=",
                               "=",         "<>",
                               "~",         "(",
                               ")",         ",",
                               " IS ",      " NOT ",
                               " IN(",      " AND ",
                               " OR ",      " BETWEEN ",
                               "NULL",      " TRUE ",
                               "CASE ",     " WHEN ",
                               " THEN ",    " ELSE ",
                               " END ",     "iif(",
                               "min(",      "max(",
                               "abs(",      "length(",
                               "coalesce(", "ifnull(",
                               "align(",    "oct(",
                               "'12'",      "'1.5'",
                               "x'31'",     "''",
                               "0x7f",      "9223372036854775807",
                               " ISNULL ",  " NOTNULL ",
                               "--",        "/*",
                               "*/",        "\n",
                               "\"i\"",     "[j]",
                               "IN()",      "DISTINCT FROM ",
                               "int(",      "16"};

Owned Value(mm_fuzz::Reader *in, int kind) {
  static const int64_t odd[] = {0, 1, -1, INT64_MIN, INT64_MAX, 12, 64, 1 << 20};
  static const char *const texts[] = {
      "", "0", "12", "1.5", "IEND", " 7 ", "-1e3", "a\xff", "9223372036854775808"};
  unsigned choice = in->Byte();
  if (choice % 8 == 0) return {};
  if (kind == MM_EXPR_UNKNOWN) {
    kind = choice % 3 == 0 ? MM_VALUE_INTEGER : choice % 3 == 1 ? MM_VALUE_TEXT : MM_VALUE_BLOB;
  }
  std::string bytes = choice & 16 ? in->Bytes(in->Byte() % 24) : texts[choice / 32];
  if (kind == MM_VALUE_INTEGER) return Owned::Of(odd[choice / 32]);
  return kind == MM_VALUE_TEXT ? Owned::Text(bytes) : Owned::Blob(bytes);
}

void Run(const std::string &text, const ExprRow &row) {
  static mm_test::ExprOracle oracle;
  CompiledExpr expr(text);
  CHECK(expr.rc() == MM_OK || expr.rc() == MM_ERROR);
  if (expr.rc()) return;
  Answer mine = expr.Evaluate(row);
  CHECK(mine.rc == MM_OK || mine.rc == MM_DAMAGED);
  oracle.SetRows({row});
  std::vector<Answer> answers = oracle.Ask(text);
  CHECK(answers.size() == 1);
  if (answers[0].rc) {
    const std::string &error = answers[0].error;
    // SQLite, too, bounds what is nested, by its own measure.
    CHECK(error == "damage" || error == "integer overflow" || error == "parser stack overflow");
  } else if (mine.rc == MM_OK && !(mine.value == answers[0].value)) {
    fprintf(stderr, "%s\n%s, not %s\n", text.c_str(), mine.value.Show().c_str(),
            answers[0].value.Show().c_str());
    abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  ExprRow row;
  for (const auto &column : kExprColumns) row.push_back(Value(&in, column.kind));
  std::string text = in.Rest();
  Run(how & 1 ? mm_fuzz::Spell(kPieces, text) : text, row);
  return 0;
}
