#!/usr/bin/php
<?php
// The main things in PHP's SQLite3, as a PHP program does them.
//
// PHP loads extensions from one directory only, that of php.ini's sqlite3.extension_dir: the program
// starts itself again with it set.

$library = realpath($argv[1] ?? 'ext/mmap0.so');
if (ini_get('sqlite3.extension_dir') !== dirname($library)) {
    passthru(implode(' ', array_map('escapeshellarg', [
        PHP_BINARY, '-d', 'sqlite3.extension_dir=' . dirname($library), __FILE__, $library,
    ])), $status);
    exit($status);
}

function expect(string $what, mixed $got, mixed $expected): void
{
    if ($got !== $expected) {
        echo "FAILED: $what\nexpected: ", var_export($expected, true), "\ngot:      ",
            var_export($got, true), "\n";
        exit(1);
    }
}

$directory = sys_get_temp_dir() . '/client_php.' . getmypid();
mkdir($directory);
register_shutdown_function(function () use ($directory) {
    array_map('unlink', glob("$directory/*"));
    rmdir($directory);
});
chdir($directory);
$before = "Hello, world\n";
file_put_contents('f', $before);

$db = new SQLite3(':memory:');
$db->enableExceptions(true);
expect('loads', $db->loadExtension(basename($library)), true);

$query = $db->prepare("SELECT mmap_get('f', 0), mmap_slice('f', 7, 12), mmap_find('f', ?)");
$query->bindValue(1, 'o', SQLITE3_BLOB);
expect('reads and finds', $query->execute()->fetchArray(SQLITE3_NUM), [72, 'world', 4]);
$rows = $db->query("SELECT byte FROM mmap('f') WHERE offset < 3");
$bytes = [];
while ($row = $rows->fetchArray(SQLITE3_ASSOC)) {
    $bytes[] = $row['byte'];
}
expect('rows', $bytes, [72, 101, 108]);
$rows->finalize();
$query->close();

$db->exec('BEGIN');
$patch = $db->prepare("SELECT mmap_patch('f', 0, ?)");
$patch->bindValue(1, "\xff\x00", SQLITE3_BLOB);
expect('patches with a blob', $patch->execute()->fetchArray(SQLITE3_NUM), [2]);
$patch->close();
expect('sees the change',
    $db->querySingle('SELECT offset, old, new FROM mmap_changes', true),
    ['offset' => 0, 'old' => 'He', 'new' => "\xff\x00"]);
expect('nobody else does', file_get_contents('f'), $before);
$db->exec('ROLLBACK');
expect('ROLLBACK leaves the file', file_get_contents('f'), $before);

$db->exec("BEGIN; UPDATE mmap SET byte = 0x4a WHERE file = 'f' AND offset = 0; COMMIT");
expect('COMMIT changes it', file_get_contents('f'), "Jello, world\n");
expect('no journal is left', glob('f*'), ['f']);

$big = random_bytes(1 << 20);
file_put_contents('big', $big);
$slice = $db->querySingle("SELECT mmap_slice('big', 4)");
expect('a large slice is a string of bytes', $slice === substr($big, 4), true);

try {
    $db->querySingle("SELECT mmap_get('f', 13)");
    expect('an error is an exception', false, true);
} catch (Exception $error) {
    expect('the message', str_contains($error->getMessage(),
        "mmap_get: offset 13 is outside 'f' (13 bytes)"), true);
}

$db->close();
echo "ok\n";
