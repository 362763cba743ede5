# run.ps1 [PATTERN]: the tests on Windows itself, where no compiler is needed. On Debian,
#
#     ./bazelw build //tests/windows:windows.zip
#
# makes bazel-bin/tests/windows/windows.zip: this file and all that it runs. Unpacked on Windows 10 or later, there:
#
#     powershell -ExecutionPolicy Bypass -File run.ps1 [core/file/*]
#
# The tests of C++ whose names fit; then, if all do, the SQL that is answered on Debian, and the library's version
# from the sqlite3 shell. It ends with 1 if anything failed, and names it.
param([string]$Pattern = '*')

Set-Location $PSScriptRoot
$failed = @()
$scratch = Join-Path ([IO.Path]::GetTempPath()) ('mmap0-' + [IO.Path]::GetRandomFileName())
New-Item -ItemType Directory $scratch | Out-Null
$env:TEST_TMPDIR = $scratch
$env:MMAP_LIBRARY = Join-Path $PSScriptRoot 'ext\mmap0.dll'

# A line a test: its name, a tab, the cases that are left out; and those for Windows alone.
$lines = @(Get-Content tests.txt)
$lines += Get-ChildItem tests\windows\*_test.exe | ForEach-Object { "tests/windows/$($_.BaseName)`t" }
foreach ($line in $lines) {
    $test, $leftOut = $line -split "`t"
    if ($test -notlike $Pattern) { continue }
    Write-Host $test
    & (Join-Path $PSScriptRoot "$test.exe") --gtest_brief=1 "--gtest_filter=*:-$leftOut"
    if ($LASTEXITCODE -ne 0) { $failed += $test }
}

# Both without what the two systems call by different names: rules like those of same_sql.sed, which are lines of
# s/EXPRESSION/TEXT/g.
function Get-Answers([string]$file) {
    $text = [IO.File]::ReadAllText($file, [Text.Encoding]::GetEncoding(28591))
    foreach ($rule in Get-Content same_sql.sed) {
        if ($rule -match '^s/(.*)/(.*)/g$') { $text = $text -creplace "(?m)$($Matches[1])", $Matches[2] }
    }
    return $text
}

if ($Pattern -eq '*') {
    Write-Host 'all the SQL'
    $sql = Join-Path $scratch 'sql'
    New-Item -ItemType Directory $sql | Out-Null
    $got = Join-Path $scratch 'got'
    Push-Location $sql
    cmd /c "`"$PSScriptRoot\answers.exe`" `"$env:MMAP_LIBRARY`" <`"$PSScriptRoot\everything.sql`" >`"$got`""
    Pop-Location
    # Byte by byte: -cne would compare as a language does, and pass over some characters.
    if (-not [string]::Equals((Get-Answers $got), (Get-Answers (Join-Path $PSScriptRoot 'expected')))) {
        $failed += "all the SQL: compare $got with expected"
    }
    Write-Host 'the shell'
    & .\sqlite3.exe -batch -cmd '.load ./ext/mmap0' :memory: 'SELECT mmap_version()'
    if ($LASTEXITCODE -ne 0) { $failed += 'the shell' }
}

if ($failed.Count -gt 0) {
    Write-Host "FAILED:`n$($failed -join "`n")"
    exit 1
}
Remove-Item -Recurse -Force $scratch
Write-Host 'all passed'
