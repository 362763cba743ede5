// The table `mmap`, a byte a row: as a table-valued function and as a created table, beside an
// ordinary table of the same rows.
#include "tests/support/sql.h"

#include <random>

namespace mm_test {
namespace {

class TableBytes : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789");
    Put("b", "bbbb");
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('a')");
  }
};

// ---- SELECT

TEST_F(TableBytes, IsARowAByte) {
  EXPECT_EQ(Rows("SELECT * FROM mmap('b')"), "0|98\n1|98\n2|98\n3|98");
  EXPECT_EQ(Rows("SELECT rowid, offset, byte, file FROM mmap('a') LIMIT 1 OFFSET 9"), "9|9|57|a");
  EXPECT_EQ(Rows("SELECT rowid, * FROM t WHERE offset > 7"), "8|8|56\n9|9|57");
  EXPECT_EQ(One("SELECT count(*), sum(byte) FROM mmap('a')"), "10|525");
}

TEST_F(TableBytes, AnEmptyFileAndANullHaveNoRows) {
  Put("e", "");
  EXPECT_EQ(Rows("SELECT * FROM mmap('e')"), "");
  EXPECT_EQ(Rows("SELECT * FROM mmap(NULL)"), "");
  EXPECT_EQ(One("SELECT count(*), max(offset) FROM mmap('e')"), "0|NULL");
}

TEST_F(TableBytes, NeedsAFile) {
  EXPECT_EQ(Error("SELECT * FROM mmap"),
            "ERROR mmap: the file is missing: mmap(file) or WHERE file = …");
  EXPECT_EQ(Error("SELECT * FROM mmap(1.5)"),
            "ERROR mmap: file 1.5 is neither a path (TEXT) nor a handle (INTEGER)");
  EXPECT_EQ(Error("UPDATE mmap SET byte = 0"),
            "ERROR mmap: the file is missing: mmap(file) or WHERE file = …");
}

TEST_F(TableBytes, AHandleShowsItsWindow) {
  Run("SELECT mmap_open('a', 'read', 3, 4)");
  EXPECT_EQ(Rows("SELECT rowid, offset, byte, file FROM mmap(1)"), "0|0|52|1\n1|1|53|1\n2|2|54|1");
}

TEST_F(TableBytes, ATableWithAnOffsetCountsFromTheStartOfTheFile) {
  Run("CREATE VIRTUAL TABLE temp.w USING mmap('a', offset=4, length=0x3)");
  EXPECT_EQ(Rows("SELECT rowid, offset, byte FROM w"), "4|4|52\n5|5|53\n6|6|54");
  EXPECT_EQ(Rows("SELECT byte FROM w WHERE offset = 5"), "53");
  EXPECT_EQ(Rows("SELECT byte FROM w WHERE rowid <= 4"), "52");
  Run("UPDATE w SET byte = 65 WHERE offset = 4; UPDATE w SET byte = 66 WHERE offset IN (3, 6, 7)");
  EXPECT_EQ(Get("a"), "0123A5B789");
}

TEST_F(TableBytes, JoinsOverSeveralFiles) {
  EXPECT_EQ(
      Rows("SELECT f.column1, count(*) FROM (VALUES('a'), ('b')) AS f, mmap(f.column1) GROUP BY 1"),
      "a|10\nb|4");
  EXPECT_EQ(One("SELECT count(*) FROM mmap('a') AS x JOIN mmap('b') AS y ON x.offset = y.offset"),
            "4");
  EXPECT_EQ(Rows("SELECT offset, byte FROM mmap WHERE file IN ('a', 'b') AND offset = 3"),
            "3|51\n3|98");
  EXPECT_EQ(One("SELECT count(*) FROM t AS x, t AS y"), "100");
}

