#!/bin/bash
# tags.sh WHEEL...: the tags of wheels are true, by the machine of their libraries, what these need of which other
# libraries, and of glibc. Each file has the checksum that RECORD says.
set -eu
. tests/dist/job.sh

# The words that readelf has for a machine.
machine_of() {
  case $1 in
    *x86_64) echo 'Advanced Micro Devices X86-64' ;;
    *aarch64) echo AArch64 ;;
    *) fail "no machine is known for $1" ;;
  esac
}

check_library() {
  local library=$1 platform=$2 others
  readelf -h "$library" | grep -q "Machine: *$(machine_of "$platform")\$" || fail "$library is for another machine than $platform"
  case $platform in
    manylinux_2_17_*) tests/clients/symbols.sh --alone "$library" ;;
    musllinux_*)
      [ -z "$(readelf -W --dyn-syms "$library" | grep @GLIBC_)" ] || fail "$library needs glibc"
      others=$(readelf -W -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^libc\.so$' || true)
      [ -z "$others" ] || fail "$library needs $others"
      ;;
    *) fail "nothing is known of $platform" ;;
  esac
}

check() {
  local wheel=$1 platform
  platform=$(basename "$wheel" .whl)
  platform=${platform##*-}
  python3 - "$wheel" "$scratch/wheel" <<'END'
import base64, csv, hashlib, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
archive.extractall(sys.argv[2])
(record,) = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
rows = list(csv.reader(archive.read(record).decode().splitlines()))
assert sorted(row[0] for row in rows) == sorted(archive.namelist())
for name, digest, size in rows:
    data = archive.read(name)
    if name != record:
        wanted = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (wanted, str(len(data))), name
END
  grep -qx "Tag: py3-none-$platform" "$scratch"/wheel/*.dist-info/WHEEL || fail "$wheel says another tag inside"
  check_library "$scratch/wheel/sqlite_mmap/mmap0.so" "$platform"
  [ "$(readelf -W -d "$scratch/wheel/sqlite_mmap/mmapro.so" | grep -oE '(NEEDED|RUNPATH).*\[.*\]' | sed 's/.*\[//' | paste -sd ' ')" = \
    'mmap0.so] $ORIGIN]' ] || fail 'mmapro.so needs something else than mmap0.so'
  rm -r "$scratch/wheel"
}

for wheel; do check "$wheel"; done
