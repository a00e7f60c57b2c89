# Tcl, tcl-xmlrpc: HTTP/1.0 without a Host header, no Digest (trusted mode), no nil.
package require xmlrpc
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
proc check {name good why} { if {$good} { puts "ok $name" } else { puts "FAILED $name: $why $::warning" } }
# A nil ends the reading of a reply; the call fails or its answer is short of what follows.
proc nil {method members} {
    set failed [catch {call $method $members} said]
    return [expr {$failed || [string match *nil* "$said $::warning"]}]
}
proc member {name answer} {
    foreach cons $answer { if {[lindex $cons 0] eq $name} { return [lindex $cons 1] } }
    return ""
}

if {[nil getLowBalance {i_account {int 101}}]} { puts "cannot nil-read: no nil" } else { puts "FAILED nil-read" }
if {[catch {xmlrpc::marshall {nil {}}}]} { puts "cannot nil-write: no nil" } else { puts "FAILED nil-write" }
set v [call addDebitCreditCard {i_account {int 100} alias {string work} i_card_type {int 1} number {string tok_ok} holder {string A} exp_mm {int 12}
    exp_yy {int 2050} street_addr1 {string {1 Main St}} state {string NY} postal_code {int 02134} city {string Boston} country {string US} phone {int +15551234567}}]
set id [member i_debit_credit_card $v]
set card [list i_account {int 100} i_debit_credit_card [list int $id]]
# Without a nil in the answer it reads the policy.
call setLowBalance [concat $card [list threshold {double 5.25} br_i_debit_credit_card [list int $id] br_charge_amount {double 1.0}]]
set before [member threshold [call getLowBalance {i_account {int 100}}]]
call setLowBalance {i_account {int 100} threshold {string ""}}
check empty-null [expr {$before == 5.25 && [nil getLowBalance {i_account {int 100}}]}] $before
call setLowBalance {i_account {int 100} threshold {int 5} charge_amount {int 10} notify_by_email {int 1}}
set v [call getLowBalance {i_account {int 100}}]
check ints [expr {[member charge_amount $v] == 10 && [member notify_by_email $v] == 1 && [member threshold $v] == 5}] $v
call setLowBalance {i_account {int 100} threshold {double 1e-05}}
set v [member threshold [call getLowBalance {i_account {int 100}}]]
check exponent [expr {$v == 1e-05}] $v
set v [call getDebitCreditCardInfo $card]
check digits [expr {[member postal_code $v] eq "02134" && [member phone $v] eq "+15551234567"}] $v
set a [call getLowBalance {i_account {int 999999}}]
set b [call accountCredit {i_account {int 100}}]
set c [call noSuchMethod {i_account {int 100}}]
check fault [expr {[member faultCode $a] == 401 && [member faultString $a] eq "Wrong i_account" && [member faultString $b] eq "Parameter amount is required"
    && [string match "*do not have a method with that name*" [member faultString $c]]}] "$a|$b|$c"
puts "cannot password: no Digest"
set three {}
foreach i {1 2 3} { lappend three [member result [call getAccountMinutePlans {i_account {int 100}}]] }
if {$three eq "OK OK OK"} { puts "cannot three: closes after each call" } else { puts "FAILED three: $three" }
puts "cannot parallel: one call at a time"
# It escapes nothing and knows only bytes.
encoding system iso8859-1
set text [encoding convertto utf-8 "a &amp; b &lt; c &gt; d \u00e9 \u0446"]
call updateDebitCreditCard [concat $card [list alias [list string $text]]]
set v [member alias [call getDebitCreditCardInfo $card]]
check text [expr {$v eq $text}] $v
# Each row has a nil in it.
set none [member accounts [call listAccounts {i_customer {int 40}}]]
if {$none eq "" && [nil listAccounts {i_customer {int 41}}]} { puts "cannot rows: no nil" } else { puts "FAILED rows: $none" }
set entries {}
foreach i {100 200 101} {
    array set ::policy$i [list i_account [list int $i] charge_amount {int 10} i_wholesaler {int 10}]
    array set ::entry$i [list methodName {string setLowBalance} params [list array [list [list struct ::policy$i]]]]
    lappend entries [list struct ::entry$i]
}
set v [lindex [xmlrpc::call $server $path system.multicall [list [list array $entries]]] 1]
check multicall [expr {[member result [lindex $v 0 0]] eq "OK" && [member faultCode [lindex $v 1]] == 401 && [member result [lindex $v 2 0]] eq "OK"}] $v