// Every constraint, in both orders, as an ordinary table answers it.
TEST_F(TableBytes, ConstraintsAnswerAsAnOrdinaryTable) {
  std::string bytes;
  for (int i = 0; i < 60; i++) bytes += static_cast<char>(i * 7);
  Put("a", bytes);
  Run("CREATE TABLE plain(offset INTEGER PRIMARY KEY, byte INTEGER); INSERT INTO plain SELECT "
      "offset, byte FROM mmap('a')");
  const char *const kValues[] = {"0",
                                 "-1",
                                 "1",
                                 "59",
                                 "60",
                                 "35",
                                 "2.5",
                                 "-0.5",
                                 "1e300",
                                 "-1e300",
                                 "'10'",
                                 "'x'",
                                 "''",
                                 "x'31'",
                                 "NULL",
                                 "9223372036854775807",
                                 "-9223372036854775807 - 1",
                                 "9.3e18",
                                 "255",
                                 "256",
                                 "'10.5'",
                                 "10.0"};
  for (const char *column : {"offset", "rowid", "byte"}) {
    for (const char *op : {"=", "<", "<=", ">", ">=", "IS", "<>", "IS NOT"}) {
      for (const char *value : kValues) {
        for (const char *order :
             {"", " ORDER BY offset DESC", " ORDER BY rowid LIMIT 3 OFFSET 1"}) {
          std::string where = " WHERE " + std::string(column) + " " + op + " " + value + order;
          std::string expected = Rows("SELECT offset, byte FROM plain" + where);
          ASSERT_EQ(Rows("SELECT offset, byte FROM mmap('a')" + where), expected) << where;
          ASSERT_EQ(Rows("SELECT offset, byte FROM t" + where), expected) << where;
        }
      }
    }
  }
}

TEST_F(TableBytes, RandomQueriesAnswerAsAnOrdinaryTable) {
  std::mt19937 random(11);
  std::string bytes;
  for (int i = 0; i < 200; i++) bytes += static_cast<char>(random() % 5);
  Put("a", bytes);
  Run("CREATE TABLE plain(offset INTEGER PRIMARY KEY, byte INTEGER); INSERT INTO plain SELECT "
      "offset, byte FROM mmap('a')");
  static const char *const kColumns[] = {"offset", "rowid", "byte", "offset", "byte + 0"};
  static const char *const kOperators[] = {"=", "<", "<=", ">", ">=", "<>"};
  static const char *const kOrders[] = {" ORDER BY +offset",
                                        " ORDER BY offset",
                                        " ORDER BY offset DESC",
                                        " ORDER BY byte, offset",
                                        " ORDER BY rowid DESC LIMIT 5",
                                        " ORDER BY offset LIMIT 7",
                                        " ORDER BY rowid LIMIT 4 OFFSET 3"};
  for (int i = 0; i < 600; i++) {
    std::string where = " WHERE 1";
    for (size_t n = random() % 4; n > 0; n--) {
      const char *column = kColumns[random() % 5];
      int64_t value = column[0] == 'b' ? static_cast<int64_t>(random() % 7) - 1
                                       : static_cast<int64_t>(random() % 220) - 10;
      where += " AND " + std::string(column) + " ";
      if (random() % 5 == 0) {
        where += "IN (" + std::to_string(value) + ", 3, " + std::to_string(value + 2) + ")";
      } else {
        where +=
            kOperators[random() % 6] + (" " + std::to_string(value)) + (random() % 8 ? "" : ".5");
      }
    }
    where += kOrders[random() % 7];
    ASSERT_EQ(Rows("SELECT offset, byte FROM mmap('a')" + where),
              Rows("SELECT offset, byte FROM plain" + where))
        << where;
  }
}

// ---- bytes that are found ahead of their rows, a page at a time

TEST_F(TableBytes, BytesThatComeOftenAreFoundAsInAnOrdinaryTable) {
  std::mt19937 random(12);
  std::string bytes;
  while (bytes.size() < 60000) {
    // Some thick, some thin, some not at all.
    size_t stretch = random() % 9000, rarity = random() % 4 ? 1 + random() % 100 : 5000;
    for (size_t i = 0; i < stretch; i++) bytes += random() % rarity ? 'x' : "abcd"[random() % 4];
  }
  Put("a", bytes);
  Run("CREATE TABLE plain(offset INTEGER PRIMARY KEY, byte INTEGER); INSERT INTO plain SELECT "
      "offset, byte FROM mmap('a')");
  for (const char *where :
       {"byte = 97", "byte < 100", "byte BETWEEN 98 AND 99", "byte >= 97", "byte IN (97, 99)",
        "byte = 98 AND offset > 12345", "byte = 98 AND offset BETWEEN 4096 AND 50000",
        "byte < 120 AND offset IN (1, 2, 3, 5000)", "byte = 120", "byte = 1",
        "byte > 97 AND (offset < 9000 OR offset > 30000)"}) {
    for (const char *rest : {"", " LIMIT 1000", " LIMIT 700 OFFSET 5"}) {
      for (const char *order : {" ORDER BY offset", " ORDER BY offset DESC"}) {
        auto sums = [&](const char *table) {
          return Rows("SELECT count(*), sum(offset), sum(byte * (offset % 1009)) FROM (SELECT "
                      "offset, byte FROM " +
                      std::string(table) + " WHERE " + where + order + rest + ")");
        };
        ASSERT_EQ(sums("mmap('a')"), sums("plain")) << where << order << rest;
      }
    }
  }
}

