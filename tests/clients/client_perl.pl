#!/usr/bin/perl
# The main things in Perl's DBD::SQLite, as a Perl program does them.
use strict;
use warnings;

use Cwd qw(abs_path);
use DBI qw(:sql_types);
use File::Temp qw(tempdir);
use Test::More;

sub content {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub put {
    my ($path, $data) = @_;
    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $data;
    close $file or die "$path: $!";
}

my $library = abs_path($ARGV[0] // 'ext/mmap0.so');
my $before = "Hello, world\n";
chdir tempdir(CLEANUP => 1) or die $!;
put('f', $before);

my $db = DBI->connect('dbi:SQLite:dbname=:memory:', '', '',
    { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
$db->sqlite_enable_load_extension(1);
ok($db->sqlite_load_extension($library), 'loads');

is_deeply($db->selectrow_arrayref(
        "SELECT mmap_get('f', 0), mmap_slice('f', 7, 12), mmap_find('f', ?)", undef, 'o'),
    [72, 'world', 4], 'reads and finds');
is_deeply($db->selectcol_arrayref(
        'SELECT byte FROM mmap(?) WHERE offset < 3', undef, 'f'), [72, 101, 108], 'rows');

$db->begin_work;
my $patch = $db->prepare("SELECT mmap_patch('f', ?, ?)");
$patch->bind_param(1, 0, SQL_INTEGER);
$patch->bind_param(2, "\xff\x00", SQL_BLOB);
$patch->execute;
is_deeply($patch->fetchall_arrayref, [[2]], 'patches with a blob');
is_deeply($db->selectall_arrayref('SELECT offset, old, new FROM mmap_changes'),
    [[0, 'He', "\xff\x00"]], 'sees the change');
is(content('f'), $before, 'nobody else does');
$db->rollback;
is(content('f'), $before, 'ROLLBACK leaves the file');

$db->begin_work;
$db->do("UPDATE mmap SET byte = ? WHERE file = 'f' AND offset = 0", undef, ord 'J');
$db->commit;
is(content('f'), "Jello, world\n", 'COMMIT changes it');
is_deeply([glob 'f*'], ['f'], 'no journal is left');

my $big = join '', map { pack 'N', $_ } 1 .. 250_000;
put('big', $big);
my ($slice) = $db->selectrow_array("SELECT mmap_slice('big', 4)");
ok($slice eq substr($big, 4), 'a large slice is a string of bytes');

ok(!eval { $db->selectrow_array("SELECT mmap_get('f', 13)"); 1 }, 'an error dies');
like($@, qr/mmap_get: offset 13 is outside 'f' \(13 bytes\)/, '… with the message');

undef $patch;
$db->disconnect;
chdir '/';
done_testing;
