#!/bin/sh
# curl, as the vendor's examples have it: a form content type, a first request without a body.
url=$1 user=$2 password=$3
login=$user:$password
post() { curl -sS -k --noproxy '*' --digest -u "$login" "$@"; }
wrapped() { printf '<?xml version="1.0"?><methodCall><methodName>%s</methodName><params><param><value>%s</value></param></params></methodCall>' "$1" "$2"; }
call() { method=$1; shift; post -d "$(wrapped "$method" "<struct>$*</struct>")" "$url"; }
member() { printf '<member><name>%s</name><value>%s</value></member>' "$1" "$2"; }
has() { printf '%s' "$1" | tr -d '\n' | grep -qF "$2"; }
check() { if [ "$2" = 0 ]; then echo "ok $1"; else echo "FAILED $1: $3"; fi; }

account=$(member i_account '<int>100</int>')
v=$(call getLowBalance "$(member i_account '<int>101</int>')")
has "$v" '<name>threshold</name><value><nil/></value>'; check nil-read $? "$v"
for null in 'nil-write <nil/>' 'empty-null <string/>'; do
  call setLowBalance "$account" "$(member threshold '<double>5.25</double>')" >/dev/null
  before=$(call getLowBalance "$account")
  call setLowBalance "$account" "$(member threshold "${null#* }")" >/dev/null
  v=$(call getLowBalance "$account")
  has "$before" '<double>5.25</double>' && has "$v" '<name>threshold</name><value><nil/></value>'; check "${null% *}" $? "$v"
done
call setLowBalance "$account" "$(member charge_amount '<int>10</int>')" "$(member notify_by_email '<int>1</int>')" >/dev/null
v=$(call getLowBalance "$account")
has "$v" '<name>charge_amount</name><value><double>10.0</double>' && has "$v" '<name>notify_by_email</name><value><boolean>1</boolean>'; check ints $? "$v"
call setLowBalance "$account" "$(member threshold '<double>1e-05</double>')" >/dev/null
v=$(call getLowBalance "$account")
has "$v" '<name>threshold</name><value><double>0.00001</double>'; check exponent $? "$v"
v=$(call addDebitCreditCard "$account" "$(member alias work)" "$(member i_card_type '<int>1</int>')" "$(member number '<int>4111111111111111</int>')" \
  "$(member holder A)" "$(member exp_mm '<int>12</int>')" "$(member exp_yy '<int>2050</int>')" "$(member street_addr1 '1 Main St')" "$(member state NY)" \
  "$(member postal_code '<int>02134</int>')" "$(member city Boston)" "$(member country US)" "$(member phone '<i4>+15551234567</i4>')")
card=$account$(member i_debit_credit_card "<int>$(printf '%s' "$v" | tr -d '\n' | sed 's/.*<name>i_debit_credit_card<.name><value><int>\([0-9]*\)<.*/\1/')</int>")
v=$(call getDebitCreditCardInfo "$card")
has "$v" '<string>02134</string>' && has "$v" '<string>+15551234567</string>' && has "$v" '<string>1111</string>'; check digits $? "$v"
a=$(call getLowBalance "$(member i_account '<int>999999</int>')") b=$(call getLowBalance) c=$(call noSuchMethod)
has "$a" '<int>401</int>' && has "$a" 'Wrong i_account' && has "$b" '<int>400</int>' && has "$b" 'Parameter i_account is required' &&
  has "$c" 'do not have a method with that name'; check fault $? "$a$b$c"
v=$(curl -sS --noproxy '*' --digest -u "$user:wrong" -o /dev/null -w '%{http_code}' -d "$(wrapped getLowBalance "<struct>$account</struct>")" "$url")
[ "$v" = 401 ]; check password $? "$v"
v=$(post -d "$(wrapped getAccountMinutePlans "<struct>$account</struct>")" "$url" "$url" "$url" | grep -c '<string>OK</string>')
[ "$v" = 3 ]; check three $? "$v"
fifty=$(i=0; while [ $i -lt 50 ]; do printf '%s ' "$url"; i=$((i + 1)); done)
# shellcheck disable=SC2086 # fifty words
v=$(post --parallel --parallel-max 50 --parallel-immediate -d "$(wrapped getLowBalance "<struct>$account</struct>")" $fifty 2>/dev/null | grep -c '<string>OK</string>')
[ "$v" = 50 ]; check parallel $? "$v"
text='a &amp; b &lt; c &gt; d "é" ц'
call updateDebitCreditCard "$card" "$(member alias "<string>$text</string>")" >/dev/null
v=$(call getDebitCreditCardInfo "$card")
has "$v" "<name>alias</name><value><string>$text</string></value>"; check text $? "$v"
counts=
for n in 0 1 1000; do
  login=rows$n:rows$n
  v=$(call listAccounts)
  [ $n = 0 ] || has "$v" "<string>a &amp; b &lt;$n&gt; \"é\" ц</string>" || counts="$counts wrong name"
  counts="$counts $(printf '%s' "$v" | grep -c '<name>i_account</name>')"
done
login=$user:$password
[ "$counts" = ' 0 1 1000' ]; check rows $? "$counts"
entries=
for id in 100 200 101; do
  entries="$entries<value><struct>$(member methodName setLowBalance)$(member params "<array><data><value><struct>$(member i_account "<int>$id</int>")$(member charge_amount '<int>10</int>')</struct></value></data></array>")</struct></value>"
done
v=$(post -d "$(wrapped system.multicall "<array><data>$entries</data></array>")" "$url")
[ "$(printf '%s' "$v" | grep -o '<string>OK</string>' | grep -c .)" = 2 ] && has "$v" '<int>401</int>' && has "$v" 'Wrong i_account'; check multicall $? "$v"