// Also if the file becomes as long again at once.
TEST_F(TableBytes, ARowThatItsOwnStatementCutsAwayIsGone) {
  Put("g", "");
  Run("CREATE VIRTUAL TABLE temp.g USING mmap('g', x u16le, y i8)");
  for (const char *begin : {"", "BEGIN"}) {
    Put("g", "AB\x01"
             "CD\x02"
             "EF\xff"
             "GH\x04");
    Run(begin);
    EXPECT_EQ(Rows("SELECT x, iif(offset = 6, mmap_resize('g', 8), 0) IS NULL, y FROM g"),
              "16961|0|1\n17475|0|2\n17989|0|NULL")
        << begin;
    EXPECT_EQ(Rows("SELECT x, iif(rowid = 1, mmap_resize('g', 2), 0) IS NULL, y,"
                   " iif(rowid = 1, mmap_resize('g', 9), 0) IS NULL, x FROM g"),
              "16961|0|1|0|16961\n17475|0|NULL|0|NULL")
        << begin;
    if (*begin) Run("COMMIT");
    EXPECT_EQ(Get("g"), std::string("AB") + std::string(7, '\0')) << begin;
  }
}

// A statement that writes the table reads it as others do.
TEST_F(TableBytes, AnUpdateMayReadWhatItDoesNotSet) {
  const std::string rest("\x00\x00\xc0\xff\x02\x00\x00\x80\x3f", 9);
  Put("g", "\xff" + rest);
  Run("CREATE VIRTUAL TABLE temp.g USING mmap('g', record=5, x u8, y i8 @0, z f32le @1)");
  Run("UPDATE g SET x = 7 WHERE y = -1");
  EXPECT_EQ(Rows("SELECT x, y, z FROM g"), "7|7|NULL\n2|2|1.0");
  Run("BEGIN; UPDATE g SET x = y + 1; ROLLBACK");
  EXPECT_EQ(Get("g"), "\x07" + rest);
}

// Rows are there or not as the bytes are when a scan gets to them, whatever was found ahead.
TEST_F(TableBytes, AScanSeesTheBytesThatWereWrittenMeanwhile) {
  for (bool descending : {false, true}) {
    for (const char *change :
         {"SELECT mmap_patch('a', 0, ?1)", "UPDATE t SET byte = 99 - (offset / 3) % 2",
          "SELECT mmap_resize('a', 20000)", "DELETE FROM t WHERE offset % 5 = 1",
          "SAVEPOINT s; UPDATE t SET byte = 99; ROLLBACK TO s"}) {
      std::string bytes;
      for (int i = 0; i < 30000; i++) bytes += i % 3 ? 'b' : 'c';
      Put("d", bytes);
      std::string sql = change;
      if (sql.find("?1") != std::string::npos) {
        sql.replace(sql.find("?1"), 2, "CAST(replace(hex(zeroblob(15000)), '0', 'b') AS BLOB)");
      }
      for (size_t at; (at = sql.find("'a'")) != std::string::npos;) sql.replace(at, 3, "'d'");
      for (size_t at; (at = sql.find(" t ")) != std::string::npos;) sql.replace(at, 3, " u ");
      Run("DROP TABLE IF EXISTS u");
      Run("CREATE VIRTUAL TABLE temp.u USING mmap('d', delete=yes); BEGIN");
      std::string scan = "SELECT offset FROM u WHERE byte = 99 ORDER BY offset";
      sqlite3_stmt *statement = nullptr;
      if (descending) scan += " DESC";
      ASSERT_EQ(sqlite3_prepare_v2(*db, scan.c_str(), -1, &statement, nullptr), SQLITE_OK);
      int64_t last = 0, seen = 0, sum = 0;
      for (int i = 0; i < 500; i++) {
        ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
        last = sqlite3_column_int64(statement, 0);
      }
      Run(sql);
      std::string expected =
          One("SELECT count(*), total(offset) FROM u WHERE +byte = 99 AND +offset " +
              std::string(descending ? "< " : "> ") + std::to_string(last));
      while (sqlite3_step(statement) == SQLITE_ROW) {
        int64_t offset = sqlite3_column_int64(statement, 0);
        EXPECT_TRUE(descending ? offset < last : offset > last) << change;
        last = offset;
        sum += offset;
        seen++;
      }
      EXPECT_EQ(sqlite3_finalize(statement), SQLITE_OK) << sqlite3_errmsg(*db);
      EXPECT_EQ(std::to_string(seen) + "|" + std::to_string(sum) + ".0", expected)
          << change << descending;
      Run("ROLLBACK");
    }
  }
}

