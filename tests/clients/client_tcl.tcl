#!/usr/bin/tclsh
# The main things in Tcl, as a Tcl program does them.
package require sqlite3

proc content {path} {
    set file [open $path rb]
    set data [read $file]
    close $file
    return $data
}

proc put {path data} {
    set file [open $path wb]
    puts -nonewline $file $data
    close $file
}

proc expect {what expected} {
    set got [uplevel 1 $what]
    if {$got ne $expected} {
        puts "FAILED: $what\nexpected: $expected\ngot:      $got"
        exit 1
    }
}

set library [file normalize [expr {$argc ? [lindex $argv 0] : "ext/mmap0.so"}]]
set directory [exec mktemp -d]
cd $directory
set before "Hello, world\n"
put f $before

sqlite3 db :memory:
db enable_load_extension 1
db eval {SELECT load_extension($library)}

set needle o
expect {db eval {SELECT mmap_get('f', 0), mmap_slice('f', 7, 12), mmap_find('f', $needle)}} \
    {72 world 4}
expect {
    set bytes {}
    db eval {SELECT byte FROM mmap('f') WHERE offset < 3} row {lappend bytes $row(byte)}
    set bytes
} {72 101 108}

# A transaction that an error leaves is taken back.
set patch [binary format cu* {255 0}]
expect {
    catch {
        db transaction {
            db eval {SELECT mmap_patch('f', 0, @patch)}
            set ::changes [db eval {SELECT offset, hex(old), hex(new) FROM mmap_changes}]
            set ::meanwhile [content f]
            error leave
        }
    } message
    list $message $changes [expr {$meanwhile eq $before}] [expr {[content f] eq $before}]
} {leave {0 4865 FF00} 1 1}

db transaction {db eval {UPDATE mmap SET byte = 0x4a WHERE file = 'f' AND offset = 0}}
expect {content f} "Jello, world\n"
expect {glob f*} f

set big [string repeat [binary format cu* {0 1 254 255}] 250000]
put big $big
expect {expr {[db onecolumn {SELECT mmap_slice('big', 4)}] eq [string range $big 4 end]}} 1

expect {catch {db eval {SELECT mmap_get('f', 13)}} message} 1
expect {set message} "mmap_get: offset 13 is outside 'f' (13 bytes)"

db close
cd /
file delete -force $directory
puts ok
