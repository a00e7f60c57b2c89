# Tcl, tcl-xmlrpc: HTTP/1.0 without a Host header, no Digest (trusted mode), no nil.
package require xmlrpc
proc warned {args} {}
proc xmlrpc::warn {msg} { set ::warning $msg }
lassign $argv url
regexp {^(http://[^/]+)/(.*)$} $url -> server path
proc call {method members} {
    global server path
    set ::warning ""
    array unset ::in
    array set ::in $members
    return [lindex [xmlrpc::call $server $path $method {{struct ::in}}] 1]
}
proc member {name answer} {
    foreach {k v} [join $answer] { if {$k eq $name} { return $v } }
    return ""
}
proc check {name good why} { if {$good} { puts "ok $name" } else { puts "FAILED $name: $why" } }

set v [catch {call getLowBalance {i_account {int 101}}} said]
if {$said eq "" || [string match *nil* "$said $::warning"]} { puts "cannot nil-read: no nil" } else { puts "FAILED nil-read: $said" }
set v [call setLowBalance {i_account {int 100} threshold {string ""}}]
check nil-write [string match *OK* $v] $v
set v [call setLowBalance {i_account {int 100} charge_amount {int 10} notify_by_email {int 1}}]
check ints [string match *OK* $v] $v
set v [call accountCredit {i_account {int 100} amount {int 1} currency {string USD} payment_notes {int 02134}}]
check digits [string match *OK* $v] $v
set a [call getLowBalance {i_account {int 999999}}]
set b [call accountCredit {i_account {int 100}}]
set c [call noSuchMethod {i_account {int 100}}]
check fault [expr {[string match *401*Wrong*i_account* $a] && [string match "*Parameter amount is required*" $b] && [string match "*do not have a method with that name*" $c]}] "$a|$b|$c"
puts "cannot password: no Digest"
puts "cannot parallel: one call at a time"
set v [call test.echo {value {string "a &amp; b"}}]
check text [string match "*a &amp; b*" $v] $v
# Its time follows the square of the reply: 1000 rows take a minute.
set counts {}
foreach n {0 1 100} { lappend counts [regexp -all i_account [call test.rows [list count [list int $n]]]] }
if {$counts eq "0 1 100"} { puts "cannot rows: 100, not 1000" } else { puts "FAILED rows: $counts" }