// Nobody waits for a reader here: what another connection commits meanwhile shows at once, and no row is
// of a byte that the statement did not ask for.
TEST_F(TableBytes, AScanSeesTheBytesThatOthersHaveCommittedMeanwhile) {
  for (const char *order : {"", " DESC"}) {
    std::string bytes;
    for (int i = 0; i < 30000; i++) bytes += i % 3 ? 'b' : 'c';
    Put("o", bytes);
    std::string scan = "SELECT offset, byte FROM mmap('o') WHERE byte = 99 ORDER BY offset";
    sqlite3_stmt *statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(*db, (scan + order).c_str(), -1, &statement, nullptr), SQLITE_OK);
    for (int i = 0; i < 500; i++) ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    Db other;
    other.Run(
        "SELECT mmap_patch('o', 0, zeroblob(15000)), mmap_patch('o', 15600, zeroblob(14400))");
    int64_t seen = 0, first = 0;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      if (seen++ == 0) first = sqlite3_column_int64(statement, 0);
      EXPECT_EQ(sqlite3_column_int64(statement, 1), 99) << sqlite3_column_int64(statement, 0);
    }
    EXPECT_EQ(sqlite3_finalize(statement), SQLITE_OK) << sqlite3_errmsg(*db);
    EXPECT_EQ(seen, 200) << order;
    EXPECT_EQ(first, *order ? 15597 : 15000);
  }
}

// ---- bounds: work in proportion to the rows, not to the file

TEST_F(TableBytes, BoundsKeepTheWorkSmall) {
  Put("big", std::string(1 << 20, 'x') + "end");
  for (const char *from : {"mmap('big')", "big"}) {
    Run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.big USING mmap('big')");
    for (const char *rest :
         {"offset = 1000000", "offset BETWEEN 5 AND 9", "rowid = 7", "rowid > 1048570",
          "byte = 101", "byte > 120", "offset IN (1, 1000, 1000000)",
          "1 ORDER BY offset DESC LIMIT 3", "1 ORDER BY rowid DESC LIMIT 3", "1 LIMIT 3",
          "offset < 0", "byte = 256", "offset = 1.5", "offset > 'x'", "offset = NULL"}) {
      std::string sql = "SELECT offset, byte FROM " + std::string(from) + " WHERE " + rest;
      EXPECT_LT(db->Steps(sql), 300) << sql;
    }
  }
  EXPECT_LT(db->Steps("UPDATE mmap SET byte = 65 WHERE file = 'big' AND offset = 500000"), 100);
  EXPECT_LT(db->Steps("UPDATE big SET byte = 65 WHERE rowid = 500000"), 100);
}

TEST_F(TableBytes, OrdersByOffsetWithoutSorting) {
  for (const char *order : {"offset", "offset DESC", "rowid", "rowid DESC"}) {
    std::string plan = db->Plan("SELECT * FROM t ORDER BY " + std::string(order));
    EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
  }
  EXPECT_NE(db->Plan("SELECT * FROM t ORDER BY byte").find("TEMP B-TREE"), std::string::npos);
}

// ---- UPDATE

