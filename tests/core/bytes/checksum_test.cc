// Checksums and digests against their published check values, and CRCs against long division.

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/checksum.h"
#include "core/bytes/crc.h"
}

namespace {

using std::string;

mm_checksum Sum(const string &name, const string &data, const mm_watch *watch = nullptr) {
  mm_checksum_kind *kind;
  mm_checksum sum = {};
  mm_error err;
  EXPECT_EQ(mm_checksum_find(name.c_str(), &kind, &err), MM_OK) << name;
  EXPECT_EQ(mm_checksum_of(kind, reinterpret_cast<const uint8_t *>(data.data()), data.size(), 1,
                           watch, &sum, &err),
            MM_OK);
  mm_checksum_free(kind);
  return sum;
}

string Hex(const string &name, const string &data) {
  static const char digits[] = "0123456789abcdef";
  mm_checksum sum = Sum(name, data);
  string hex;
  for (unsigned i = 0; i < sum.size; i++) {
    hex += digits[sum.bytes[i] >> 4];
    hex += digits[sum.bytes[i] & 15];
  }
  return hex;
}

// The catalogue's own check values: those of "123456789".
const struct {
  const char *name;
  uint64_t check;
} kChecks[] = {
    {"crc-3/gsm", 0x4},
    {"crc-3/rohc", 0x6},
    {"crc-4/g-704", 0x7},
    {"crc-4/interlaken", 0xb},
    {"crc-5/epc-c1g2", 0x0},
    {"crc-5/g-704", 0x7},
    {"crc-5/usb", 0x19},
    {"crc-6/cdma2000-a", 0xd},
    {"crc-6/cdma2000-b", 0x3b},
    {"crc-6/darc", 0x26},
    {"crc-6/g-704", 0x6},
    {"crc-6/gsm", 0x13},
    {"crc-7/mmc", 0x75},
    {"crc-7/rohc", 0x53},
    {"crc-7/umts", 0x61},
    {"crc-8/autosar", 0xdf},
    {"crc-8/bluetooth", 0x26},
    {"crc-8/cdma2000", 0xda},
    {"crc-8/darc", 0x15},
    {"crc-8/dvb-s2", 0xbc},
    {"crc-8/gsm-a", 0x37},
    {"crc-8/gsm-b", 0x94},
    {"crc-8/hitag", 0xb4},
    {"crc-8/i-432-1", 0xa1},
    {"crc-8/i-code", 0x7e},
    {"crc-8/lte", 0xea},
    {"crc-8/maxim-dow", 0xa1},
    {"crc-8/mifare-mad", 0x99},
    {"crc-8/nrsc-5", 0xf7},
    {"crc-8/opensafety", 0x3e},
    {"crc-8/rohc", 0xd0},
    {"crc-8/sae-j1850", 0x4b},
    {"crc-8/smbus", 0xf4},
    {"crc-8/tech-3250", 0x97},
    {"crc-8/wcdma", 0x25},
    {"crc-10/atm", 0x199},
    {"crc-10/cdma2000", 0x233},
    {"crc-10/gsm", 0x12a},
    {"crc-11/flexray", 0x5a3},
    {"crc-11/umts", 0x61},
    {"crc-12/cdma2000", 0xd4d},
    {"crc-12/dect", 0xf5b},
    {"crc-12/gsm", 0xb34},
    {"crc-12/umts", 0xdaf},
    {"crc-13/bbc", 0x4fa},
    {"crc-14/darc", 0x82d},
    {"crc-14/gsm", 0x30ae},
    {"crc-15/can", 0x59e},
    {"crc-15/mpt1327", 0x2566},
    {"crc-16/arc", 0xbb3d},
    {"crc-16/cdma2000", 0x4c06},
    {"crc-16/cms", 0xaee7},
    {"crc-16/dds-110", 0x9ecf},
    {"crc-16/dect-r", 0x7e},
    {"crc-16/dect-x", 0x7f},
    {"crc-16/dnp", 0xea82},
    {"crc-16/en-13757", 0xc2b7},
    {"crc-16/genibus", 0xd64e},
    {"crc-16/gsm", 0xce3c},
    {"crc-16/ibm-3740", 0x29b1},
    {"crc-16/ibm-sdlc", 0x906e},
    {"crc-16/iso-iec-14443-3-a", 0xbf05},
    {"crc-16/kermit", 0x2189},
    {"crc-16/lj1200", 0xbdf4},
    {"crc-16/m17", 0x772b},
    {"crc-16/maxim-dow", 0x44c2},
    {"crc-16/mcrf4xx", 0x6f91},
    {"crc-16/modbus", 0x4b37},
    {"crc-16/nrsc-5", 0xa066},
    {"crc-16/opensafety-a", 0x5d38},
    {"crc-16/opensafety-b", 0x20fe},
    {"crc-16/profibus", 0xa819},
    {"crc-16/riello", 0x63d0},
    {"crc-16/spi-fujitsu", 0xe5cc},
    {"crc-16/t10-dif", 0xd0db},
    {"crc-16/teledisk", 0xfb3},
    {"crc-16/tms37157", 0x26b1},
    {"crc-16/umts", 0xfee8},
    {"crc-16/usb", 0xb4c8},
    {"crc-16/xmodem", 0x31c3},
    {"crc-17/can-fd", 0x4f03},
    {"crc-21/can-fd", 0xed841},
    {"crc-24/ble", 0xc25a56},
    {"crc-24/flexray-a", 0x7979bd},
    {"crc-24/flexray-b", 0x1f23b8},
    {"crc-24/interlaken", 0xb4f3e6},
    {"crc-24/lte-a", 0xcde703},
    {"crc-24/lte-b", 0x23ef52},
    {"crc-24/openpgp", 0x21cf02},
    {"crc-24/os-9", 0x200fa5},
    {"crc-30/cdma", 0x4c34abf},
    {"crc-31/philips", 0xce9e46c},
    {"crc-32/aixm", 0x3010bf7f},
    {"crc-32/autosar", 0x1697d06a},
    {"crc-32/base91-d", 0x87315576},
    {"crc-32/bzip2", 0xfc891918},
    {"crc-32/cd-rom-edc", 0x6ec2edc4},
    {"crc-32/cksum", 0x765e7680},
    {"crc-32/iscsi", 0xe3069283},
    {"crc-32/iso-hdlc", 0xcbf43926},
    {"crc-32/jamcrc", 0x340bc6d9},
    {"crc-32/mef", 0xd2c22f51},
    {"crc-32/mpeg-2", 0x376e6e7},
    {"crc-32/xfer", 0xbd0be338},
    {"crc-40/gsm", 0xd4164fc646},
    {"crc-64/ecma-182", 0x6c40df5f0b497347},
    {"crc-64/go-iso", 0xb90956c775a41001},
    {"crc-64/ms", 0x75d4b74f024eceea},
    {"crc-64/nvme", 0xae8b14860a799888},
    {"crc-64/redis", 0xe9c6d914c4b8d9ca},
    {"crc-64/we", 0x62ec59e3f1a4f00a},
    {"crc-64/xz", 0x995dc9bbdf1939fa},
};

TEST(Checksum, GivesTheCataloguesCheckValues) {
  ASSERT_EQ(std::size(kChecks), mm_crc_model_count);
  for (const auto &check : kChecks) {
    mm_checksum sum = Sum(check.name, "123456789");
    EXPECT_EQ(sum.number, check.check) << check.name;
    EXPECT_EQ(sum.size, 0u);
  }
}

// Bit by bit, as the model defines it.
uint64_t Divided(const mm_crc_model &model, const string &data) {
  uint64_t top = uint64_t{1} << (model.width - 1);
  uint64_t mask = top | (top - 1), value = model.init;
  for (char c : data) {
    for (int i = 0; i < 8; i++) {
      bool bit = (static_cast<uint8_t>(c) >> (model.refin ? i : 7 - i)) & 1;
      bool out = (value & top) != 0;
      value = (value << 1) & mask;
      if (bit != out) value ^= model.poly;
    }
  }
  if (model.refout) {
    uint64_t reversed = 0;
    for (int i = 0; i < model.width; i++) reversed |= ((value >> i) & 1) << (model.width - 1 - i);
    value = reversed;
  }
  return value ^ model.xorout;
}

TEST(Checksum, CrcsAreWhatDivisionGives) {
  std::mt19937 random(1);
  for (size_t i = 0; i < mm_crc_model_count; i++) {
    const mm_crc_model &model = mm_crc_models[i];
    for (size_t size : {0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 200}) {
      string data(size, '\0');
      for (char &c : data) c = static_cast<char>(random());
      EXPECT_EQ(Sum(model.name, data).number, Divided(model, data)) << model.name << " " << size;
    }
  }
}

// In pieces of any size it is the same.
TEST(Checksum, CrcsGoOn) {
  std::mt19937 random(2);
  string data(500, '\0');
  for (char &c : data) c = static_cast<char>(random());
  const auto *bytes = reinterpret_cast<const uint8_t *>(data.data());
  for (const char *name : {"crc-5/usb", "crc-16/modbus", "crc-32/bzip2", "crc-64/xz"}) {
    for (size_t i = 0; i < mm_crc_model_count; i++) {
      if (strcmp(mm_crc_models[i].name, name) != 0) continue;
      mm_crc crc;
      mm_crc_prepare(&crc, &mm_crc_models[i]);
      uint64_t value = mm_crc_begin(&crc);
      for (size_t at = 0; at < data.size();) {
        size_t piece = std::min<size_t>(1 + random() % 20, data.size() - at);
        value = mm_crc_update(&crc, value, bytes + at, piece);
        at += piece;
      }
      EXPECT_EQ(mm_crc_end(&crc, value), Sum(name, data).number) << name;
    }
  }
}

TEST(Checksum, GivesPublishedDigests) {
  EXPECT_EQ(Hex("md5", "abc"), "900150983cd24fb0d6963f7d28e17f72");          // RFC 1321
  EXPECT_EQ(Hex("sha1", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d"); // FIPS 180
  EXPECT_EQ(Hex("sha224", "abc"), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  EXPECT_EQ(Hex("sha256", "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex("sha384", "abc"), "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                                  "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(Hex("sha512", "abc"),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(Hex("blake2b", "abc"), // RFC 7693
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  EXPECT_EQ(Hex("SHA1", ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709") << "whatever the case";
}

TEST(Checksum, GivesPublishedSums) {
  EXPECT_EQ(Sum("adler32", "Wikipedia").number, 0x11e60398u);
  EXPECT_EQ(Sum("adler32", "").number, 1u);
  EXPECT_EQ(Sum("fletcher16", "abcde").number, 0xc8f0u);
  EXPECT_EQ(Sum("fletcher16", "abcdefgh").number, 0x0627u);
  EXPECT_EQ(Sum("fletcher32", "abcde").number, 0xf04fc729u);
  EXPECT_EQ(Sum("fletcher32", "abcdefgh").number, 0xebe19591u);
  EXPECT_EQ(Sum("xxh32", "").number, 0x02cc5d05u);
  EXPECT_EQ(Sum("xxh64", "").number, 0xef46db3751d8e999u);
  EXPECT_EQ(Sum("xxh3", "").number, 0x2d06800538d394c2u);
}

// Without a modulo at each step, whatever the bytes are.
TEST(Checksum, FletchersSumsDoNotOverflow) {
  string data(100001, '\xff');
  uint64_t low = 0, high = 0, wide = 0, wider = 0;
  for (size_t i = 0; i < data.size(); i++) {
    low = (low + 255) % 255;
    high = (high + low) % 255;
  }
  for (size_t i = 0; i < data.size(); i += 2) {
    wide = (wide + (i + 1 < data.size() ? 0xffff : 0xff)) % 65535;
    wider = (wider + wide) % 65535;
  }
  EXPECT_EQ(Sum("fletcher16", data).number, high << 8 | low);
  EXPECT_EQ(Sum("fletcher32", data).number, wider << 16 | wide);
}

TEST(Checksum, LargeDataComeInPieces) {
  string data((9 << 20) + 3, 'x');
  int asked = 0;
  mm_watch count = {[](void *context, uint64_t) { return ++*static_cast<int *>(context), 0; },
                    &asked};
  mm_checksum whole = Sum("sha256", data), watched = Sum("sha256", data, &count);
  EXPECT_EQ(memcmp(whole.bytes, watched.bytes, 32), 0);
  EXPECT_EQ(asked, 2);
  mm_watch stop = {[](void *, uint64_t) { return static_cast<int>(MM_INTERRUPT); }, nullptr};
  mm_checksum_kind *kind;
  mm_checksum sum;
  mm_error err;
  ASSERT_EQ(mm_checksum_find("xxh3", &kind, &err), MM_OK);
  EXPECT_EQ(mm_checksum_of(kind, reinterpret_cast<const uint8_t *>(data.data()), data.size(), 1,
                           &stop, &sum, &err),
            MM_INTERRUPT);
  mm_checksum_free(kind);
}

uint64_t NumberOf(const string &name, const string &data, unsigned threads) {
  mm_checksum_kind *kind;
  mm_checksum sum = {};
  mm_error err;
  EXPECT_EQ(mm_checksum_find(name.c_str(), &kind, &err), MM_OK) << name;
  EXPECT_EQ(mm_checksum_of(kind, reinterpret_cast<const uint8_t *>(data.data()), data.size(),
                           threads, nullptr, &sum, &err),
            MM_OK);
  mm_checksum_free(kind);
  uint64_t number = sum.number;
  for (unsigned i = 0; i < sum.size; i++) number = number * 1000003 + sum.bytes[i];
  return number;
}

// Whichever thread takes which part.
TEST(Checksum, IsTheSameBySeveralThreads) {
  std::mt19937 random(5);
  string data;
  while (data.size() < (4 << 20) + 7) data += static_cast<char>(random());
  std::vector<string> names = {"adler32", "fletcher16", "fletcher32", "xxh3", "sha1"};
  for (size_t i = 0; i < mm_crc_model_count; i++) names.push_back(mm_crc_models[i].name);
  for (const string &name : names) {
    bool one = name[0] == 'c' && name != "crc-32/iso-hdlc";
    string part = one ? data.substr(0, (2 << 20) + 5) : data;
    uint64_t expected = NumberOf(name, part, 1);
    for (unsigned threads : {2U, 3U, 8U}) {
      EXPECT_EQ(NumberOf(name, part, threads), expected) << name << " " << threads;
    }
  }
}

TEST(Checksum, ExtremesAreTheSameBySeveralThreads) {
  for (int byte : {0x00, 0x01, 0xff}) {
    for (size_t size : {size_t{0}, size_t{1}, size_t{2} << 20, (size_t{3} << 20) + 1}) {
      string data(size, static_cast<char>(byte));
      for (const char *name :
           {"adler32", "fletcher16", "fletcher32", "crc-32/iso-hdlc", "crc-64/xz", "crc-3/gsm"}) {
        EXPECT_EQ(NumberOf(name, data, 4), NumberOf(name, data, 1)) << name << " " << size;
      }
    }
  }
}

// Zeros that are skipped are zeros that are read.
TEST(Crc, SkipsZeros) {
  std::mt19937_64 random(6);
  const string zeros(5000, 0);
  for (size_t i = 0; i < mm_crc_model_count; i++) {
    const mm_crc_model *model = &mm_crc_models[i];
    mm_crc crc;
    mm_crc_prepare(&crc, model);
    for (size_t size : {0, 1, 2, 7, 8, 255, 4096, 4999}) {
      uint8_t start[8];
      for (uint8_t &byte : start) byte = static_cast<uint8_t>(random());
      uint64_t value = mm_crc_update(&crc, mm_crc_begin(&crc), start, sizeof start);
      EXPECT_EQ(mm_crc_skip(model, value, size),
                mm_crc_update(&crc, value, reinterpret_cast<const uint8_t *>(zeros.data()), size))
          << model->name << " " << size;
    }
  }
}

TEST(Checksum, AnUnknownOneIsToldWhatThereIs) {
  mm_checksum_kind *kind;
  mm_error err;
  ASSERT_EQ(mm_checksum_find("crc32", &kind, &err), MM_ERROR);
  EXPECT_EQ(strncmp(err.text, "algorithm 'crc32' is none of adler32, fletcher16, ", 50), 0)
      << err.text;
  const char *last = ", crc-64/xz";
  EXPECT_STREQ(err.text + strlen(err.text) - strlen(last), last);
}

} // namespace
