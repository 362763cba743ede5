# run.ps1 [PATTERN]: the tests on Windows itself, where no compiler is needed. On Debian,
#
#     ./bazelw build //tests/windows:windows.zip
#
# makes bazel-bin/tests/windows/windows.zip: this file and all that it runs. Unpacked on Windows 10 or later, there:
#
#     powershell -ExecutionPolicy Bypass -File run.ps1 [core/file/*]
#
# The tests of C++ whose names fit; then, if all do, the SQL that is answered on Debian, and what is typed into the
# sqlite3 shell: README's session, the demo, what mmap0.dll needs, a tag of two shells, a COMMIT that is killed. It ends
# with 1 if anything failed, and names it.
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
    $arguments = '--gtest_brief=1', "--gtest_filter=*:-$leftOut"
    & (Join-Path $PSScriptRoot "$test.exe") $arguments
    if ($LASTEXITCODE -ne 0) { $failed += $test }
}

# Its bytes, as characters of the same numbers.
function Get-Bytes([string]$file) {
    return [IO.File]::ReadAllText($file, [Text.Encoding]::GetEncoding(28591))
}

# Byte by byte: -ceq would compare as a language does, and pass over some characters.
function Test-Same([string]$one, [string]$other) {
    return [string]::Equals($one, $other, [StringComparison]::Ordinal)
}

# Without what the two systems call by different names: rules like those of same_sql.sed, which are lines of
# s/EXPRESSION/TEXT/g.
function Get-Answers([string]$file) {
    $text = Get-Bytes $file
    foreach ($rule in Get-Content (Join-Path $PSScriptRoot 'same_sql.sed')) {
        if ($rule -match '^s/(.*)/(.*)/g$') { $text = $text -creplace "(?m)$($Matches[1])", $Matches[2] }
    }
    return $text
}

# Types a script into the shell, in the current directory. Is it answered as it should be?
function Test-Script([string]$script) {
    cmd /c ".\sqlite3.exe -init NUL -batch :memory: <$script >got 2>&1" | Out-Null
    $got = (Get-Bytes (Join-Path $PWD.Path 'got')).Replace("`r", '')
    return Test-Same $got (Get-Bytes (Join-Path $PWD.Path 'expected'))
}

# Kills a COMMIT as soon as its journal is there, or so many milliseconds later. Was there a journal then?
function Stop-Commit([int]$milliseconds) {
    if (Test-Path f*) { Remove-Item f* }
    [IO.File]::WriteAllText((Join-Path $PWD.Path 'f'), 'a' * 8388608)
    $writer = Start-Process -PassThru -NoNewWindow -WorkingDirectory $PWD.Path `
        -FilePath (Join-Path $PWD.Path 'sqlite3.exe') -ArgumentList '-init NUL -batch :memory:' `
        -RedirectStandardInput (Join-Path $PWD.Path 'commit.sql') -RedirectStandardOutput (Join-Path $PWD.Path 'out')
    while (-not $writer.HasExited -and -not (Test-Path f-mmap-journal)) { Start-Sleep -Milliseconds 1 }
    Start-Sleep -Milliseconds $milliseconds
    try { $writer.Kill() } catch { Write-Host 'it was done already' }
    $writer.WaitForExit()
    return Test-Path f-mmap-journal
}

if ($Pattern -eq '*') {
    Write-Host 'all the SQL'
    $sql = Join-Path $scratch 'sql'
    New-Item -ItemType Directory $sql | Out-Null
    $got = Join-Path $scratch 'got'
    Push-Location $sql
    cmd /c "`"$PSScriptRoot\answers.exe`" `"$env:MMAP_LIBRARY`" <`"$PSScriptRoot\everything.sql`" >`"$got`""
    Pop-Location
    if (-not (Test-Same (Get-Answers $got) (Get-Answers (Join-Path $PSScriptRoot 'expected')))) {
        $failed += "all the SQL: compare $got with expected"
    }

    Copy-Item -Recurse scripts $scratch
    foreach ($script in Get-ChildItem -Directory (Join-Path $scratch 'scripts')) {
        Write-Host "the shell: $($script.Name)"
        Copy-Item -Path 'sqlite3.exe', 'ext\mmap0.dll' -Destination $script.FullName
        Push-Location $script.FullName
        if ((Test-Path script.sql) -and -not (Test-Script script.sql)) {
            $failed += "the shell: compare $($script.FullName)\got with expected"
        }
        Pop-Location
    }

    Push-Location (Join-Path $scratch 'scripts\killed')
    $journals = 0
    foreach ($milliseconds in 0, 10, 50) {
        if (Stop-Commit $milliseconds) { $journals++ }
        if (-not (Test-Script look.sql)) { $failed += "the shell: a COMMIT that was killed after $milliseconds ms" }
    }
    if ($journals -eq 0) { $failed += 'the shell: no COMMIT was killed while it had a journal' }
    Pop-Location
}

if ($failed.Count -gt 0) {
    Write-Host "FAILED:`n$($failed -join "`n")"
    exit 1
}
Remove-Item -Recurse -Force $scratch
Write-Host 'all passed'