TEST_F(TableBytes, UpdateSetsBytes) {
  Run("UPDATE mmap SET byte = 0x41 WHERE file = 'a' AND offset = 0; UPDATE mmap SET byte = '66' "
      "WHERE file = 'a' AND offset = 1;"
      "UPDATE mmap SET byte = 67.0 WHERE file = 'a' AND rowid = 2; UPDATE t SET byte = byte + 20 "
      "WHERE byte = 51");
  EXPECT_EQ(Get("a"), "ABCG456789");
  Run("UPDATE t SET byte = 48 WHERE byte > 60");
  EXPECT_EQ(Get("a"), "0000456789");
  EXPECT_EQ(One("SELECT changes()"), "4");
}

TEST_F(TableBytes, UpdateByHandleAndOverSeveralFiles) {
  Run("SELECT mmap_open('a', 'write', 4, 3); UPDATE mmap SET byte = 120 WHERE file = 1 AND offset "
      ">= 2");
  EXPECT_EQ(Get("a"), "01234xx789");
  Run("UPDATE mmap SET byte = 33 WHERE file IN ('a', 'b') AND offset = 2");
  EXPECT_EQ(Get("a") + Get("b"), "01!34xx789bb!b");
  EXPECT_EQ(One("SELECT changes()"), "2");
}

TEST_F(TableBytes, UpdateFromAnotherTable) {
  if (sqlite3_libversion_number() < 3033000) GTEST_SKIP() << "it came with SQLite 3.33";
  Run("CREATE TABLE p(path, at, value); INSERT INTO p VALUES('a', 1, 65), ('b', 0, 66), ('a', 9, "
      "67);"
      "UPDATE mmap SET byte = p.value FROM p WHERE mmap.file = p.path AND mmap.offset = p.at");
  EXPECT_EQ(Get("a") + Get("b"), "0A2345678CBbbb");
  Run("UPDATE mmap SET byte = (SELECT max(value) FROM p) WHERE file = 'b' AND offset IN (SELECT at "
      "FROM p)");
  EXPECT_EQ(Get("b"), "CCbb");
}

TEST_F(TableBytes, UpdateReadingTheSameFile) {
  Run("UPDATE t SET byte = (SELECT y.byte FROM mmap('a') AS y WHERE y.offset = 9 - t.offset) WHERE "
      "offset < 5");
  EXPECT_EQ(Get("a"), "9876556789");
}

TEST_F(TableBytes, OffsetRowidAndFileCannotBeSet) {
  for (const char *sql :
       {"UPDATE mmap SET offset = 5 WHERE file = 'a' AND offset = 0",
        "UPDATE t SET offset = 5 WHERE offset = 0",
        "UPDATE mmap SET rowid = 5 WHERE file = 'a' AND offset = 0",
        "UPDATE t SET rowid = 5 WHERE offset = 0", "UPDATE mmap SET file = 'b' WHERE file = 'a'",
        "UPDATE mmap SET file = 'a' WHERE file = 'a'",
        "UPDATE mmap SET offset = offset + 1, byte = 1 WHERE file = 'a'"}) {
    EXPECT_NE(Error(sql), "ok") << sql;
  }
  EXPECT_EQ(Get("a"), "0123456789");
  EXPECT_EQ(Get("b"), "bbbb");
}

TEST_F(TableBytes, ValuesThatDoNotFitAreConstraintErrors) {
  for (const char *value : {"256", "-1", "1.5", "'x'", "x'41'", "NULL"}) {
    for (const char *where : {"mmap SET byte = # WHERE file = 'a'", "t SET byte = #"}) {
      std::string sql = where;
      sql.replace(sql.find('#'), 1, value);
      EXPECT_EQ(Error("UPDATE " + sql).substr(0, 11), "CONSTRAINT ") << sql;
    }
  }
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(TableBytes, OrIgnorePassesOverWhatDoesNotFit) {
  Run("UPDATE OR IGNORE mmap SET byte = offset * 30 WHERE file = 'a'");
  EXPECT_EQ(Get("a"), std::string("\x00\x1e\x3c\x5a\x78\x96\xb4\xd2\xf0", 9) + "9");
  Run("UPDATE OR IGNORE t SET byte = CASE WHEN offset % 2 THEN 65 ELSE 999 END");
  EXPECT_EQ(Get("a"), std::string("\x00"
                                  "A\x3c"
                                  "A\x78"
                                  "A\xb4"
                                  "A\xf0"
                                  "A",
                                  10));
}

TEST_F(TableBytes, OrFailKeepsWhatCameBefore) {
  EXPECT_NE(Error("UPDATE OR FAIL t SET byte = CASE WHEN offset = 5 THEN 999 ELSE 65 END"), "ok");
  EXPECT_EQ(Get("a"), "AAAAA56789");
}

TEST_F(TableBytes, TheFunctionFormTakesNoRows) {
  EXPECT_NE(Error("INSERT INTO mmap(byte) VALUES(1)"), "ok");
  EXPECT_NE(Error("INSERT INTO mmap(file, byte) VALUES('a', 1)"), "ok");
  EXPECT_NE(Error("DELETE FROM mmap WHERE file = 'a'"), "ok");
  EXPECT_EQ(Get("a"), "0123456789");
}

// ---- INSERT

TEST_F(TableBytes, InsertAppends) {
  Run("INSERT INTO t(byte) VALUES(65), (66); INSERT INTO t VALUES(12, 67); INSERT INTO t(offset) "
      "VALUES(NULL);"
      "INSERT INTO t(rowid, byte) VALUES(14, 68); INSERT INTO t DEFAULT VALUES");
  EXPECT_EQ(Get("a"), std::string("0123456789ABC\0D\0", 16));
  EXPECT_EQ(One("SELECT last_insert_rowid()"), "15");
}

TEST_F(TableBytes, InsertElsewhereIsAConstraintError) {
  for (const char *values :
       {"(offset, byte) VALUES(9, 1)", "(offset, byte) VALUES(11, 1)", "(rowid, byte) VALUES(0, 1)",
        "(byte) VALUES(256)", "(byte) VALUES('x')"}) {
    EXPECT_EQ(Error("INSERT INTO t" + std::string(values)).substr(0, 11), "CONSTRAINT ") << values;
  }
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(TableBytes, InsertFromASelectOfTheSameFileEnds) {
  Run("INSERT INTO t(byte) SELECT byte FROM mmap('a') WHERE offset < 3");
  EXPECT_EQ(Get("a"), "0123456789012");
  Run("INSERT INTO t(byte) SELECT byte FROM t");
  EXPECT_EQ(Get("a"), "01234567890120123456789012");
}

TEST_F(TableBytes, AReadTableTakesNothing) {
  Run("CREATE VIRTUAL TABLE temp.r USING mmap('a', access=read)");
  for (const char *sql : {"UPDATE r SET byte = 1", "INSERT INTO r(byte) VALUES(1)"}) {
    EXPECT_EQ(Error(sql), "READONLY r: the table has access=read");
  }
}

// ---- CREATE VIRTUAL TABLE

TEST_F(TableBytes, WrongOptionsAreNamed) {
  EXPECT_EQ(
      Error("CREATE VIRTUAL TABLE x USING mmap('a', colour=red)"),
      "ERROR mmap: unknown option 'colour': there are access, delete, offset, length, record, "
      "sorted, synchronous, count, while, until, check, align, endian, partial");
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE x USING mmap('a', offset=1, offset=2)"),
            "ERROR mmap: option 'offset' is given twice");
  for (const char *arguments :
       {"", "'a', offset=-1", "'a', offset=11", "'a', length=11", "'a', length=x",
        "'a', access=all", "'missing'", "'.'", "'a', sorted=nothing"}) {
    EXPECT_NE(Error("CREATE VIRTUAL TABLE x USING mmap(" + std::string(arguments) + ")"), "ok")
        << arguments;
  }
  EXPECT_EQ(Error("SELECT * FROM x"), "ERROR no such table: x");
}

TEST_F(TableBytes, AccessCreateMakesTheFile) {
  Run("CREATE VIRTUAL TABLE x USING mmap('new', access=create); INSERT INTO x(byte) VALUES(65)");
  EXPECT_EQ(Get("new"), "A");
}

TEST_F(TableBytes, ACopyTableKeepsItsWritesToItself) {
  Run("CREATE VIRTUAL TABLE temp.c USING mmap('a', access=copy); UPDATE c SET byte = 65 WHERE "
      "offset < 2");
  EXPECT_EQ(Rows("SELECT byte FROM c LIMIT 3"), "65\n65\n50");
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(TableBytes, ATableCanBeRenamed) {
  Run("ALTER TABLE t RENAME TO u; UPDATE u SET byte = 65 WHERE offset = 0");
  EXPECT_EQ(Get("a"), "A123456789");
}

} // namespace
} // namespace mm_test
